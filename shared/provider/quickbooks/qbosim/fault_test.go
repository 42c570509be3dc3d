package qbosim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

const anyQuery = "SELECT * FROM Invoice"

func TestFaultSwitches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind   qbosim.FaultKind
		status int
		piece  string
	}{
		{qbosim.Slow, 200, `"QueryResponse":{"Invoice":[`},
		{qbosim.HTML502, 502, "<h1>502 Bad Gateway</h1>"},
		{qbosim.JSON500, 500, `"code":"10000"`},
		{qbosim.XML429, 429, `<Error code="3001"><Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>`},
		{qbosim.JSON429, 429, `"code":"3001"`},
		{qbosim.QuotaExhausted429, 429, `"code":"3001"`},
		{qbosim.XML401, 401, `<Fault type="AUTHENTICATION"><Error code="3200">`},
		{qbosim.GatewayJSON401, 401, `"fault":{"error":[{"message":"message=AuthenticationFailed`},
		{qbosim.Forbidden403, 403, `<Error code="3201">`},
		{qbosim.Status6190, 400, `"code":"6190"`},
		{qbosim.FaultIn200, 200, `{"Fault":{"Error":[`},
		{qbosim.EmptyBody, 200, ""},
	} {
		t.Run(fmt.Sprint(tt.kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 10)
			w.sim.Inject(qbosim.Fault{On: qbosim.Query, Realm: realm, Entity: "Invoice", Times: 1, Kind: tt.kind, RetryAfter: 3 * time.Second})
			w.sim.Inject(qbosim.Fault{Realm: "another", Kind: qbosim.HTML502})
			if a := w.query("SELECT * FROM Customer"); a.status != 200 {
				t.Errorf("another entity: %d", a.status)
			}
			a := w.query(anyQuery)
			if a.status != tt.status || !strings.Contains(a.body, tt.piece) || tt.kind == qbosim.EmptyBody && a.body != "" {
				t.Errorf("%d %s", a.status, a.body)
			}
			if a.header.Get("Retry-After") != "3" {
				t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
			}
			if a := w.query(anyQuery); a.status != 200 || !json.Valid([]byte(a.body)) {
				t.Errorf("after it: %d", a.status)
			}
		})
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	remove := w.sim.Inject(qbosim.Fault{On: qbosim.Query, Kind: qbosim.TruncatedJSON})
	for range 3 {
		if a := w.query(anyQuery); a.status != 200 || json.Valid([]byte(a.body)) || a.body == "" {
			t.Errorf("%d %q", a.status, a.body)
		}
	}
	remove()
	if a := w.query(anyQuery); !json.Valid([]byte(a.body)) {
		t.Error("a removed fault is still there")
	}
}

func TestSkipAndTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.sim.Inject(qbosim.Fault{On: qbosim.CDC, Entity: "Customer", Skip: 1, Times: 2, Kind: qbosim.HTML502})
	var got []int
	for range 4 {
		got = append(got, w.cdc("Invoice,Customer", w.clock.Now()).status)
	}
	if fmt.Sprint(got) != "[200 502 502 200]" {
		t.Errorf("%v", got)
	}
}

// TestLostAnswer: the refresh token was rotated, and the client does not know.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.RotateAlways = true })
	w.sim.Inject(qbosim.Fault{On: qbosim.Token, Realm: realm, Times: 1, Kind: qbosim.LostAnswer})
	if a := w.refresh(w.tokens.Refresh); a.err == nil {
		t.Errorf("an answer came: %d %s", a.status, a.body)
	}
	if a := w.refresh(w.tokens.Refresh); a.body != notGranted {
		t.Errorf("the old token: %s", a.body)
	}
	if st := w.sim.Stats(); st.Rotations != 1 || st.Token != 2 || st.Errors != 2 {
		t.Errorf("figures %+v", st)
	}
}

func TestTokenFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.OmitErrorDescription = true })
	for kind, want := range map[qbosim.FaultKind]string{qbosim.InvalidGrant: `{"error":"invalid_grant"}`, qbosim.HTML502: "<html>"} {
		w.sim.Inject(qbosim.Fault{On: qbosim.Token, Times: 1, Kind: kind})
		if a := w.refresh(w.tokens.Refresh); !strings.HasPrefix(a.body, want) {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := w.refresh(w.tokens.Refresh); a.status != 200 {
		t.Errorf("a refused token was really refused: %s", a.body)
	}
}

func TestHang(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.sim.Inject(qbosim.Fault{On: qbosim.Query, Kind: qbosim.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := pageRequest(w.tokens.Access, anyQuery).WithContext(ctx)
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(w.url, "http://")
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestFalseTombstone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	w.clock.advance(time.Second)
	since := w.clock.Now()
	id := w.bill("3")
	w.sim.Inject(qbosim.Fault{On: qbosim.CDC, Entity: "Invoice", Times: 1, Kind: qbosim.FalseTombstone})
	if got := w.changed(w.cdc("Customer,Invoice", since)); fmt.Sprint(got["Invoice"]) != "["+id+"†]" || len(got["Customer"]) != 1 {
		t.Errorf("%v", got)
	}
	if got := w.changed(w.cdc("Customer,Invoice", since)); fmt.Sprint(got["Invoice"]) != "["+id+"]" {
		t.Errorf("afterwards %v", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.NoLimits = false })
	send := func(n int) (passed int) {
		for range n {
			if a := w.query("SELECT COUNT(*) FROM Invoice"); a.status == 200 {
				passed++
			} else if a.status != 429 || a.header.Get("Retry-After") != "" || !strings.Contains(a.body, "ThrottleExceeded") {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		return passed
	}
	if n := send(12); n != 10 {
		t.Errorf("%d calls in one second, want 10", n)
	}
	w.clock.advance(time.Second)
	total := 10
	for range 55 {
		total += send(10)
		w.clock.advance(time.Second)
	}
	if total != 500 {
		t.Errorf("%d calls in one minute, want 500", total)
	}
	w.clock.advance(time.Minute)
	if n := send(1); n != 1 {
		t.Error("throttled after a minute's rest")
	}
	if st := w.sim.Stats(); st.Throttled != 2+60 || st.Metered != 501 || st.Errors != st.Throttled {
		t.Errorf("figures %+v", st)
	}
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.NoLimits = false })
	inside, release := make(chan bool), make(chan bool)
	w.sim.BeforeAnswer(func(*http.Request) { inside <- true; <-release })
	results := make(chan int, 10)
	for range 10 {
		w.clock.advance(time.Second)
		go func() { results <- w.query("SELECT COUNT(*) FROM Invoice").status }()
		<-inside
	}
	w.clock.advance(time.Second)
	if a := w.query(anyQuery); a.status != 429 {
		t.Errorf("the eleventh in flight: %d", a.status)
	}
	close(release)
	for range 10 {
		if status := <-results; status != 200 {
			t.Errorf("one of ten: %d", status)
		}
	}
}

func TestMetering(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10)
	w.query(anyQuery)
	w.query("SELECT COUNT(*) FROM Invoice")
	w.query("SELECT nonsense")
	w.cdc("Invoice", w.clock.Now())
	w.get("/v3/company/" + realm + "/item/1")
	w.get("/v3/company/" + realm + "/item/99999")
	w.get("/v3/company/" + realm + "/companyinfo/" + realm)
	w.post("/customer", `{"DisplayName":"x"}`)
	w.post("/customer", `{"DisplayName":"x"}`)
	w.refresh(w.tokens.Refresh)
	want := qbosim.Stats{Query: 2, Count: 1, CDC: 1, Read: 3, Write: 2, Token: 1, Metered: 5, Refreshes: 1, Errors: 3}
	got := w.sim.Stats()
	if each := got.Realms[realm]; fmt.Sprint(each) != fmt.Sprint(want) {
		t.Errorf("company: %+v\nwant %+v", each, want)
	}
	if got.MeteredByMonth["2026-06"] != 5 {
		t.Errorf("metered by month: %v", got.MeteredByMonth)
	}
	got.Realms, got.MeteredByMonth = nil, nil
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("all: %+v\nwant %+v", got, want)
	}
}

// TestSlowReader: an answer is sent outside the company's lock, so its reader may edit the company.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1000)
	server := w.url
	r := pageRequest(w.tokens.Access, anyQuery+" MAXRESULTS 1000")
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server, "http://")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	half := make([]byte, 100<<10)
	if _, err := io.ReadFull(res.Body, half); err != nil {
		t.Fatal(err)
	}
	w.bill("3") // would wait for ever
	rest, err := io.ReadAll(res.Body)
	if err != nil || !json.Valid(append(half, rest...)) {
		t.Errorf("%v: the answer is broken", err)
	}
}
