package plaidsource_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// house is a bank, a database that it may share with others, and an engine between them.
type house struct {
	*bank
	store *storetest.Store
	conn  org.Connection
	wrap  func(engine.Store) engine.Store // of the next run; nil: none
}

func newHouse(t *testing.T, db *storetest.Store, s setting) *house {
	t.Helper()
	b := newBank(t, s)
	b.tables = few()
	id := db.Connect(t, "onpoint", plaid.Provider, b.item.ID())
	return &house{bank: b, store: db, conn: org.Connection{ID: id, Org: "onpoint", Provider: plaid.Provider, Account: b.item.ID(), State: org.Active}}
}

// few are the tables that histories are about.
func few() (some []catalog.Table) {
	for _, t := range plaid.Catalog() {
		if slices.Contains([]string{"items", "accounts", "balances", "transactions"}, t.Stream) {
			some = append(some, t)
		}
	}
	return some
}

// run is one look for all changes, of an engine of its own, until ctx ends.
func (h *house) run(ctx context.Context, o engine.Order) (engine.Report, error) {
	e := &engine.Engine{
		Store: h.store, Log: slog.New(slog.DiscardHandler), Holder: h.t.Name(), Lease: time.Minute, Budget: 2 * time.Minute,
		Open: func(context.Context, org.Connection, org.Lease) (engine.Source, error) { return h.source(), nil },
	}
	if h.wrap != nil {
		e.Store = h.wrap(h.store)
	}
	return e.Run(ctx, h.conn, o, nil)
}

// sync looks for all changes, and wants it done.
func (h *house) sync() engine.Result {
	h.t.Helper()
	h.wake()
	rep, err := h.run(h.t.Context(), engine.Order{Reason: org.Manual})
	if err != nil || rep.Result.Outcome != engine.Done {
		h.t.Fatalf("run: %v, outcome %q, streams %v", err, rep.Result.Outcome, rep.Result.Streams)
	}
	return rep.Result
}

// wake lets the connection be tried at once: its provider's patience has passed, and the lease of whoever
// was killed.
func (h *house) wake() {
	h.t.Helper()
	h.exec(`UPDATE sync.connections SET not_before = NULL, lease_until = NULL, state = 'active' WHERE id = $1`, h.conn.ID)
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	if _, err := h.store.Pool.Exec(context.Background(), sql, args...); err != nil {
		h.t.Fatal(err)
	}
}

// column returns the one column of a query.
func (h *house) column(sql string, args ...any) []string {
	h.t.Helper()
	rows, err := h.store.Pool.Query(context.Background(), sql, args...)
	if err != nil {
		h.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// compare compares a stream with the bank.
func (h *house) compare(stream string, truth iter.Seq[json.RawMessage]) storetest.Diff {
	h.t.Helper()
	diff, err := storetest.Compare(context.Background(), h.store.Pool, h.conn.ID, table(stream), truth)
	if err != nil {
		h.t.Fatal(err)
	}
	return diff
}

// agree compares accounts and transactions with the bank. What is stored of accounts that have vanished is
// no difference.
func (h *house) agree() {
	h.t.Helper()
	if diff := h.compare("accounts", h.item.All("accounts")); !diff.Empty() {
		h.t.Errorf("accounts differ: %v", diff)
	}
	diff := h.compare("transactions", h.item.Transactions())
	open := h.item.AccountIDs()
	vanished := h.column(`SELECT id FROM plaid.transactions WHERE connection_id = $1 AND deleted_at IS NULL AND account_id <> ALL ($2)`, h.conn.ID, open)
	diff.Surplus = slices.DeleteFunc(diff.Surplus, func(id string) bool { return slices.Contains(vanished, id) })
	if !diff.Empty() {
		h.t.Errorf("transactions differ: %v", diff)
	}
	if left := h.column(`SELECT count(*)::text FROM sync.parts WHERE connection_id = $1`, h.conn.ID)[0]; left != "0" {
		h.t.Errorf("%s parts are left", left)
	}
}

// dying is the store of a process that is killed at its nth word to the database: before it is heard, or
// after that.
type dying struct {
	engine.Store
	left  int
	heard bool
	dead  bool
}

var errKilled = fault.New(fault.Unavailable, "the process was killed")

// word lets a word through to the database, unless the process is dead.
func (d *dying) word(say func() error) error {
	if d.dead {
		return errKilled
	}
	if d.left--; d.left > 0 {
		return say()
	}
	d.dead = true
	if d.heard {
		return errors.Join(say(), errKilled)
	}
	return errKilled
}

func (d *dying) Begin(ctx context.Context, l org.Lease, streams []string, reason org.Reason) (run engine.RunID, err error) {
	err = d.word(func() (err error) { run, err = d.Store.Begin(ctx, l, streams, reason); return err })
	return run, err
}

func (d *dying) Apply(ctx context.Context, l org.Lease, run engine.RunID, b engine.Batch, u engine.Usage) (a engine.Applied, err error) {
	err = d.word(func() (err error) { a, err = d.Store.Apply(ctx, l, run, b, u); return err })
	return a, err
}

func (d *dying) Finish(ctx context.Context, l org.Lease, run engine.RunID, r engine.Result) error {
	return d.word(func() error { return d.Store.Finish(ctx, l, run, r) })
}

func (d *dying) Release(ctx context.Context, l org.Lease) (again bool, err error) {
	err = d.word(func() (err error) { again, err = d.Store.Release(ctx, l); return err })
	return again, err
}

func (d *dying) Abandon(ctx context.Context, l org.Lease) (noted bool, err error) {
	err = d.word(func() (err error) { noted, err = d.Store.Abandon(ctx, l); return err })
	return noted, err
}
