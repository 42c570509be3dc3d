package qbosource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosource"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
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
	tables  []catalog.Table
	page    int
	token   string

	retries, rateWaits int
	events             int

	mu     sync.Mutex
	hook   func(*http.Request)
	refuse func(*http.Request) bool
	most   int // rows that QuickBooks manages in time; 0: any number
}

// few are the entities that most tests are about.
func few() (tables []catalog.Table) {
	for _, t := range quickbooks.Catalog() {
		if slices.Contains([]string{"Account", "Customer", "Vendor", "Item", "Invoice", "Payment"}, t.Stream) {
			tables = append(tables, t)
		}
	}
	return tables
}

// newWorld makes a company of that many invoices, of which few are read, by pages of that size, in a
// database that may be shared: the account keeps worlds apart.
func newWorld(t *testing.T, db *storetest.Store, account string, invoices, page int) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC)}, store: db, tables: few(), page: page}
	w.sim = qbosim.New(qbosim.Config{ClientID: "id", ClientSecret: "secret", Now: w.clock.now, NoLimits: true, AccessTTL: 1000 * time.Hour})
	w.company = w.sim.AddCompany(qbosim.CompanySpec{Realm: account, Name: "Company " + account, Seed: 1, Invoices: invoices})
	w.sim.BeforeAnswer(func(r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.hook != nil {
			w.hook(r)
		}
	})
	server := httptest.NewServer(http.HandlerFunc(w.serve))
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

// serve is the simulator, but for what the test wants to be refused.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	refuse, most := w.refuse, w.most
	w.mu.Unlock()
	if rows := maxResults.FindStringSubmatch(r.URL.Query().Get("query")); most > 0 && len(rows) > 0 {
		if n, err := strconv.Atoi(rows[1]); err == nil && n > most {
			rw.WriteHeader(http.StatusGatewayTimeout)
			return
		}
	}
	if refuse != nil && refuse(r) {
		rw.WriteHeader(http.StatusBadRequest)
		io.WriteString(rw, `{"Fault":{"Error":[{"Message":"Invalid query","Detail":"QueryValidationError","code":"4001"}],"type":"ValidationFault"}}`)
		return
	}
	w.sim.ServeHTTP(rw, r)
}

var maxResults = regexp.MustCompile(`MAXRESULTS (\d+)`)

// slow lets QuickBooks take too long for pages of more rows than that. The client tries smaller ones.
func (w *world) slow(most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.most, w.retries = most, 3
}

// refusing lets QuickBooks refuse requests, until it is called again; nil: none.
func (w *world) refusing(refuse func(*http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = refuse
}

func (w *world) source() *qbosource.Source {
	meter := new(qbosource.Meter)
	client := quickbooks.New(quickbooks.Options{
		API: w.url, Realm: w.conn.Account, Tokens: token(w.token), Observe: meter.Observe, Now: w.clock.now,
		HTTP: httpclient.New(httpclient.Options{Timeout: 10 * time.Second}), Retry: httpclient.Policy{MaxRetries: w.retries, Delay: time.Millisecond, RateWaits: w.rateWaits},
	})
	return qbosource.New(qbosource.Options{
		Client: client, Meter: meter, Tables: w.tables, Now: w.clock.now, Page: w.page,
	})
}

type token string

func (t token) Access(context.Context) (string, error)        { return string(t), nil }
func (t token) Renew(context.Context, string) (string, error) { return string(t), nil }

// sync runs the connection once and wants it done.
func (w *world) sync() engine.Result {
	w.t.Helper()
	rep, err := w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, nil)
	if err != nil || rep.Result.Outcome != engine.Done {
		w.t.Fatalf("run: %v, outcome %q, streams %v", err, rep.Result.Outcome, rep.Result.Streams)
	}
	return rep.Result
}

// told lets webhooks tell of objects, and runs the connection for that. It returns the metered calls.
func (w *world) told(events ...webhook.Event) (rep engine.Report, calls int) {
	w.t.Helper()
	before := w.sim.Stats().Metered
	w.record(events...)
	rep, err := w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Webhook}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return rep, w.sim.Stats().Metered - before
}

// record keeps what webhooks tell.
func (w *world) record(events ...webhook.Event) {
	w.t.Helper()
	for i := range events {
		events[i].Account = w.conn.Account
		if events[i].Key == "" {
			events[i].Key = fmt.Sprintf("%s %s %d", w.conn.Account, w.t.Name(), w.events)
			w.events++
		}
		if events[i].Change == "" {
			events[i].Change = engine.Updated
		}
	}
	if _, err := w.store.Record(context.Background(), quickbooks.Provider, events); err != nil {
		w.t.Fatal(err)
	}
}

// open counts the notices that wait for a run.
func (w *world) open() string {
	w.t.Helper()
	return w.column(`SELECT count(*)::text FROM sync.notices WHERE connection_id = $1 AND settled_at IS NULL`, w.conn.ID)[0]
}

// metered runs the connection, which must be done with everything, and counts the metered calls.
func (w *world) metered() int {
	w.t.Helper()
	before := w.sim.Stats().Metered
	w.sync()
	return w.sim.Stats().Metered - before
}

// agree compares every object of the company with the database.
func (w *world) agree() {
	w.t.Helper()
	for i := range w.tables {
		t := &w.tables[i]
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
	how  qbosim.MergeHow
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

// allow is a budget with a floor.
func allow(floor *engine.Urgency) engine.Allow {
	return func(context.Context, org.Connection) (engine.Allowance, error) {
		return engine.Allowance{Floor: *floor}, nil
	}
}
