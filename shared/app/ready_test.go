package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/web"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// TestTooEarly: code that is deployed before its migration has run refuses all work until it has, keeps
// nothing and rejects nothing, whatever it is asked. To strangers it tells no details.
func TestTooEarly(t *testing.T) {
	p := newPlace(t, "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN=verifier", "PLAID_CLIENT_ID=client", "PLAID_SECRET=secret")
	p.store.Connect(t, "onpoint", "quickbooks", "100")
	servers, handlers := map[string]*web.Server{}, map[string]http.Handler{}
	for name, f := range map[string]Function{
		"SyncOrg": SyncOrg, "Connect": Connect, "QuickBooksWebhook": QuickBooksWebhook, "PlaidWebhook": PlaidWebhook, "Dispatch": Dispatch, "Watch": Watch,
	} {
		h, end, err := f.Build(t.Context(), p.vars, p.log())
		if err != nil {
			t.Fatal(err)
		}
		servers[name], handlers[name] = web.New(t.Context(), web.Options{Name: name, Handler: h, Close: end, Log: p.log()}), h
	}
	ask := func(name, method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		servers[name].ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(`{"message":{"attributes":{"org":"nobody"}}}`)))
		return w
	}
	p.exec(`DELETE FROM sync.migrations WHERE version_id = 85`)
	for name := range servers {
		for _, r := range [][2]string{{"POST", "/"}, {"GET", "/readyz"}, {"GET", "/connect/quickbooks?link=x"}} {
			if w := ask(name, r[0], r[1]); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "migration") {
				t.Errorf("%s: %s %s: %d %s", name, r[0], r[1], w.Code, w.Body)
			}
		}
	}
	if log := p.logs.String(); !strings.Contains(log, "the database lacks migration 00085: run jobs/migrate of this version") {
		t.Errorf("the log does not say what to do: %s", log)
	}
	if n := p.count(`SELECT (SELECT count(*) FROM sync.rejected_messages) + (SELECT count(*) FROM sync.notices)`); n != 0 {
		t.Errorf("%d messages were kept or rejected", n)
	}
	p.exec(`INSERT INTO sync.migrations (version_id, is_applied) VALUES (85, true), (99999, true)`)
	for name, h := range handlers {
		servers[name] = web.New(t.Context(), web.Options{Name: name, Handler: h, Log: p.log()}) // what was found before counts for a second
		if w := ask(name, "GET", "/readyz"); w.Code != http.StatusOK {
			t.Errorf("%s is not ready: %s", name, w.Body)
		}
	}
	if w := ask("SyncOrg", "POST", "/"); w.Code != http.StatusOK || p.count(`SELECT count(*) FROM sync.rejected_messages`) != 1 {
		t.Errorf("SyncOrg after the migration: %d %s", w.Code, w.Body)
	}
}

// TestTooEarlyJobs: jobs of later code do nothing with the tables of earlier code, either.
func TestTooEarlyJobs(t *testing.T) {
	p := newPlace(t, "EXPORT_FOLDER="+t.TempDir())
	p.store.Connect(t, "onpoint", "quickbooks", "100")
	p.exec(`DELETE FROM sync.migrations WHERE version_id = 85`)
	before := p.count(`SELECT count(*) FROM sync.runs`)
	for _, tt := range []struct {
		name, args string
		job        Job
	}{
		{"backfill", "-all", Backfill},
		{"reconcile", "-all", Reconcile},
		{"daily", "", Daily},
		{"export", "-org onpoint", Export},
		{"erase", "-org onpoint -confirm onpoint", Erase},
	} {
		var words strings.Builder
		status := runJob(t.Context(), tt.name, tt.job, call{strings.Fields(tt.args), append(p.asOwner(), "LOG_FORMAT=json"), io.Discard, &words})
		if status != 1 || !strings.Contains(words.String(), "the database lacks migration 00085: run jobs/migrate of this version") {
			t.Errorf("%s: status %d: %s", tt.name, status, words.String())
		}
	}
	if n := p.count(`SELECT count(*) FROM sync.runs`) - before + p.count(`SELECT count(*) FROM sync.organisations WHERE leaving_since IS NOT NULL`); n != 0 {
		t.Error("one has begun its work")
	}
}

func (p *place) exec(sql string) {
	p.Helper()
	if _, err := p.store.Pool.Exec(p.Context(), sql); err != nil {
		p.Fatal(err)
	}
}

// TestMissingColumns: whatever is missing in the database, no tick is rejected and no record given up.
// When it is there again all is stored.
func TestMissingColumns(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	company := w.sim.Company(onpointRealm)
	for _, tt := range []struct {
		name, take, give string
		status           int
	}{
		{"of connections", `ALTER TABLE sync.connections RENAME COLUMN asked_at TO x`, `ALTER TABLE sync.connections RENAME COLUMN x TO asked_at`, 503},
		{"that nobody asks for", `ALTER TABLE sync.organisations RENAME COLUMN name TO x`, `ALTER TABLE sync.organisations RENAME COLUMN x TO name`, 204},
		{"of runs", `ALTER TABLE sync.runs RENAME COLUMN parts TO x`, `ALTER TABLE sync.runs RENAME COLUMN x TO parts`, 503},
		{"of streams", `ALTER TABLE sync.streams RENAME COLUMN load_total TO x`, `ALTER TABLE sync.streams RENAME COLUMN x TO load_total`, 503},
		{"a whole table", `ALTER TABLE sync.notices RENAME TO x`, `ALTER TABLE sync.x RENAME TO notices`, 503},
		{"of an object", `SELECT sync.alter_table('quickbooks.customers', 'RENAME COLUMN balance TO x')`, `SELECT sync.alter_table('quickbooks.customers', 'RENAME COLUMN x TO balance')`, 503},
	} {
		if _, err := company.Create("Customer", `{"DisplayName":"New, `+tt.name+`"}`); err != nil {
			t.Fatal(err)
		}
		w.later()
		w.exec(tt.take)
		if status := w.push(w.syncOrg, org.Tick{Org: "onpoint", Reason: org.Schedule}); status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, status, tt.status)
		}
		w.exec(tt.give)
		if n := w.count(`SELECT (SELECT count(*) FROM sync.rejected_messages) + (SELECT count(*) FROM sync.dead_letters)`); n != 0 {
			t.Errorf("%s: %d messages or records were given up", tt.name, n)
		}
		w.sync("onpoint")
		if got, want := w.count(`SELECT count(*) FROM quickbooks.customers WHERE deleted_at IS NULL`), company.Count("Customer"); got != want {
			t.Errorf("%s: afterwards %d customers, want %d", tt.name, got, want)
		}
	}
}
