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

// TestTokenTroubles breaks the refresh of a token in every way, and asks what a person is told.
func TestTokenTroubles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		config  qbosim.Config
		lasts   time.Duration // of the access token; zero: it is due
		trouble func(*whole)
		want    seen
	}{
		{name: "the answer is lost, and the provider repeats the token",
			trouble: func(w *whole) { w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.LostAnswer, Times: 1}) },
		},
		{name: "the answer is lost, and the provider has changed the token", config: qbosim.Config{RotateAlways: true},
			trouble: func(w *whole) { w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.LostAnswer, Times: 1}) },
		},
		{name: "the answer is lost twice", config: qbosim.Config{},
			trouble: func(w *whole) { w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.LostAnswer, Times: 2}) },
		},
		{name: "the answer breaks off", config: qbosim.Config{RotateAlways: true},
			trouble: func(w *whole) { w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.TruncatedJSON, Times: 1}) },
		},
		{name: "the sign-in is out of order", config: qbosim.Config{RotateAlways: true},
			trouble: func(w *whole) { w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.HTML502}) },
		},
		{name: "the token is refused",
			trouble: func(w *whole) { w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.InvalidGrant}) },
		},
		{name: "the token is refused without a description", config: qbosim.Config{OmitErrorDescription: true},
			trouble: func(w *whole) { w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.InvalidGrant}) },
		},
		{name: "consent is withdrawn", lasts: time.Hour,
			trouble: func(w *whole) { w.sim.Company(onpointRealm).Disconnect() },
		},
		{name: "Secret Manager is down when the token is changed", config: qbosim.Config{RotateAlways: true},
			trouble: func(w *whole) { w.whenLeaving(isToken, func() { w.secrets.Down(true) }) },
		},
		{name: "Secret Manager is down before", lasts: time.Hour,
			trouble: func(w *whole) { w.secrets.Down(true) },
		},
		{name: "Secret Manager is down before, and the token is due", 
			trouble: func(w *whole) { w.secrets.Down(true) },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.NoLimits = true
			w := newWhole(t, tt.config)
			c := w.attach("onpoint", onpointRealm)
			w.sync("onpoint")
			w.login(c, tt.lasts)
			already := len(w.journal(c))
			tt.trouble(w)
			status := w.push(w.process(), org.Tick{Org: "onpoint", Reason: org.Schedule})
			got := w.seen(c, status)
			got.Journal = got.Journal[already:]
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("a person sees (-want +got):\n%s", diff)
			}
		})
	}
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
	return all
}

func timeless(text string) string {
	text = regexp.MustCompile(`\(request [^)]+\)`).ReplaceAllString(text, "(request TID)")
	return regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`).ReplaceAllString(text, "TIME")
}

var _ = http.StatusOK
