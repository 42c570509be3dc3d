package store

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/jackc/pgx/v5"
)

// roll notes ids of a unit's objects, by what they are to it. A few stand in memory; when they
// become many, they go into a temporary table that ends with the transaction.
type roll struct {
	lists   map[list][]string
	noted   map[list]int // of all, those in the table too
	waiting int          // in lists
	spilled bool         // some are in the table
	indexed bool         // which has its index
}

// list is a list of objects of a stream.
type list struct {
	are    string
	stream string
}

// What a unit's objects are.
const (
	named = "named" // the provider has them, also where a record of theirs cannot be stored
	fresh = "fresh" // the unit has brought them
	gone  = "gone"  // live before, deleted since; where they are fresh too, they have come and gone within the unit
)

// name is the list's name in the table.
func (l list) name() string { return l.are + " " + l.stream }

// maxRoll is how many ids stand in memory.
const maxRoll = 2000

const (
	// No catalog makes a table of that name: it stands where the tables of a comparison do for a while.
	makeRoll = `CREATE TEMP TABLE sync_unit_roll (list text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL) ON COMMIT DROP`

	copyRoll = `COPY pg_temp.sync_unit_roll (list, id) FROM STDIN (FORMAT binary)`

	indexRoll = `CREATE INDEX sync_unit_roll_ids ON pg_temp.sync_unit_roll (list, id)`
)

func (r *roll) note(l list, id string) {
	if r.lists == nil {
		r.lists, r.noted = map[list][]string{}, map[list]int{}
	}
	r.lists[l] = append(r.lists[l], id)
	r.noted[l]++
	r.waiting++
}

// spill makes room where ids have become many.
func (r *roll) spill(ctx context.Context, tx pgx.Tx) error {
	if r.waiting <= maxRoll {
		return nil
	}
	return r.flush(ctx, tx)
}

// flush moves what stands in memory into the table.
func (r *roll) flush(ctx context.Context, tx pgx.Tx) error {
	if !r.spilled {
		if _, err := tx.Exec(ctx, makeRoll); err != nil {
			return err
		}
		r.spilled = true
	}
	rows := []byte(copyHeader)
	for l, ids := range r.lists {
		name := l.name()
		for _, id := range ids {
			rows = binary.BigEndian.AppendUint16(rows, 2)
			rows = appendText(appendText(rows, name), id)
		}
		r.lists[l] = ids[:0]
	}
	r.waiting = 0
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(append(rows, 0xff, 0xff)), copyRoll)
	return err
}

// ready makes the lists fit for list.has and list.from: each is as a whole in memory, or all are in
// the table, which then has an index.
func (r *roll) ready(ctx context.Context, tx pgx.Tx) error {
	if !r.spilled {
		return nil
	}
	if r.waiting > 0 {
		if err := r.flush(ctx, tx); err != nil {
			return err
		}
	}
	if r.indexed {
		return nil
	}
	r.indexed = true
	_, err := tx.Exec(ctx, indexRoll)
	return err
}

// argument is what the SQL of has and from is given for a list.
func (r *roll) argument(l list) any {
	if r.spilled {
		return l.name()
	}
	return append([]string{}, r.lists[l]...)
}

// has returns the condition that the id in column is in the list that parameter names. OFFSET 0: each
// is looked up through the index, nothing is joined.
func (r *roll) has(parameter, column string) string {
	if r.spilled {
		return "EXISTS (SELECT FROM pg_temp.sync_unit_roll AS l WHERE l.list = " + parameter + "::text AND l.id = " + column + " OFFSET 0)"
	}
	return column + " = ANY (" + parameter + "::text[])"
}

// from returns the list that parameter names as m (object), for FROM.
func (r *roll) from(parameter string) string {
	if r.spilled {
		return "(SELECT l.id FROM pg_temp.sync_unit_roll AS l WHERE l.list = " + parameter + "::text) AS m (object)"
	}
	return "unnest(" + parameter + "::text[]) AS m (object)"
}
