package store

import (
	"context"
	"fmt"
	"hash/maphash"

	"github.com/jackc/pgx/v5"
)

// ground is what is known of a table at the beginning of a unit in parts. Where the connection has no
// rows yet, as in a first load, only what the unit itself has stored need be looked up.
type ground struct {
	empty bool
	ids   met // of the objects that the unit has stored
	bys   met // of those whose places they say to have taken
}

// maxMet bounds what is remembered of a unit: some megabytes. Beyond it everything is looked up.
const maxMet = 1 << 18

// met remembers texts by their hashes: it may take one for another, but never forgets.
type met map[uint64]struct{}

var metSeed = maphash.MakeSeed()

// add remembers text, and reports whether it had been met.
func (m met) add(text string) bool {
	n, hash := len(m), maphash.String(metSeed, text)
	m[hash] = struct{}{}
	return len(m) == n
}

func (m met) has(text string) bool {
	_, known := m[maphash.String(metSeed, text)]
	return known
}

// ground returns what is known of a table, or nil.
func (u *unit) ground(ctx context.Context, t *table) (*ground, error) {
	if u.kept == 0 {
		return nil, nil
	}
	g, known := u.grounds[t]
	if known {
		return g, nil
	}
	g = &ground{ids: met{}, bys: met{}}
	sql := fmt.Sprintf(`SELECT NOT EXISTS (SELECT FROM %s WHERE org_id = $1 AND connection_id = $2)`, t.relations[0].name)
	err := u.tx.QueryRow(ctx, sql, pgx.QueryExecModeExec, u.owner.org, u.owner.id).Scan(&g.empty)
	if u.grounds == nil {
		u.grounds = map[*table]*ground{}
	}
	u.grounds[t] = g
	return g, err
}

// sure reports whether what g has not met is not there.
func (g *ground) sure() bool { return g != nil && g.empty && len(g.ids)+len(g.bys) < maxMet }

// bare reports whether the table was empty when the unit began.
func (g *ground) bare() bool { return g != nil && g.empty }
