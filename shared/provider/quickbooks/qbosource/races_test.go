package qbosource_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosource"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// asks reports whether a request is a statement that holds all the words.
func asks(r *http.Request, words ...string) bool {
	statement := r.URL.Query().Get("query")
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(statement, w) })
}

// oneSecond is a company whose n invoices were all changed in one second, long ago.
func oneSecond(t *testing.T, db *storetest.Store, account string, n int) (w *world, ids []string) {
	t.Helper()
	w = newWorld(t, db, account, 0, 10)
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	for range n {
		if err := k.create(); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.add(time.Hour)
	return w, slices.Collect(w.company.IDs("Invoice"))
}

func (w *world) edit(ids ...string) {
	for _, id := range ids {
		if _, err := w.company.Update("Invoice", fmt.Sprintf(`{"Id":%q,"sparse":true,"PrivateNote":"edited"}`, id)); err != nil {
			w.t.Error(err)
		}
	}
}

// More objects leave the second than are left to read: the next page of it is empty, and is not the end.
func TestNextPageOfASecondIsEmpty(t *testing.T) {
	w, ids := oneSecond(t, storetest.New(t, quickbooks.Catalog()...), "9170", 11)
	edited := false
	w.each(func(r *http.Request) {
		w.clock.add(time.Second)
		if !edited && asks(r, "FROM Invoice", "STARTPOSITION 10 ") {
			edited = true
			w.edit(ids[:2]...)
		}
	})
	w.sync()
	w.each(nil)
	if !edited {
		t.Fatal("the load never asked for a second page of that second")
	}
	w.clock.add(3 * time.Minute)
	w.sync()
	w.agree()
}

// A page breaks off, and before it comes again objects have moved: nothing is taken for read that was not.
func TestObjectsMoveWhileAPageIsAskedForAgain(t *testing.T) {
	w, ids := oneSecond(t, storetest.New(t, quickbooks.Catalog()...), "9171", 20)
	w.retries = 2
	asked := 0
	w.each(func(r *http.Request) {
		w.clock.add(time.Second)
		if asks(r, "FROM Invoice", "STARTPOSITION 10 ") {
			if asked++; asked == 2 {
				w.edit(ids[:8]...)
			}
		}
	})
	w.sim.Inject(qbosim.Fault{Kind: qbosim.TruncatedJSON, Entity: "Invoice", On: qbosim.Query, Skip: 2, Times: 1})
	w.sync()
	w.each(nil)
	if asked < 2 {
		t.Fatal("the page was not asked for again")
	}
	w.clock.add(3 * time.Minute)
	w.sync()
	w.agree()
}

// One second whose objects never stop moving ends the stream's turn, not the run's budget.
func TestASecondThatNeverRests(t *testing.T) {
	w, ids := oneSecond(t, storetest.New(t, quickbooks.Catalog()...), "9172", 60)
	asked := 0
	w.each(func(r *http.Request) {
		w.clock.add(time.Second)
		if asks(r, "FROM Invoice", "STARTPOSITION 10 ") && asked < 40 {
			w.edit(ids[asked])
			asked++
		}
	})
	rep, err := w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, nil)
	if err != nil || rep.Result.Outcome != engine.Partial || !strings.Contains(fmt.Sprint(rep.Result.Streams["Invoice"]), "keep moving") {
		t.Errorf("outcome %q, %v, %v; want partial because objects keep moving", rep.Result.Outcome, rep.Result.Streams, err)
	}
	if asked > 10 {
		t.Errorf("the second was read %d times", asked)
	}
	w.each(nil)
	w.sync()
	w.agree()
}

// After an answer that was cut, a deletion is found though as many objects were created meanwhile.
func TestCutAnswerHidesADeletion(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9173", 20, 0)
	w.sync()
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	victim := k.pick("Invoice")
	w.clock.add(5 * time.Minute)
	for range 1100 {
		if err := k.create(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.company.Delete("Invoice", victim); err != nil {
		t.Fatal(err)
	}
	w.clock.add(10 * time.Minute)
	w.each(func(*http.Request) {
		w.clock.add(time.Second)
		if k.made < 1105 {
			if err := k.create(); err != nil {
				t.Error(err)
			}
		}
	})
	w.sync()
	w.each(nil)
	w.clock.add(10 * time.Minute)
	w.sync()
	w.agree()
}

// failing is a store whose nth Apply fails.
type failing struct {
	engine.Store
	n, at int
}

func (f *failing) Apply(ctx context.Context, l org.Lease, run engine.RunID, b engine.Batch, u engine.Usage) (engine.Applied, error) {
	if f.n++; f.n == f.at {
		return engine.Applied{}, fault.New(fault.Unavailable, "the database is out")
	}
	return f.Store.Apply(ctx, l, run, b, u)
}

// The database fails in the middle of an answer that was cut: the run fails, the lease is free.
func TestDatabaseFailsDuringACutAnswer(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	w := newWorld(t, db, "9174", 20, 0)
	w.sync()
	w.clock.add(5 * time.Minute)
	for i := range 1100 {
		id := fmt.Sprint("9", i)
		w.company.PutRaw("Invoice", id, w.clock.now(), fmt.Sprintf(`{"Id":%q,"MetaData":{"LastUpdatedTime":%q},"PrivateNote":%q}`,
			id, w.clock.now().Format(time.RFC3339), strings.Repeat("x", 5000)))
	}
	w.clock.add(time.Minute)
	w.engine.Store = &failing{Store: db, at: 1}
	rep, err := w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, nil)
	if fault.Of(err) != fault.Unavailable || rep.Result.Outcome != engine.Failed {
		t.Errorf("outcome %q, %v; want failed, unavailable", rep.Result.Outcome, err)
	}
	if got := w.column(`SELECT coalesce(lease_until::text, 'free') FROM sync.connections WHERE id = $1`, w.conn.ID); got[0] != "free" {
		t.Errorf("the lease is held until %s", got[0])
	}
	w.engine.Store = db
	w.wake()
	w.sync()
	w.agree()
}

// While one stream is read from the start, the others get their changes first.
func TestALongLoadLetsNobodyWait(t *testing.T) {
	db := storetest.New(t, quickbooks.Catalog()...)
	w := newWorld(t, db, "9175", 60, 10)
	w.sync()
	if _, err := db.Pool.Exec(context.Background(), `UPDATE sync.streams SET checkpoint = NULL WHERE connection_id = $1 AND name = 'Invoice'`, w.conn.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.company.Create("Customer", `{"DisplayName":"Just come"}`); err != nil {
		t.Fatal(err)
	}
	w.clock.add(3 * time.Minute)
	stop := make(chan struct{})
	pages := 0
	w.each(func(r *http.Request) {
		if asks(r, "FROM Invoice") {
			if pages++; pages == 3 {
				close(stop)
			}
		}
	})
	rep, err := w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, stop)
	if err != nil || rep.Result.Outcome != engine.Halted || !rep.More {
		t.Errorf("outcome %q, more %v, %v; want stopped with more to do", rep.Result.Outcome, rep.More, err)
	}
	if got := w.column(`SELECT count(*)::text FROM quickbooks.customers WHERE connection_id = $1 AND display_name = 'Just come'`, w.conn.ID); got[0] != "1" {
		t.Error("a new customer has to wait for the invoices")
	}
}

// noToken is a vault that has none to give.
type noToken struct {
	kind  fault.Kind
	asked int
}

func (n *noToken) Access(context.Context) (string, error) {
	n.asked++
	return "", fault.New(n.kind, "token trouble")
}

func (n *noToken) Renew(ctx context.Context, _ string) (string, error) { return n.Access(ctx) }

// Without a token nothing works: the run fails at once and says so, whatever the kind of the failure.
func TestNoToken(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9176", 20, 0)
	for _, first := range []bool{true, false} {
		for _, kind := range []fault.Kind{fault.NotFound, fault.Invalid, fault.Internal, fault.Forbidden, fault.Unavailable, fault.Reconnect} {
			none := &noToken{kind: kind}
			open := w.engine.Open
			w.engine.Open = func(context.Context, org.Connection, org.Lease) (engine.Source, error) {
				client := quickbooks.New(quickbooks.Options{API: w.url, Realm: w.conn.Account, Tokens: none, Now: w.clock.now, Retry: httpclient.Policy{}})
				return qbosource.New(qbosource.Options{Client: client, Tables: w.tables, Now: w.clock.now}), nil
			}
			rep, err := w.engine.Run(context.Background(), w.conn, engine.Order{Reason: org.Manual}, nil)
			if fault.Of(err) != kind || rep.Result.Outcome != engine.Failed || rep.Result.Reason != "token trouble" || none.asked != 1 {
				t.Errorf("%s, first load %v: outcome %q, reason %q, %v, asked %d times", kind, first, rep.Result.Outcome, rep.Result.Reason, err, none.asked)
			}
			w.engine.Open = open
			if _, err := w.store.Pool.Exec(context.Background(), `UPDATE sync.connections SET state = 'active'`); err != nil {
				t.Fatal(err)
			}
		}
		w.sync()
		w.clock.add(3 * time.Minute)
	}
}
