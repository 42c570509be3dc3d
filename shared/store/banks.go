package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
)

// Bank is a bank login that an organisation has connected.
type Bank struct {
	org.Connection
	Accounts []BankAccount // that it shares, in the order of their names
}

// BankAccount is what people know an account by. Either may be empty.
type BankAccount struct {
	Name string `json:"name"`
	Mask string `json:"mask"`
}

// ShownBank is what a person chose when they connected a login: connect.Consent's Shown of a bank.
type ShownBank struct {
	Institution string        `json:"institution"`
	Accounts    []BankAccount `json:"accounts"`
}

// As long as no account of a login has been read, what was shown at its connecting stands for them.
const banksOf = `SELECT c.id, c.org_id, c.provider, c.account, c.state, c.reason, coalesce(a.name, ''), coalesce(a.mask, '')
FROM sync.connections AS c CROSS JOIN LATERAL (
	SELECT r.name, r.mask FROM plaid.items AS i JOIN plaid.accounts AS r ON r.org_id = i.org_id AND r.connection_id = i.connection_id
	WHERE i.org_id = c.org_id AND i.connection_id = c.id AND i.institution_id = $2 AND r.deleted_at IS NULL AND r.merged_into IS NULL
	UNION ALL
	SELECT s ->> 'name', s ->> 'mask' FROM jsonb_array_elements(c.shown -> 'accounts') AS s
	WHERE c.shown ->> 'institution' = $2 AND NOT EXISTS (SELECT FROM plaid.accounts AS r WHERE r.org_id = c.org_id AND r.connection_id = c.id)
) AS a
WHERE c.org_id = $1 AND c.provider = 'plaid' AND c.state IN ('active', 'needs_reauth', 'paused')
ORDER BY c.id, a.name, a.mask`

// Banks returns the logins at an institution that an organisation has connected, those that wait for a
// new sign-in among them.
func (s *Store) Banks(ctx context.Context, slug org.Slug, institution string) (all []Bank, err error) {
	rows, err := s.pool.Query(ctx, banksOf, slug, institution)
	if err != nil {
		return nil, failure("look up banks", err)
	}
	var c org.Connection
	var account BankAccount
	_, err = pgx.ForEachRow(rows, []any{&c.ID, &c.Org, &c.Provider, &c.Account, &c.State, &c.Reason, &account.Name, &account.Mask}, func() error {
		if len(all) == 0 || all[len(all)-1].ID != c.ID {
			all = append(all, Bank{Connection: c})
		}
		last := &all[len(all)-1]
		last.Accounts = append(last.Accounts, account)
		return nil
	})
	return all, failure("look up banks", err)
}
