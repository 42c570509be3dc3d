package reconcile_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosource"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

// world is a company, a database, and all between them.
type world struct {
	*testing.T
	company *qbosim.Company
	sim     *qbosim.Server
	store   *storetest.Store
	conn    org.Connection
	tables  []catalog.Table
	url     string
	token   string
	page    int
	strays  int // objects that were made up

	mu    sync.Mutex
	now   time.Time
	calls int
	hook  func(call int, r *http.Request) // before each answer
}

// newWorld makes a company whose streams of these names are loaded.
func newWorld(t *testing.T, db *storetest.Store, realm string, invoices int, streams ...string) *world {
	t.Helper()
	w := &world{T: t, store: db, now: time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC)}
	w.tables = declared(streams...)
	w.sim = qbosim.New(qbosim.Config{ClientID: "id", ClientSecret: "secret", Now: w.clock, NoLimits: true, AccessTTL: 10_000 * time.Hour})
	w.company = w.sim.AddCompany(qbosim.CompanySpec{Realm: realm, Name: "Company " + realm, Seed: 1, Invoices: invoices})
	w.sim.BeforeAnswer(w.answer)
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.url, w.token = server.URL, w.sim.IssueTokens(realm).Access
	id := db.Connect(t, "onpoint", quickbooks.Provider, realm)
	w.conn = org.Connection{ID: id, Org: "onpoint", Provider: quickbooks.Provider, Account: realm, State: org.Active}
	w.sync()
	w.agree()
	return w
}

// declared returns the tables of some streams.
func declared(streams ...string) (tables []catalog.Table) {
	for _, table := range quickbooks.Catalog() {
		if slices.Contains(streams, table.Stream) {
			tables = append(tables, table)
		}
	}
	return tables
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) answer(r *http.Request) {
	w.mu.Lock()
	w.calls++
	call, hook := w.calls, w.hook
	w.mu.Unlock()
	if hook != nil {
		hook(call, r)
	}
}

// each calls hook before every answer, numbered from 1 on; nil: none.
func (w *world) each(hook func(call int, r *http.Request)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.hook = 0, hook
}

// source is one that says a page is full after a few objects, where the test wants that.
func (w *world) source(context.Context, org.Connection, org.Lease) (engine.Source, error) {
	meter := new(qbosource.Meter)
	client := quickbooks.New(quickbooks.Options{
		API: w.url, Realm: w.conn.Account, Tokens: token(w.token), Observe: meter.Observe, Now: w.clock,
		HTTP: httpclient.New(httpclient.Options{Timeout: 10 * time.Second}), Retry: httpclient.Policy{Delay: time.Millisecond},
	})
	return qbosource.New(qbosource.Options{Client: client, Meter: meter, Tables: w.tables, Now: w.clock, Page: w.page}), nil
}

type token string

func (t token) Access(context.Context) (string, error)        { return string(t), nil }
func (t token) Renew(context.Context, string) (string, error) { return string(t), nil }

func (w *world) engine() *engine.Engine {
	return &engine.Engine{Store: w.store, Open: w.source, Log: slog.New(slog.DiscardHandler), Holder: w.Name(), Lease: time.Minute, Budget: 2 * time.Minute}
}

// worker is one process's. It does not wait.
func (w *world) worker() *reconcile.Worker {
	return &reconcile.Worker{Store: w.store, Run: w.engine().Run, Log: slog.New(slog.DiscardHandler), Now: w.clock,
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

// sync is an ordinary run, which must go well.
func (w *world) sync() {
	w.Helper()
	rep, err := w.engine().Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, nil)
	if err != nil || rep.Result.Outcome != engine.Done {
		w.Fatalf("run: %v, outcome %q, streams %v", err, rep.Result.Outcome, rep.Result.Streams)
	}
}

// agree compares every object of the company with the database.
func (w *world) agree() {
	w.Helper()
	for i := range w.tables {
		diff := w.diff(w.tables[i].Stream)
		if !diff.Empty() {
			w.Fatalf("%s differs: %v", w.tables[i].Stream, diff)
		}
	}
}

func (w *world) diff(stream string) storetest.Diff {
	w.Helper()
	table := w.table(stream)
	diff, err := storetest.Compare(context.Background(), w.store.Pool, w.conn.ID, table, w.company.All(stream))
	if err != nil {
		w.Fatal(err)
	}
	return diff
}

func (w *world) table(stream string) *catalog.Table {
	i := slices.IndexFunc(w.tables, func(t catalog.Table) bool { return t.Stream == stream })
	return &w.tables[i]
}

// exec changes the database behind everybody's back.
func (w *world) exec(sql string, args ...any) int {
	w.Helper()
	tag, err := w.store.Pool.Exec(context.Background(), sql, args...)
	if err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
	return int(tag.RowsAffected())
}
