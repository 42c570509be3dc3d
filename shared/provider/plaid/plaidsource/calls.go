package plaidsource

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

func (p *pull) institution() ([]part, error) {
	bank, err := p.Client.Institution(p.ctx, p.state[items].Institution, p.Countries)
	if err != nil {
		return nil, err
	}
	return []part{p.list(institutions, []json.RawMessage{bank}, true)}, nil
}

// accounts are all of the Item's, and what is in them today.
func (p *pull) accounts() ([]part, error) {
	answer, err := p.Item.Accounts(p.ctx)
	if err != nil {
		return nil, err
	}
	// An Item has an account at least: that there is none is not believed before the Item itself was asked.
	none := len(answer.Accounts) == 0
	p.doubt = p.doubt || none || answer.Trouble != nil
	return []part{p.list(accounts, answer.Accounts, !none), p.list(balances, p.balances(answer.Accounts), false)}, nil
}

// balances makes a day's balances of accounts. What is no account has none.
func (p *pull) balances(all []json.RawMessage) (objects []json.RawMessage) {
	today := p.Now().UTC().Format(time.DateOnly)
	for _, raw := range all {
		var a struct {
			ID       json.RawMessage `json:"account_id"`
			Balances json.RawMessage `json:"balances"`
		}
		if json.Unmarshal(raw, &a) == nil && len(a.ID) > 0 && len(a.Balances) > 0 {
			objects = append(objects, fmt.Appendf(nil, `{"account_id":%s,"date":%q,"balances":%s}`, a.ID, today, a.Balances))
		}
	}
	return objects
}

func (p *pull) recurring() ([]part, error) {
	answer, err := p.Item.Recurring(p.ctx)
	if err != nil {
		return nil, err
	}
	return []part{p.list(inflows, answer.Inflow, true), p.list(outflows, answer.Outflow, true)}, nil
}

// liabilities are what is owed now. Of a card's statements Plaid shows the last one only.
func (p *pull) liabilities() ([]part, error) {
	answer, err := p.Item.Liabilities(p.ctx)
	if err != nil {
		return nil, err
	}
	return []part{
		p.list(creditCards, answer.Credit, true), p.list(creditStatements, issued(answer.Credit), false),
		p.list(studentLoans, answer.Student, true), p.list(mortgages, answer.Mortgage, true),
	}, nil
}

// issued returns the cards that tell of a statement.
func issued(cards []json.RawMessage) (some []json.RawMessage) {
	for _, raw := range cards {
		var c struct {
			Date json.RawMessage `json:"last_statement_issue_date"`
		}
		if json.Unmarshal(raw, &c) == nil && len(c.Date) > 0 && string(c.Date) != "null" {
			some = append(some, raw)
		}
	}
	return some
}

func (p *pull) holdings() ([]part, error) {
	answer, err := p.Item.Holdings(p.ctx)
	if err != nil {
		return nil, err
	}
	return []part{p.list(securities, answer.Securities, false), p.list(holdings, answer.Holdings, true)}, nil
}

func (p *pull) statements() ([]part, error) {
	answer, err := p.Item.Statements(p.ctx)
	if err != nil {
		return nil, err
	}
	return []part{p.list(statements, answer, true)}, nil
}

// ids are the objects that records name.
func ids(records []engine.Record) (all []string) {
	for i := range records {
		if records[i].ID != "" {
			all = append(all, records[i].ID)
		}
	}
	return all
}
