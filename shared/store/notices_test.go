package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other := f.Connect(t, "powergen", books, "realm-2")
	f.Connect(t, "paused", books, "realm-3")
	f.Connect(t, "away", books, "realm-4")
	f.exec(`UPDATE sync.connections SET state = 'paused', reason = 'closed for now' WHERE account = 'realm-3'`)
	f.exec(`UPDATE sync.connections SET state = 'needs_reauth' WHERE account = 'realm-4'`)
	of := func(account string, e webhook.Event) webhook.Event { e.Account = account; return e }
	kindless, broken, nameless, odd := event("e5", "5"), event("e6", "6"), event("e7", ""), event("e8", "8\x00")
	kindless.Stream, broken.Problem = "", "no id"
	merged := event("e9", "9")
	merged.Change, merged.Loser, merged.At = engine.Merged, "10", time.Time{}
	r := f.tell(event("e1", "1"), of("realm-2", event("e2", "2")), of("realm-3", event("e3", "3")), of("realm-4", event("e4", "4")),
		of("nobody", event("e0", "0")), kindless, broken, nameless, odd, merged, event("e1", "another"))
	want := webhook.Recorded{New: 10, Repeated: 1, Unknown: 2, Connections: []org.Connection{
		{ID: f.id, Org: "onpoint", Provider: books, Account: "realm-1", State: org.Active},
		{ID: other, Org: "powergen", Provider: books, Account: "realm-2", State: org.Active},
		{ID: other + 1, Org: "paused", Provider: books, Account: "realm-3", State: org.Paused, Reason: "closed for now"},
	}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got := f.rows(`SELECT n.event, n.account, c.org_id, n.object_id, n.outcome, n.settled_at IS NULL AS open, n.deliveries, n.problem
		FROM sync.notices AS n LEFT JOIN sync.connections AS c ON c.id = n.connection_id ORDER BY n.event`)
	if diff := cmp.Diff([]string{
		`(e0,nobody,,0,"unknown company",f,1,)`,
		`(e1,realm-1,onpoint,1,,t,2,)`,
		`(e2,realm-2,powergen,2,,t,1,)`,
		`(e3,realm-3,paused,3,,t,1,)`,
		`(e4,realm-4,away,4,,t,1,)`,
		`(e5,realm-1,onpoint,5,"unknown kind",f,1,)`,
		`(e6,realm-1,onpoint,6,malformed,f,1,"no id")`,
		`(e7,realm-1,onpoint,"",malformed,f,1,"it names no object")`,
		`(e8,realm-1,onpoint,8,malformed,f,1,"it names something by more than 500 bytes, or by what is no text")`,
		`(e9,realm-1,onpoint,9,,t,1,)`,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := f.rows(`SELECT change, loser_id, told_at, raw, stream FROM sync.notices WHERE event = 'e9'`)[0]; got != `(merged,10,,"{""id"":""e9""}",Order)` {
		t.Errorf("a merge: %s", got)
	}
	if got := f.value(`SELECT told_at = $1 FROM sync.notices WHERE event = 'e1'`, base); got != "true" {
		t.Error("the provider's time is lost")
	}
	if r := f.tell(); r.New != 0 || len(r.Connections) != 0 {
		t.Errorf("nothing told: %+v", r)
	}
}

// What is told for information is kept, and nobody is sent to read it.
func TestRecordWhatIsToldForInformation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	told := func(key string) webhook.Event {
		e := event(key, "1")
		e.Told = true
		return e
	}
	kindless, nameless, foreign, broken := told("e2"), told("e3"), told("e4"), told("e5")
	kindless.Stream, nameless.Object, foreign.Account, broken.Problem = "", "", "nobody", "no id"
	r := f.tell(told("e1"), kindless, nameless, foreign, broken)
	if r.New != 5 || r.Unknown != 0 || len(r.Connections) != 0 {
		t.Errorf("%+v", r)
	}
	got := f.rows(`SELECT event, outcome, connection_id IS NULL, settled_at IS NULL FROM sync.notices ORDER BY event`)
	if diff := cmp.Diff([]string{"(e1,noted,f,f)", "(e2,noted,f,f)", "(e3,noted,f,f)", "(e4,noted,t,f)", "(e5,malformed,f,f)"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Told that its login works again, a connection is tried again at once; whatever else it is, it stays.
func TestRecordThatALoginWorksAgain(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{
		"needs_reauth": "(active,\"\",t,f) 1",
		"active":       "(active,because,f,t) 1",
		"paused":       "(paused,because,f,t) 1",
		"connecting":   "(connecting,because,f,t) 0",
		"disconnected": "(disconnected,because,f,t) 0",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			same := f.Connect(t, "powergen", "elsewhere", "realm-1")
			away := func(id org.ConnectionID, state string) {
				f.exec(`UPDATE sync.connections SET state = $2, reason = 'because', next_sync_at = now() + interval '1 day', not_before = now() + interval '1 day', lease_until = NULL WHERE id = $1`, id, state)
			}
			look := func() string {
				return f.rows(`SELECT state, reason, next_sync_at <= now(), not_before IS NOT NULL FROM sync.connections WHERE id = $1`, f.id)[0]
			}
			away(f.id, state)
			away(same, "needs_reauth")
			e := event("e1", "realm-1")
			e.Change, e.Mends = engine.Mended, true
			r := f.tell(e, event("e0", "2"))
			if got := fmt.Sprint(look(), " ", len(r.Connections)); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if len(r.Connections) == 1 && (r.Connections[0].ID != f.id || !r.Connections[0].State.Syncs()) {
				t.Errorf("to be ticked: %+v", r.Connections)
			}
			if got := f.value(`SELECT state FROM sync.connections WHERE id = $1`, same); got != "needs_reauth" {
				t.Errorf("another provider's account of that name is %s", got)
			}
			away(f.id, "needs_reauth")
			if f.tell(e); look() != "(needs_reauth,because,f,t)" {
				t.Errorf("sent again, it mends again: %s", look())
			}
			e.Key, e.Problem = "e3", "odd"
			if f.tell(e); look() != "(needs_reauth,because,f,t)" {
				t.Errorf("malformed, it mends: %s", look())
			}
		})
	}
}

// A provider sends again what it believes was not received: counted, asked for while it is open, never read twice.
func TestRecordAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	again := func() webhook.Recorded { return f.tell(event("e2", "2"), event("e1", "1")) }
	if r := again(); r.New != 2 || len(r.Connections) != 1 {
		t.Errorf("first: %+v", r)
	}
	if r := again(); r.New != 0 || r.Repeated != 2 || len(r.Connections) != 1 {
		t.Errorf("while they are open: %+v", r)
	}
	a, err := f.Agenda(f.ctx, f.lease)
	if err != nil || len(a.Notices) != 2 {
		t.Fatal(a, err)
	}
	if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Settled: []int64{a.Notices[0].ID, a.Notices[1].ID}}, engine.Usage{}); err != nil {
		t.Fatal(err)
	}
	if r := again(); r.New != 0 || r.Repeated != 2 || len(r.Connections) != 0 {
		t.Errorf("once they are read: %+v", r)
	}
	if got := f.rows(`SELECT deliveries, outcome FROM sync.notices`); !slices.Equal(got, []string{"(3,read)", "(3,read)"}) {
		t.Errorf("%v", got)
	}
	f.tell(event("e3", "3"))
	f.exec(`UPDATE sync.connections SET state = 'disconnected'`)
	if r := f.tell(event("e3", "3")); r.Repeated != 1 || len(r.Connections) != 0 {
		t.Errorf("of a connection that has ended: %+v", r)
	}
}

// An account that another organisation has had before belongs to the one that has it now.
func TestRecordMeansTheActiveConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`UPDATE sync.connections SET state = 'disconnected'`)
	f.tell(event("e1", "1"))
	if got := f.value(`SELECT outcome || ' ' || connection_id FROM sync.notices`); got != "not synced "+f.id.String() {
		t.Errorf("with the old one alone: %s", got)
	}
	id := f.Connect(t, "powergen", books, "realm-1")
	f.exec(`INSERT INTO sync.connections (org_id, provider, account, state) VALUES ('powergen', 'elsewhere', 'realm-1', 'active')`)
	third := f.Connect(t, "third", books, "realm-x")
	f.exec(`UPDATE sync.connections SET account = 'realm-1', state = 'disconnected' WHERE id = $1`, third)
	if r := f.tell(event("e2", "2")); len(r.Connections) != 1 || r.Connections[0].ID != id {
		t.Errorf("%+v", r)
	}
}

func TestRecordHostileEvents(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := strings.Repeat("é", 20_000)
	var events []webhook.Event
	for i, e := range []webhook.Event{
		{}, {Key: "\x00"}, {Key: "\xff\xfe"}, {Key: long}, {Key: long + "x"}, {Key: "a", Account: long, Stream: long, Object: long, Change: engine.Change(long), Loser: long, Problem: long},
		{Key: "b", Account: "realm-1\x00", Stream: "Order", Object: "1"}, {Key: "c", Account: "realm-1", Stream: "Order", Object: "1", At: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{Key: "d", Problem: "\xff"},
	} {
		e.Raw = append([]byte{0, 0xff, byte(i)}, long...)
		events = append(events, e)
	}
	r := f.tell(events...)
	if r.New != len(events) || len(r.Connections) != 1 {
		t.Errorf("%+v", r)
	}
	if r := f.tell(events...); r.Repeated != len(events) {
		t.Errorf("again: %+v", r)
	}
	if got := f.value(`SELECT count(*) FROM sync.notices WHERE settled_at IS NULL`); got != "1" {
		t.Errorf("%s are open, want the one that can be read", got)
	}
}

// Thousands at once, in any order, from several deliveries at the same time, while a run settles them:
// each is kept once, every delivery is counted, and nobody waits for ever.
func TestRecordThousandsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const n, deliveries = 3000, 4
	var events []webhook.Event
	for i := range n {
		events = append(events, event(fmt.Sprint("e", i), fmt.Sprint(i%700)))
	}
	stop := make(chan struct{})
	var settling, recording sync.WaitGroup
	settling.Go(func() {
		for {
			a, err := f.Agenda(f.ctx, f.lease)
			b := engine.Batch{}
			for _, notice := range a.Notices {
				b.Settled = append(b.Settled, notice.ID)
			}
			slices.Reverse(b.Settled)
			if err == nil {
				_, err = f.Apply(f.ctx, f.lease, f.run, b, engine.Usage{})
			}
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	var sum [deliveries]webhook.Recorded
	for i := range deliveries {
		recording.Go(func() {
			mine := slices.Clone(events)
			rand.New(rand.NewPCG(1, uint64(i))).Shuffle(n, func(a, b int) { mine[a], mine[b] = mine[b], mine[a] })
			for part := range slices.Chunk(mine, n/3) {
				r, err := f.Record(f.ctx, books, part)
				if err != nil {
					t.Error(err)
				}
				sum[i].New += r.New
				sum[i].Repeated += r.Repeated
			}
		})
	}
	recording.Wait()
	close(stop)
	settling.Wait()
	fresh, repeated := 0, 0
	for _, r := range sum {
		fresh, repeated = fresh+r.New, repeated+r.Repeated
	}
	if fresh != n || repeated != n*(deliveries-1) {
		t.Errorf("%d new, %d repeated", fresh, repeated)
	}
	if got := f.rows(`SELECT count(*), sum(deliveries) FROM sync.notices`)[0]; got != fmt.Sprintf("(%d,%d)", n, n*deliveries) {
		t.Errorf("kept: %s", got)
	}
}

func TestRecordAllOrNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`ALTER TABLE sync.notices ADD CONSTRAINT secret CHECK (object_id <> '13')`)
	bad := event("e2", "13")
	bad.Raw = bytes.Repeat([]byte("a customer's name "), 9)
	_, err := f.Record(f.ctx, books, []webhook.Event{event("e1", "1"), bad})
	if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "customer") {
		t.Errorf("%v", err)
	}
	if got := f.value(`SELECT count(*) FROM sync.notices`); got != "0" {
		t.Errorf("%s are kept", got)
	}
}

// One delivery of a webhook to a table of many companies and old notices.
func BenchmarkRecord(b *testing.B) {
	f := newFixture(b)
	f.exec(`INSERT INTO sync.organisations (slug, name) SELECT 'o' || i, 'o' FROM generate_series(1, 10000) AS i`)
	f.exec(`INSERT INTO sync.connections (org_id, provider, account, state) SELECT 'o' || i, 'testbooks', 'r' || i, 'active' FROM generate_series(1, 10000) AS i`)
	f.exec(`INSERT INTO sync.notices (provider, account, connection_id, event, stream, object_id, change, raw, settled_at, outcome)
		SELECT 'testbooks', c.account, c.id, 'old' || c.id || '-' || i, 'Order', i::text, 'updated', repeat('x', 300), now(), 'read' FROM sync.connections AS c, generate_series(1, 20) AS i`)
	f.exec(`ANALYZE sync.notices; ANALYZE sync.connections`)
	i := 0
	for b.Loop() {
		i++
		e := event(fmt.Sprint("new", i), "1")
		e.Account = fmt.Sprint("r", i%10000+1)
		if r := f.tell(e); len(r.Connections) != 1 {
			b.Fatal(r)
		}
	}
}

// An event that tells no time may be another one of the same words: it is read again.
func TestRecordAgainWithoutATime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	e := event("e1", "1")
	e.At = time.Time{}
	for range 2 {
		if r := f.tell(e); len(r.Connections) != 1 {
			t.Errorf("%+v; want its connection ticked", r)
		}
		a, err := f.Agenda(f.ctx, f.lease)
		if err != nil || len(a.Notices) != 1 {
			t.Fatal(a, err)
		}
		if _, err := f.Apply(f.ctx, f.lease, f.run, engine.Batch{Settled: []int64{a.Notices[0].ID}}, engine.Usage{}); err != nil {
			t.Fatal(err)
		}
	}
}

// A login that is told to work again while a run finds it broken is tried before anybody is asked for another.
func TestMendedDuringARun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	e := event("e1", "realm-1")
	e.Change, e.Mends = engine.Mended, true
	broken := engine.Result{Outcome: engine.Failed, State: org.NeedsReauth, Reason: "login", Err: fault.New(fault.Reconnect, "login")}
	f.tell(e)
	if err := f.Finish(f.ctx, f.lease, f.run, broken); err != nil {
		t.Fatal(err)
	}
	if got := f.value(`SELECT state FROM sync.connections WHERE id = $1`, f.id); got != "active" {
		t.Errorf("it is %s though its login was said to work again after the run began", got)
	}
	f.begin() // the bank wants a login all the same
	if err := f.Finish(f.ctx, f.lease, f.run, broken); err != nil {
		t.Fatal(err)
	}
	if got := f.value(`SELECT state FROM sync.connections WHERE id = $1`, f.id); got != "needs_reauth" {
		t.Errorf("it is %s though a later run has found it broken", got)
	}
}
