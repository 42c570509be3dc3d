package plaidsource_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsource"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// clock is the one clock of a test: Plaid's and ours.
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

// everyProduct is what an Item may have.
var everyProduct = []string{"transactions", "liabilities", "investments", "statements"}

// bank is an Item at a simulated Plaid.
type bank struct {
	t      testing.TB
	clock  *clock
	sim    *plaidsim.Server
	item   *plaidsim.Item
	token  string
	url    string
	page   int
	addOns []string
	tables []catalog.Table

	mu     sync.Mutex
	hook   func(path string)
	change func(path string, answer []byte) []byte
}

// setting is what is out of the ordinary about a bank.
type setting struct {
	products     []string // nil: all
	transactions int
	page         int // of transactions; 0: 10
	notReady     int
	cached       bool
	cheap        bool // without the add-on that is paid for
	seed         uint64
}

// newBank makes a bank with a login and links it.
func newBank(t testing.TB, s setting) *bank {
	t.Helper()
	b := &bank{t: t, clock: &clock{at: time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC)}, page: s.page, tables: plaid.Catalog()}
	if b.page == 0 {
		b.page = 10
	}
	if !s.cheap {
		b.addOns = []string{"recurring_transactions"}
	}
	if s.products == nil {
		s.products = everyProduct
	}
	b.sim = plaidsim.New(plaidsim.Config{ClientID: "id", Secret: "secret", Now: b.clock.now, Seed: s.seed, NoLimits: true, NotReadyCalls: s.notReady, Cached: s.cached})
	b.sim.BeforeAnswer(func(r *http.Request) {
		b.mu.Lock()
		hook := b.hook
		b.mu.Unlock()
		if hook != nil {
			hook(r.URL.Path)
		}
	})
	server := httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(server.Close)
	b.url = server.URL
	login := b.sim.AddLogin(plaidsim.LoginSpec{Username: t.Name(), Seed: s.seed + 1, Transactions: s.transactions, Days: 700})
	grant, err := b.client(nil).Exchange(t.Context(), plaid.Secret(b.sim.Link(login, s.products, "")))
	if err != nil {
		t.Fatal(err)
	}
	b.token, b.item = string(grant.Access), b.sim.Item(grant.Item)
	return b
}

// serve is the simulator, but for what the test wants to be answered otherwise.
func (b *bank) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	change := b.change
	b.mu.Unlock()
	if change == nil {
		b.sim.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	b.sim.ServeHTTP(rec, r)
	body := change(r.URL.Path, rec.Body.Bytes())
	maps.Copy(w.Header(), rec.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if bytes.Equal(body, rec.Body.Bytes()) { // else it is an answer of the test's own
		w.WriteHeader(rec.Code)
	}
	w.Write(body)
}

// each calls hook before every answer; nil: none.
func (b *bank) each(hook func(path string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hook = hook
}

// altering lets Plaid answer otherwise; nil: as it does.
func (b *bank) altering(change func(path string, answer []byte) []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.change = change
}

// replacing alters the answers of one endpoint.
func (b *bank) replacing(path, old, with string) {
	b.altering(func(p string, answer []byte) []byte {
		if p == path {
			return bytes.Replace(answer, []byte(old), []byte(with), 1)
		}
		return answer
	})
}

func (b *bank) client(observe func(plaid.Call)) *plaid.Client {
	return plaid.New(plaid.Options{
		API: b.url, ClientID: "id", Secret: "secret", Now: b.clock.now, Observe: observe,
		HTTP: httpclient.New(httpclient.Options{Timeout: 10 * time.Second}), Retry: httpclient.Policy{RateWaits: -1},
	})
}

func (b *bank) source() *plaidsource.Source {
	meter := new(plaidsource.Meter)
	client := b.client(meter.Observe)
	return plaidsource.New(plaidsource.Options{
		Client: client, Item: client.Item(b.item.ID(), token(b.token)), Meter: meter, Tables: b.tables, Now: b.clock.now,
		Countries: []string{"US"}, AddOns: b.addOns, Page: b.page, Wait: func(ctx context.Context, d time.Duration) error { b.clock.add(d); return ctx.Err() },
	})
}

type token string

func (t token) Access(context.Context) (string, error) { return string(t), nil }

// calls is how often Plaid was asked, by endpoint.
func (b *bank) calls() map[string]int { return b.sim.Stats().Calls }

// asked is what was asked since before, in words.
func (b *bank) asked(before map[string]int) string {
	var all []string
	now := b.calls()
	for _, path := range slices.Sorted(maps.Keys(now)) {
		if n := now[path] - before[path]; n > 0 {
			all = append(all, path+" "+strconv.Itoa(n))
		}
	}
	return strings.Join(all, ", ")
}

// world is a bank and a book, with pulls between them.
type world struct {
	*bank
	book      *book
	connected time.Time
	notices   int64
	advice    string
}

func newWorld(t *testing.T, s setting) *world {
	t.Helper()
	return &world{bank: newBank(t, s), book: newBook(t)}
}

// pulled is what a pull has come to.
type pulled struct {
	batches []engine.Batch // what they hold besides records; of these how many
	records []int
	failed  map[string]error
	err     error
	calls   string
	swept   *engine.Swept
}

// task is a look for all changes.
func (w *world) task(notices ...engine.Notice) engine.Task {
	for i := range notices {
		w.notices++
		notices[i].ID = w.notices
	}
	return engine.Task{From: maps.Clone(w.book.at), Local: shelf{w.book}, Sweep: true, Connected: w.connected, Notices: notices}
}

// pull does a task to its end.
func (w *world) pull(t engine.Task) pulled { return w.pullUntil(t, -1) }

// pullUntil does a task until that many batches are stored, as an engine that is killed then.
func (w *world) pullUntil(t engine.Task, batches int) pulled {
	w.t.Helper()
	before, src := w.calls(), w.source()
	out := pulled{failed: map[string]error{}}
	w.book.parts = nil // a run that has ended left nothing
	for b, err := range src.Pull(w.t.Context(), t) {
		var failed *engine.StreamError
		if errors.As(err, &failed) {
			out.failed[failed.Stream] = failed.Err
			if ends(failed.Err) {
				out.err = err
				break
			}
			continue
		}
		if err != nil {
			out.err = err
			break
		}
		w.book.apply(b)
		if b.Swept != nil {
			out.swept = b.Swept
		}
		out.records = append(out.records, len(b.Records))
		b.Records = nil
		if out.batches = append(out.batches, b); len(out.batches) == batches {
			break
		}
	}
	out.calls, w.advice = w.asked(before), src.Advice()
	return out
}

// sync looks for all changes, and wants no failure.
func (w *world) sync(notices ...engine.Notice) pulled {
	w.t.Helper()
	out := w.pull(w.task(notices...))
	if out.err != nil || len(out.failed) > 0 {
		w.t.Fatalf("pull: %v, streams %v", out.err, out.failed)
	}
	return out
}

// truth is what a stream should hold.
func (w *world) truth(stream string) iter.Seq[json.RawMessage] { return w.item.All(stream) }

// agree compares streams with the simulator; none: all that it can tell of.
func (w *world) agree(streams ...string) {
	w.t.Helper()
	if streams == nil {
		streams = told
	}
	for _, name := range streams {
		if diff := w.book.differs(table(name), w.truth(name)); diff != "" {
			w.t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// told are the streams of which the simulator tells the truth.
var told = []string{
	"accounts", "transactions", "recurring_inflows", "recurring_outflows", "credit_liabilities", "credit_statements", "student_loans", "mortgages",
	"securities", "holdings", "investment_transactions", "statement_accounts",
}

func table(stream string) *catalog.Table {
	for _, t := range plaid.Catalog() {
		if t.Stream == stream {
			return &t
		}
	}
	panic("no stream " + stream)
}

// ends reports whether the engine ends a pull for such a failure of one stream.
func ends(err error) bool {
	switch fault.Of(err) {
	case fault.Reconnect, fault.Paused, fault.RateLimited, fault.Stopped, fault.Conflict:
		return true
	default:
		return false
	}
}

// add makes transactions.
func (b *bank) add(n int) (ids []string) {
	b.t.Helper()
	for range n {
		id, err := b.item.Add(plaidsim.TransactionSpec{})
		if err != nil {
			b.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}
