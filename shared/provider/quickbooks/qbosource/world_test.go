package qbosource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosource"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// clock is the one clock of a test: QuickBooks' and ours.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a company, a database, and an engine between them.
type world struct {
	t       *testing.T
	clock   *clock
	sim     *qbosim.Server
	company *qbosim.Company
	store   *storetest.Store
	conn    org.Connection
	engine  *engine.Engine
	url     string
	page    int
	token   string

	retries, rateWaits int

	mu   sync.Mutex
	hook func(*http.Request)
}

// newWorld makes a company of that many invoices, read by pages of that size, in a database that
// may be shared: the account keeps worlds apart.
func newWorld(t *testing.T, db *storetest.Store, account string, invoices, page int) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC)}, store: db, page: page}
	w.sim = qbosim.New(qbosim.Config{ClientID: "id", ClientSecret: "secret", Now: w.clock.now, NoLimits: true, AccessTTL: 1000 * time.Hour})
	w.company = w.sim.AddCompany(qbosim.CompanySpec{Realm: account, Name: "Company " + account, Seed: 1, Invoices: invoices})
	w.sim.BeforeAnswer(func(r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.hook != nil {
			w.hook(r)
		}
	})
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.token = w.sim.IssueTokens(account).Access
	id := db.Connect(t, "onpoint", quickbooks.Provider, account)
	w.conn = org.Connection{ID: id, Org: "onpoint", Provider: quickbooks.Provider, Account: account, State: org.Active}
	w.engine = &engine.Engine{
		Store: db, Log: slog.New(slog.DiscardHandler), Holder: t.Name(), Lease: time.Minute, Budget: 2 * time.Minute,
		Open: func(context.Context, org.Connection, org.Lease) (engine.Source, error) { return w.source(), nil },
	}
	return w
}

func (w *world) source() *qbosource.Source {
	meter := new(qbosource.Meter)
	client := quickbooks.New(quickbooks.Options{
		API: w.url, Realm: w.conn.Account, Tokens: token(w.token), Observe: meter.Observe, Now: w.clock.now,
		HTTP: httpclient.New(httpclient.Options{Timeout: 10 * time.Second}), Retry: httpclient.Policy{MaxRetries: w.retries, Delay: time.Millisecond, RateWaits: w.rateWaits},
	})
	return qbosource.New(qbosource.Options{
		Client: client, Meter: meter, Tables: quickbooks.Catalog(), Now: w.clock.now, Page: w.page,
	})
}

type token string

func (t token) Access(context.Context) (string, error)        { return string(t), nil }
func (t token) Renew(context.Context, string) (string, error) { return string(t), nil }

// sync runs the connection once and wants it done.
func (w *world) sync() engine.Result {
	w.t.Helper()
	rep, err := w.engine.Run(context.Background(), w.conn, org.Manual, nil)
	if err != nil || rep.Result.Outcome != engine.Done {
		w.t.Fatalf("run: %v, outcome %q, streams %v", err, rep.Result.Outcome, rep.Result.Streams)
	}
	return rep.Result
}

// agree compares every object of the company with the database.
func (w *world) agree() {
	w.t.Helper()
	tables := quickbooks.Catalog()
	for i := range tables {
		t := &tables[i]
		diff, err := storetest.Compare(context.Background(), w.store.Pool, w.conn.ID, t, w.company.All(t.Stream))
		if err != nil {
			w.t.Fatal(err)
		}
		if !diff.Empty() {
			w.t.Errorf("%s differs: %v", t.Stream, diff)
		}
	}
}

// wake lets the connection be tried at once, as its provider's patience would after a while.
func (w *world) wake() {
	w.t.Helper()
	if _, err := w.store.Pool.Exec(context.Background(), `UPDATE sync.connections SET not_before = NULL WHERE id = $1`, w.conn.ID); err != nil {
		w.t.Fatal(err)
	}
}

// column returns the one column of a query.
func (w *world) column(sql string, args ...any) []string {
	w.t.Helper()
	rows, err := w.store.Pool.Query(context.Background(), sql, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// each calls hook before every answer of the API, until the next hook; nil: none.
func (w *world) each(hook func(r *http.Request)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hook = hook
}

// worker edits a company at random.
type worker struct {
	*world
	rand *rand.Rand
	made int
}

func (k *worker) pick(entity string) string {
	n, i := k.rand.IntN(k.company.Count(entity)), 0
	for id := range k.company.IDs(entity) {
		if i == n {
			return id
		}
		i++
	}
	return ""
}

// edit changes some invoice's note.
func (k *worker) edit() error {
	_, err := k.company.Update("Invoice", fmt.Sprintf(`{"Id":%q,"sparse":true,"PrivateNote":"edit %d"}`, k.pick("Invoice"), k.rand.Uint32()))
	return err
}

// create makes an invoice for some customer.
func (k *worker) create() error {
	k.made++
	_, err := k.company.Create("Invoice", fmt.Sprintf(`{"CustomerRef":{"value":%q},"DocNumber":"N-%d","Line":[{"Amount":12.50,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":%q},"Qty":1,"UnitPrice":12.50}}]}`,
		k.active("Customer"), k.made, k.active("Item")))
	return err
}

// remove deletes some payment, which moves its invoices too, or some invoice.
func (k *worker) remove() error {
	entity := "Invoice"
	if k.rand.IntN(2) == 0 {
		entity = "Payment"
	}
	return k.company.Delete(entity, k.pick(entity))
}

// active returns the id of an object that transactions may refer to.
func (k *worker) active(entity string) string {
	for {
		id := k.pick(entity)
		raw, _ := k.company.Get(entity, id)
		var o struct {
			Active bool
			Type   string
		}
		if json.Unmarshal(raw, &o) == nil && o.Active && o.Type != "Category" && o.Type != "Group" {
			return id
		}
	}
}
