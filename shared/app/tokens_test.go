package app

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// seen is what a person sees of a connection after a tick. In its texts a moment stands as TIME and
// Intuit's number of a request as TID.
type seen struct {
	Status  int    // of the tick
	State   string // of the connection, and why
	Reason  string
	Outcome string // of the last run
	Kind    string
	Error   string
	Journal []string // of the token: new lines
}

// What is said.
const (
	refused = "QuickBooks doesn't accept this connection any more (disconnected there, not used for 100 days, or too old): connect the company again (request TID)"
	lost    = "the provider changed this connection's token at TIME, but its answer never arrived: connect again (request TID)"
	later   = "the token could not be renewed, the next sync tries again: "
	maybe   = ": no complete answer came, so it may have taken effect"
	down    = "Secret Manager is out of order at the moment, the next sync tries again (read secret version: DeadlineExceeded)"
)

func well(journal ...string) seen {
	return seen{Status: http.StatusNoContent, State: "active", Outcome: "done", Journal: journal}
}

// ended is a connection that only its owner can mend.
func ended(says string, journal ...string) seen {
	return seen{Status: http.StatusNoContent, State: "needs_reauth", Reason: says, Outcome: "failed", Kind: "reconnect", Error: "refresh token: " + says, Journal: journal}
}

// comesBack is a run that failed and comes back.
func comesBack(doing, says string, journal ...string) seen {
	return seen{Status: http.StatusServiceUnavailable, State: "active", Reason: says, Outcome: "failed", Kind: "unavailable", Error: doing + says, Journal: journal}
}

// TestTokenTroubles breaks the renewal of a token in many ways, and asks what a person is told.
func TestTokenTroubles(t *testing.T) {
	t.Parallel()
	sick := func(kind qbosim.FaultKind, times int) func(*whole) func() {
		return func(w *whole) func() { return w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: kind, Times: times}) }
	}
	rotating := qbosim.Config{RotateAlways: true}
	for _, tt := range []struct {
		name    string
		config  qbosim.Config
		lasts   time.Duration              // of the access token; zero: it is due
		trouble func(*whole) (mend func()) // what is mended in the end
		calls   int                        // of the token endpoint
		want    seen
		then    seen // what another process makes of it once it is mended; zero: that it does not even try
	}{
		{name: "the answer is lost, and the provider repeats the token", trouble: sick(qbosim.LostAnswer, 1), calls: 2,
			want: well("2 to 0: answer lost", "2 to 3: stored"), then: well("2 to 0: answer lost", "2 to 3: stored")},
		{name: "the answer is lost, and the provider has changed the token", config: rotating, trouble: sick(qbosim.LostAnswer, 1), calls: 2,
			want: ended(lost, "2 to 0: open", "2 to 0: refused, refresh token: "+lost)},
		{name: "the answer breaks off, and the provider has changed the token", config: rotating, trouble: sick(qbosim.TruncatedJSON, 1), calls: 2,
			want: ended(lost, "2 to 0: open", "2 to 0: refused, refresh token: "+lost)},
		{name: "the answer is lost twice, and the provider repeats the token", trouble: sick(qbosim.LostAnswer, 2), calls: 2,
			want: comesBack("refresh token: ", later+"the connection to QuickBooks broke"+maybe, "2 to 0: open", "2 to 0: open"),
			then: well("2 to 0: answer lost", "2 to 0: answer lost", "2 to 3: stored")},
		{name: "the sign-in is out of order", config: rotating, trouble: sick(qbosim.HTML502, 0), calls: 2,
			want: comesBack("refresh token: ", later+"QuickBooks' sign-in is out of order at the moment (status 502)"+maybe+" (request TID)", "2 to 0: open", "2 to 0: open"),
			then: well("2 to 0: answer lost", "2 to 0: answer lost", "2 to 3: stored")},
		{name: "the token is refused", trouble: sick(qbosim.InvalidGrant, 0), calls: 1,
			want: ended(refused, "2 to 0: refused, refresh token: "+refused)},
		{name: "the token is refused without a description", config: qbosim.Config{OmitErrorDescription: true}, trouble: sick(qbosim.InvalidGrant, 0), calls: 1,
			want: ended(refused, "2 to 0: refused, refresh token: "+refused)},
		{name: "consent is withdrawn", lasts: time.Hour, calls: 1,
			trouble: func(w *whole) func() { w.sim.Company(onpointRealm).Disconnect(); return func() {} },
			want:    ended(refused, "2 to 0: refused, refresh token: "+refused)},
		{name: "Secret Manager is down before", lasts: time.Hour,
			trouble: func(w *whole) func() { w.secrets.Down(true); return func() { w.secrets.Down(false) } },
			want:    comesBack("read token: ", down), then: well()},
		{name: "Secret Manager is down before, and the token is due", config: rotating,
			trouble: func(w *whole) func() { w.secrets.Down(true); return func() { w.secrets.Down(false) } },
			want:    comesBack("read token: ", down), then: well("2 to 3: stored")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.NoLimits = true
			w := newWhole(t, tt.config)
			c := w.attach("onpoint", onpointRealm)
			w.sync("onpoint")
			w.login(c, tt.lasts)
			mend := tt.trouble(w)
			before := w.sim.Stats().Token
			if diff := cmp.Diff(tt.want, w.asked(w.process(), c)); diff != "" {
				t.Errorf("a person sees (-want +got):\n%s", diff)
			}
			if n := w.sim.Stats().Token - before; n != tt.calls {
				t.Errorf("the token endpoint was asked %d times, want %d", n, tt.calls)
			}
			mend()
			stats, left := w.sim.Stats(), tt.then.Status == 0
			if left {
				tt.then = tt.want
			}
			if diff := cmp.Diff(tt.then, w.asked(w.process(), c)); diff != "" {
				t.Errorf("in the end a person sees (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(stats, w.sim.Stats()); left && diff != "" {
				t.Errorf("a connection that only its owner can mend was called:\n%s", diff)
			}
		})
	}
}

// TestTokenWithoutSecretManager goes through an outage that begins at the worst moment.
func TestTokenWithoutSecretManager(t *testing.T) {
	w := newWhole(t, qbosim.Config{RotateAlways: true, NoLimits: true})
	c := w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	w.login(c, 0)
	w.whenLeaving(isToken, func() { w.secrets.Down(true) })
	for _, tt := range []struct {
		name string
		by   ready
	}{{"the process that got the token", w.syncOrg}, {"the same one again", w.syncOrg}, {"another one", w.process()}} {
		if diff := cmp.Diff(well("2 to 0: parked"), w.asked(tt.by, c)); diff != "" {
			t.Errorf("%s: a person sees (-want +got):\n%s", tt.name, diff)
		}
		if n := w.count(`SELECT count(*) FROM sync.connections WHERE secret_version = 2 AND length(parked_token) > 100 AND id = $1`, c.ID); n != 1 {
			t.Errorf("%s: the token is not kept in the database", tt.name)
		}
	}
	if said := w.logs.String(); !strings.Contains(said, "Secret Manager did not take a new token; it is kept, sealed, in the database") {
		t.Errorf("the log says nothing of it:\n%s", said)
	}
	w.wantNoSecrets()

	w.secrets.Down(false)
	if diff := cmp.Diff(well("2 to 0: parked"), w.asked(w.process(), c)); diff != "" {
		t.Errorf("a person sees (-want +got):\n%s", diff)
	}
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE secret_version = 3 AND parked_token IS NULL AND id = $1`, c.ID); n != 1 {
		t.Errorf("the token is still in the database, or not in Secret Manager")
	}
	var states []string
	for _, v := range w.secrets.Versions("projects/demo/secrets/" + vault.SecretName(c)) {
		states = append(states, v.State)
	}
	if diff := cmp.Diff([]string{"DESTROYED", "DESTROYED", "ENABLED"}, states); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if n := w.sim.Stats().Refreshes; n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

// TestTokenIsKeptInMemory shows that an outage of Secret Manager is no matter while a token lasts.
func TestTokenIsKeptInMemory(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	c := w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	w.secrets.Down(true)
	if diff := cmp.Diff(well(), w.asked(w.syncOrg, c)); diff != "" {
		t.Errorf("a process that knows the token (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(comesBack("read token: ", down), w.asked(w.process(), c)); diff != "" {
		t.Errorf("a process that does not know the token (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(well(), w.asked(w.syncOrg, c)); diff != "" {
		t.Errorf("the first process again (-want +got):\n%s", diff)
	}
}

// asked delivers a tick to a process and returns what a person sees afterwards.
func (w *whole) asked(p ready, c org.Connection) seen {
	w.Helper()
	w.later()
	return w.seen(c, w.push(p, org.Tick{Org: c.Org, Connection: c.ID, Reason: org.Schedule}))
}

// seen asks the database what it tells of a connection.
func (w *whole) seen(c org.Connection, status int) seen {
	w.Helper()
	s := seen{Status: status, Journal: w.journal(c)}
	err := w.store.Pool.QueryRow(w.Context(), `SELECT c.state, c.reason, r.outcome, coalesce(r.error_kind, ''), coalesce(r.error, '')
FROM sync.connections AS c JOIN sync.runs AS r ON r.connection_id = c.id WHERE c.id = $1 ORDER BY r.id DESC LIMIT 1`, c.ID).
		Scan(&s.State, &s.Reason, &s.Outcome, &s.Kind, &s.Error)
	if err != nil {
		w.Fatal(err)
	}
	s.Reason, s.Error = timeless(s.Reason), timeless(s.Error)
	return s
}

// journal returns the attempts to renew a connection's token.
func (w *whole) journal(c org.Connection) []string {
	w.Helper()
	rows, err := w.store.Pool.Query(w.Context(), `SELECT coalesce(from_version, 0), coalesce(to_version, 0), coalesce(outcome, 'open'), coalesce(detail, '')
FROM sync.token_journal WHERE connection_id = $1 ORDER BY id`, c.ID)
	if err != nil {
		w.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (line string, err error) {
		var from, to int
		var outcome, detail string
		err = row.Scan(&from, &to, &outcome, &detail)
		return strings.TrimSuffix(fmt.Sprintf("%d to %d: %s, %s", from, to, outcome, timeless(detail)), ", "), err
	})
	if err != nil {
		w.Fatal(err)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func timeless(text string) string {
	text = regexp.MustCompile(`\(request [^)]+\)`).ReplaceAllString(text, "(request TID)")
	return regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`).ReplaceAllString(text, "TIME")
}
