package app

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// neighbours are two connections of one organisation and one of another.
type neighbours struct {
	*whole
	first, second, other org.Connection
}

func newNeighbours(t *testing.T) neighbours {
	t.Helper()
	w := newWhole(t, qbosim.Config{NoLimits: true})
	n := neighbours{w, w.attach("onpoint", onpointRealm), w.attach("onpoint", spareRealm), w.attach("powergen", powergenRealm)}
	w.sync("onpoint")
	w.sync("powergen")
	return n
}

// edit makes a new customer in each company.
func (n neighbours) edit(name string) {
	n.Helper()
	for _, c := range n.sim.Companies() {
		if _, err := c.Create("Customer", `{"DisplayName":"`+name+`"}`); err != nil {
			n.Fatal(err)
		}
	}
}

// has reports which of the three have the customer.
func (n neighbours) has(name string) (got [3]bool) {
	n.Helper()
	for i, c := range []org.Connection{n.first, n.second, n.other} {
		got[i] = n.count(`SELECT count(*) FROM quickbooks.customers WHERE display_name = $1 AND connection_id = $2`, name, c.ID) == 1
	}
	return got
}

// TestTroubleStaysAtHome breaks one connection, and looks at the others.
func TestTroubleStaysAtHome(t *testing.T) {
	t.Parallel()
	sick := func(f qbosim.Fault) func(neighbours) func() {
		return func(n neighbours) func() { f.Realm = onpointRealm; return n.sim.Inject(f) }
	}
	panics := func(where func(*whole, org.ConnectionID)) func(neighbours) func() {
		return func(n neighbours) func() {
			open := n.syncOrg.engine.Open
			where(n.whole, n.first.ID)
			return func() { n.syncOrg.engine.Open = open }
		}
	}
	for _, tt := range []struct {
		name    string
		trouble func(neighbours) (mend func())
		want    seen // of the connection with the trouble
		ends    bool // only a new login mends it
	}{
		{name: "QuickBooks is out of order for one company", trouble: sick(qbosim.Fault{Kind: qbosim.JSON500}),
			want: comesBack("", "QuickBooks is out of order at the moment (status 500) (request TID)")},
		{name: "a subscription has ended", trouble: sick(qbosim.Fault{Kind: qbosim.Status6190}),
			want: seen{Status: http.StatusNoContent, State: "paused", Outcome: "failed", Kind: "paused",
				Reason: "QuickBooks has closed this company for now: its subscription has ended or is suspended, or its trial is over (request TID)",
				Error:  "QuickBooks has closed this company for now: its subscription has ended or is suspended, or its trial is over (request TID)"}},
		{name: "consent is withdrawn", trouble: func(n neighbours) func() { n.sim.Company(onpointRealm).Disconnect(); return func() {} },
			want: ended(refused, "1 to 0: refused, refresh token: "+refused), ends: true},
		{name: "a panic when the source is opened", trouble: panics((*whole).panicInOpen), want: panicked()},
		{name: "a panic in the source", trouble: panics((*whole).panicInPull), want: panicked()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNeighbours(t)
			mend := tt.trouble(n)
			n.edit("During")
			n.later()
			status := n.push(n.syncOrg, org.Tick{Org: "onpoint"})
			n.sync("powergen")
			if diff := cmp.Diff(tt.want, n.seen(n.first, status)); diff != "" {
				t.Errorf("a person sees (-want +got):\n%s", diff)
			}
			if got := n.has("During"); got != [3]bool{false, true, true} {
				t.Errorf("up to date: %v, want the other two", got)
			}
			for _, c := range []org.Connection{n.second, n.other} {
				if diff := cmp.Diff(well(), n.seen(c, http.StatusNoContent)); diff != "" {
					t.Errorf("of connection %s a person sees (-want +got):\n%s", c.ID, diff)
				}
			}
			mend()
			if tt.ends {
				return
			}
			if _, err := n.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET not_before = NULL`); err != nil {
				t.Fatal(err)
			}
			n.sync("onpoint")
			if got := n.has("During"); got != [3]bool{true, true, true} {
				t.Errorf("up to date once it is mended: %v, want all", got)
			}
			if diff := cmp.Diff(well(), n.seen(n.first, http.StatusNoContent)); diff != "" {
				t.Errorf("once it is mended a person sees (-want +got):\n%s", diff)
			}
		})
	}
}

func panicked() seen {
	const says = "a programming error ended the run, the log tells where: report it; the next sync tries again"
	return seen{Status: http.StatusServiceUnavailable, State: "active", Outcome: "failed", Kind: "internal", Reason: says, Error: says}
}

func (w *whole) panicInOpen(id org.ConnectionID) {
	open := w.syncOrg.engine.Open
	w.syncOrg.engine.Open = func(ctx context.Context, c org.Connection, l org.Lease) (engine.Source, error) {
		if c.ID == id {
			panic("oh, in Open")
		}
		return open(ctx, c, l)
	}
}

func (w *whole) panicInPull(id org.ConnectionID) {
	open := w.syncOrg.engine.Open
	w.syncOrg.engine.Open = func(ctx context.Context, c org.Connection, l org.Lease) (engine.Source, error) {
		src, err := open(ctx, c, l)
		if c.ID == id {
			src = panicking{src}
		}
		return src, err
	}
}

// panicking is a source with a bug.
type panicking struct{ engine.Source }

func (panicking) Pull(context.Context, engine.Task) iter.Seq2[engine.Batch, error] {
	return func(func(engine.Batch, error) bool) { panic("oh, in Pull") }
}

// TestPanicOfAPageReader lets the first load panic where pages are read ahead, on a goroutine of its own.
func TestPanicOfAPageReader(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	first, second := w.attach("onpoint", onpointRealm), w.attach("onpoint", spareRealm)
	client := w.syncOrg.quickBooks.options.HTTP
	next := client.Transport
	client.Transport = transport(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, onpointRealm) {
			panic("oh, in a call")
		}
		return next.RoundTrip(r)
	})
	status := w.push(w.syncOrg, org.Tick{Org: "onpoint"})
	if diff := cmp.Diff(panicked(), w.seen(first, status)); diff != "" {
		t.Errorf("a person sees (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(well(), w.seen(second, http.StatusNoContent)); diff != "" {
		t.Errorf("of the other connection a person sees (-want +got):\n%s", diff)
	}
	if said := w.logs.String(); !strings.Contains(said, "oh, in a call") || !strings.Contains(said, "TestPanicOfAPageReader") {
		t.Errorf("the log does not tell where it was:\n%s", said)
	}
	client.Transport = next
	w.sync("onpoint")
	if diff := cmp.Diff(well(), w.seen(first, http.StatusNoContent)); diff != "" {
		t.Errorf("once it is mended a person sees (-want +got):\n%s", diff)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// TestFailingStream reads one stream anew, which does not work for some time, while the others go on.
func TestFailingStream(t *testing.T) {
	n := newNeighbours(t)
	if _, err := n.store.Pool.Exec(t.Context(), `UPDATE sync.streams SET checkpoint = NULL WHERE connection_id = $1 AND name = 'Invoice'`, n.first.ID); err != nil {
		t.Fatal(err)
	}
	mend := n.sim.Inject(qbosim.Fault{Realm: onpointRealm, Entity: "Invoice", On: qbosim.Query, Kind: qbosim.JSON500})
	good := n.streams(n.first)
	for run, name := range []string{"One", "Two"} {
		n.edit(name)
		if diff := cmp.Diff(seen{Status: http.StatusNoContent, State: "active", Outcome: "partial"}, n.asked(n.syncOrg, n.first)); diff != "" {
			t.Errorf("run %d: a person sees (-want +got):\n%s", run+1, diff)
		}
		if !n.has(name)[0] {
			t.Errorf("run %d: the customers are not up to date", run+1)
		}
		for i, s := range n.streams(n.first) {
			switch before := good[i]; {
			case s.Name == "Invoice":
				if s.Status != "failed" || s.Failures != run+1 || timeless(s.Error) != "QuickBooks is out of order at the moment (status 500) (request TID)" ||
					!s.LastSuccess.Equal(*before.LastSuccess) || !s.LastAttempt.After(*before.LastAttempt) || s.Rows != before.Rows {
					t.Errorf("run %d: of the invoices a person sees %+v", run+1, s)
				}
			case s.Status != "ok" || s.Failures != 0 || s.Error != "" || !s.LastSuccess.After(*before.LastSuccess):
				t.Errorf("run %d: of %s a person sees %+v", run+1, s.Name, s)
			}
		}
	}
	mend()
	if diff := cmp.Diff(well(), n.asked(n.syncOrg, n.first)); diff != "" {
		t.Errorf("once it is mended a person sees (-want +got):\n%s", diff)
	}
	for _, s := range n.streams(n.first) {
		if s.Status != "ok" || s.Failures != 0 || s.Error != "" || time.Since(*s.LastSuccess) > time.Minute {
			t.Errorf("once it is mended, of %s a person sees %+v", s.Name, s)
		}
	}
}

// streams returns what a person sees of a connection's streams.
func (w *whole) streams(c org.Connection) []store.StreamStatus {
	w.Helper()
	all, err := w.store.Overview(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s store.ConnectionStatus) bool { return s.ID == c.ID })
	return all[i].Streams
}
