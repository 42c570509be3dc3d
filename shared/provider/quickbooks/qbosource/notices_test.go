package qbosource_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

// What webhooks name is read by one call for each stream, whatever else there is, and nothing else is.
func TestNoticesCostOneCallForEachStream(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9180", 40, 0)
	w.sync()
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	w.clock.add(time.Minute)
	var events []webhook.Event
	for range 30 {
		id := k.pick("Invoice")
		w.edit(id)
		events = append(events, webhook.Event{Stream: "Invoice", Object: id})
	}
	gone := k.pick("Payment")
	if err := w.company.Delete("Payment", gone); err != nil {
		t.Fatal(err)
	}
	events = append(events,
		webhook.Event{Stream: "Payment", Object: gone, Change: engine.Deleted},
		webhook.Event{Stream: "Payment", Object: gone, Change: engine.Updated},
		webhook.Event{Stream: "Payment", Object: "999999999", Change: engine.Created}, // never was
	)
	rep, calls := w.told(events...)
	if rep.Result.Outcome != engine.Done || calls != 2 || w.open() != "0" {
		t.Errorf("outcome %q, %d metered calls, %s notices open; want done, 2 and none", rep.Result.Outcome, calls, w.open())
	}
	if live := w.column(`SELECT count(*)::text FROM quickbooks.payments WHERE id = $1 AND deleted_at IS NULL AND connection_id = $2`, gone, w.conn.ID); live[0] != "0" {
		t.Error("a payment that a webhook called deleted is still there")
	}
	w.clock.add(time.Minute)
	w.sync()
	w.agree()
}

// A webhook may be wrong: what it calls deleted is asked for.
func TestANoticeIsAHint(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9181", 10, 0)
	w.sync()
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	if _, calls := w.told(webhook.Event{Stream: "Invoice", Object: k.pick("Invoice"), Change: engine.Deleted}); calls != 1 {
		t.Errorf("%d calls", calls)
	}
	w.agree()
}

// Notices of what is not loaded yet, or that nobody can ask for, are settled without a call.
func TestNoticesThatNeedNoCall(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9182", 10, 0)
	w.sync()
	if _, err := w.store.Pool.Exec(t.Context(), `UPDATE sync.streams SET checkpoint = NULL WHERE connection_id = $1 AND name = 'Invoice'`, w.conn.ID); err != nil {
		t.Fatal(err)
	}
	_, calls := w.told(
		webhook.Event{Stream: "Invoice", Object: "1"},
		webhook.Event{Stream: "ChangeOrder", Object: "1"},
		webhook.Event{Stream: "Customer", Object: ""},
	)
	if calls != 0 || w.open() != "0" {
		t.Errorf("%d calls, %s notices open; want none", calls, w.open())
	}
}

// A stream that fails keeps its notices for the next run, at no metered call; the others go on.
func TestAFailingStreamKeepsItsNotices(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9183", 10, 0)
	w.sync()
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	w.clock.add(time.Minute)
	invoice := k.pick("Invoice")
	w.edit(invoice)
	remove := w.sim.Inject(qbosim.Fault{Kind: qbosim.HTML502, Entity: "Invoice", On: qbosim.Query})
	rep, calls := w.told(webhook.Event{Stream: "Invoice", Object: invoice}, webhook.Event{Stream: "Customer", Object: k.pick("Customer")})
	if rep.Result.Outcome != engine.Partial || calls != 1 || w.open() != "1" {
		t.Errorf("outcome %q, %d metered calls, %s notices open; want partial, 1 and 1", rep.Result.Outcome, calls, w.open())
	}
	remove()
	if rep, calls = w.told(); rep.Result.Outcome != engine.Done || calls != 1 || w.open() != "0" {
		t.Errorf("then: outcome %q, %d metered calls, %s notices open; want done, 1 and none", rep.Result.Outcome, calls, w.open())
	}
	w.agree()
}

// A stream that cannot be asked by id does not keep its notices for ever: the sweep brings the change.
func TestAStreamThatCannotBeAskedByID(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9184", 10, 0)
	w.sync()
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}
	w.clock.add(time.Minute)
	invoice := k.pick("Invoice")
	w.edit(invoice)
	w.refusing(func(r *http.Request) bool { return asks(r, "FROM Invoice", "Id IN") })
	if rep, calls := w.told(webhook.Event{Stream: "Invoice", Object: invoice}); rep.Result.Outcome != engine.Done || calls != 0 || w.open() != "0" {
		t.Errorf("outcome %q, %d metered calls, %s notices open; want done and none", rep.Result.Outcome, calls, w.open())
	}
	w.sync()
	w.agree()
}

// More objects than one call asks for, each told of many times and in any order.
func TestManyNotices(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9185", 450, 0)
	w.sync()
	random := rand.New(rand.NewPCG(5, 1))
	w.clock.add(time.Minute)
	var events []webhook.Event
	var ids []string
	for id := range w.company.IDs("Invoice") {
		ids = append(ids, id)
	}
	w.edit(ids...)
	for _, id := range ids {
		events = append(events, webhook.Event{Stream: "Invoice", Object: id}, webhook.Event{Stream: "Invoice", Object: id, Change: engine.Emailed})
	}
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	if rep, calls := w.told(events...); rep.Result.Outcome != engine.Done || calls != 3 || w.open() != "0" {
		t.Errorf("outcome %q, %d metered calls, %s notices open; want done, 3 and none", rep.Result.Outcome, calls, w.open())
	}
	stale := w.column(`SELECT count(*)::text FROM quickbooks.invoices WHERE connection_id = $1 AND private_note IS DISTINCT FROM 'edited'`, w.conn.ID)
	if stale[0] != "0" {
		t.Errorf("%s invoices are stale", stale[0])
	}
}

// A sweep knows how webhooks have done: what they told of, what they missed, and what they need not tell.
func TestSweepsJudgeWebhooks(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9186", 40, 0)
	var got engine.Swept
	w.engine.Pace = func(p engine.Pace, s engine.Swept, _ engine.Allowance) engine.Pace { got = s; return p }
	judge := func(what string, want engine.Swept) {
		t.Helper()
		w.sync()
		if got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	judge("a first load", engine.Swept{})
	k := &worker{world: w, rand: rand.New(rand.NewPCG(1, 1))}

	w.clock.add(time.Hour)
	judge("nothing", engine.Swept{})

	w.clock.add(time.Minute)
	ids := []string{k.pick("Invoice")}
	w.edit(ids[0])
	w.told(webhook.Event{Stream: "Invoice", Object: ids[0]})
	w.clock.add(time.Minute)
	judge("told", engine.Swept{Found: 1})

	w.clock.add(time.Hour)
	w.edit(ids[0])
	w.clock.add(4 * time.Minute)
	judge("not told, but young", engine.Swept{})

	w.clock.add(time.Hour)
	w.edit(ids[0])
	w.clock.add(6 * time.Minute)
	judge("not told", engine.Swept{Found: 1, Missed: 1})

	// A payment moves its invoices' SyncTokens, and its customer's and an account's balance without it.
	w.clock.add(time.Hour)
	payment := k.pick("Payment")
	raw, _ := w.company.Get("Payment", payment)
	if err := w.company.Delete("Payment", payment); err != nil {
		t.Fatal(err)
	}
	w.clock.add(10 * time.Minute)
	n := 1 + strings.Count(string(raw), `"TxnType":"Invoice"`)
	judge("a deletion that was not told, with what follows from it", engine.Swept{Found: n, Missed: n})
	w.agree()
}

// What is too much for one answer comes in several, and no notice stays open for it.
func TestNoticesOfObjectsThatAreSlow(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9188", 450, 0)
	w.sync()
	w.clock.add(time.Minute)
	var events []webhook.Event
	for id := range w.company.IDs("Invoice") {
		if len(events) < 120 {
			w.edit(id)
			events = append(events, webhook.Event{Stream: "Invoice", Object: id})
		}
	}
	w.slow(100)
	if rep, calls := w.told(events...); rep.Result.Outcome != engine.Done || calls != 2 || w.open() != "0" {
		t.Errorf("outcome %q, %d metered calls, %s notices open; want done, 2 and none", rep.Result.Outcome, calls, w.open())
	}
}

// A payment gives its invoice a new SyncToken in the same second, and no webhook tells of that: it is
// no webhook missed. The same change of an invoice alone is one.
func TestSweepsKnowWhatFollows(t *testing.T) {
	w := newWorld(t, storetest.New(t, quickbooks.Catalog()...), "9189", 40, 0)
	var got engine.Swept
	w.engine.Pace = func(p engine.Pace, s engine.Swept, _ engine.Allowance) engine.Pace { got = s; return p }
	w.sync()
	w.clock.add(time.Hour)
	invoice, customer := w.unpaid()
	raw, err := w.company.Create("Payment", `{"CustomerRef":{"value":"`+customer+`"},"TotalAmt":1.00,"Line":[{"Amount":1.00,"LinkedTxn":[{"TxnId":"`+invoice+`","TxnType":"Invoice"}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	var payment struct{ ID string }
	if err := json.Unmarshal(raw, &payment); err != nil {
		t.Fatal(err)
	}
	w.told(webhook.Event{Stream: "Payment", Object: payment.ID, Change: engine.Created})
	w.clock.add(10 * time.Minute)
	w.sync()
	if want := (engine.Swept{Found: 1}); got != want {
		t.Errorf("a payment that was told of: %+v, want %+v", got, want)
	}
	w.clock.add(time.Hour)
	w.edit(invoice)
	w.clock.add(10 * time.Minute)
	w.sync()
	if want := (engine.Swept{Found: 1, Missed: 1}); got != want {
		t.Errorf("an edit that was not told of: %+v, want %+v", got, want)
	}
	w.agree()
}

// unpaid returns an invoice that is not paid, and its customer.
func (w *world) unpaid() (invoice, customer string) {
	w.t.Helper()
	for raw := range w.company.All("Invoice") {
		var i struct {
			ID                string
			TotalAmt, Balance json.Number
			CustomerRef       struct{ Value string }
		}
		if err := json.Unmarshal(raw, &i); err == nil && i.Balance == i.TotalAmt && i.Balance != "0" {
			return i.ID, i.CustomerRef.Value
		}
	}
	w.t.Fatal("every invoice is paid")
	return "", ""
}
