package app

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

const (
	markerClientSecret = "marker-client-secret"
	markerSigningKey   = "marker-signing-key, not a short one"
)

// heard is what an eavesdropper would like to have, and what was said to anybody.
type heard struct {
	mu      sync.Mutex
	secrets map[string]bool
	answers strings.Builder // bodies of HTTP answers, and what commands tell beside their result
}

func newHeard() *heard {
	basic := base64.StdEncoding.EncodeToString([]byte("client:" + markerClientSecret))
	return &heard{secrets: map[string]bool{markerClientSecret: true, markerSigningKey: true, basic: true}}
}

// keep notes secrets that are in use from now on.
func (h *heard) keep(secrets ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range secrets {
		if s != "" {
			h.secrets[s] = true
		}
	}
}

// tokens keeps what went through the token endpoint.
func (h *heard) tokens(asked, answer []byte) {
	form, _ := url.ParseQuery(string(asked)) //nolint:errcheck // what it understood counts
	var given struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	json.Unmarshal(answer, &given) //nolint:errcheck // a refusal holds none
	h.keep(form.Get("code"), form.Get("refresh_token"), given.Access, given.Refresh)
}

// link keeps what makes a connect link worth something: its text, the signature, the nonce.
func (h *heard) link(address string) {
	u, _ := url.Parse(address) //nolint:errcheck // a broken one is no secret
	text := u.Query().Get("link")
	payload, signature, _ := strings.Cut(text, ".")
	var l struct{ Nonce string }
	if raw, err := base64.RawURLEncoding.DecodeString(payload); err == nil {
		json.Unmarshal(raw, &l) //nolint:errcheck // the test for enough secrets would tell
	}
	h.keep(text, payload, signature, l.Nonce)
}

// said notes what was told to somebody.
func (h *heard) said(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers.WriteString(text + "\n")
}

// serve answers a request, and keeps the answer's body. A disconnect link comes back in the form that
// its owner is asked to send: that one field of that one page is left out.
func (h *heard) serve(by http.Handler, w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	by.ServeHTTP(answer, r)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes()) //nolint:errcheck // the client tells
	body := answer.Body.String()
	if link := r.URL.Query().Get("link"); r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/disconnect") && link != "" {
		body = strings.Replace(body, `name="link" value="`+link+`"`, "", 1)
	}
	h.said(body)
}

// in returns what of the secrets stands in a text, in clear or in a form that anybody can undo.
func (h *heard) in(text string) (found []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.secrets {
		b := []byte(s)
		for _, form := range []string{s, url.QueryEscape(s), hex.EncodeToString(b), base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b)} {
			if strings.Contains(text, form) {
				found = append(found, s[:min(len(s), 12)]+"…")
				break
			}
		}
	}
	return found
}

// leaks returns the places outside of Secret Manager in which a secret stands.
func (w *whole) leaks() (places []string) {
	w.Helper()
	look := func(place, text string) {
		if found := w.heard.in(text); len(found) > 0 {
			places = append(places, fmt.Sprintf("%s: %d secrets, such as %s", place, len(found), found[0]))
		}
	}
	for line := range strings.Lines(w.logs.String()) {
		var entry struct{ Msg string }
		json.Unmarshal([]byte(line), &entry) //nolint:errcheck // a line is looked at whatever it is
		look("the log line "+entry.Msg, line)
	}
	w.heard.mu.Lock()
	answers := w.heard.answers.String()
	w.heard.mu.Unlock()
	look("an HTTP answer", answers)
	for column, values := range w.columns() {
		look(column, values)
	}
	slices.Sort(places)
	return places
}

// columns returns the values of all columns of all tables that could hold a text, as one text each.
func (w *whole) columns() map[string]string {
	w.Helper()
	ctx := context.WithoutCancel(w.Context())
	rows, err := w.store.Pool.Query(ctx, `SELECT c.table_schema, c.table_name, array_agg(c.column_name::text), array_agg(c.data_type = 'bytea')
FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
AND c.data_type IN ('text', 'character varying', 'character', 'name', 'json', 'jsonb', 'xml', 'bytea', 'ARRAY', 'USER-DEFINED') GROUP BY 1, 2`)
	if err != nil {
		w.Fatal(err)
	}
	type table struct {
		Schema, Name string
		Columns      []string
		Bytes        []bool
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		w.Fatal(err)
	}
	values := map[string]string{}
	var batch pgx.Batch
	for _, t := range all {
		var texts []string
		for i, c := range t.Columns {
			texts = append(texts, textOf(c, t.Bytes[i]))
		}
		sql := "SELECT " + strings.Join(texts, ", ") + " FROM " + pgx.Identifier{t.Schema, t.Name}.Sanitize()
		batch.Queue(sql).QueryRow(func(row pgx.Row) error {
			held, into := make([][]byte, len(t.Columns)), make([]any, len(t.Columns))
			for i := range held {
				into[i] = &held[i]
			}
			err := row.Scan(into...)
			for i, c := range t.Columns {
				values[t.Schema+"."+t.Name+"."+c] = string(held[i])
			}
			return err
		})
	}
	if err := w.store.Pool.SendBatch(ctx, &batch).Close(); err != nil {
		w.Fatal(err)
	}
	return values
}

// textOf is the SQL for all values of a column: those of bytea as they are, and as PostgreSQL shows them.
func textOf(column string, bytes bool) string {
	name := pgx.Identifier{column}.Sanitize()
	text := "convert_to(" + name + "::text, 'UTF8')"
	if bytes {
		text = name + " || " + text
	}
	return "string_agg(" + text + `, '\x0a')`
}

// wantNoSecrets ends every test of the whole.
func (w *whole) wantNoSecrets() {
	w.Helper()
	for _, place := range w.leaks() {
		w.Errorf("a secret is in %s", place)
	}
}

// TestNoSecretAnywhere goes through all that handles secrets. Every other test of the whole ends with
// the same look around.
func TestNoSecretAnywhere(t *testing.T) {
	w := newWhole(t, qbosim.Config{RotateAlways: true, NoLimits: true})
	link := w.link()
	w.connect(link, onpointRealm, "cancel")
	w.connect(link, onpointRealm, "connect")
	w.tick()
	for _, address := range []string{link, link + "x", w.server.URL + "/connect/quickbooks/callback?state=marker-state&code=marker-code&realmId=1", w.server.URL + "/nothing?c=marker-code"} {
		w.read(http.Get(address)) // used up, spoiled, forged, lost
	}
	w.heard.keep("marker-state", "marker-code")

	c, err := w.store.Connection(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	w.login(c, 0)
	w.whenLeaving(isToken, func() { w.secrets.Down(true) })
	w.tick() // with a sealed token
	w.secrets.Down(false)
	w.tick()
	w.login(c, 0)
	w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.LostAnswer, Times: 1})
	w.tick() // needs a new login
	w.connect(w.link(), onpointRealm, "connect")
	w.tick()
	for _, f := range []qbosim.FaultKind{qbosim.TruncatedJSON, qbosim.EmptyBody, qbosim.HTML502, qbosim.JSON500, qbosim.Forbidden403} {
		w.login(c, 0)
		w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: f, Times: 2})
		w.push(w.syncOrg, org.Tick{Org: "onpoint"})
	}
	w.disconnect(w.link("-disconnect"))

	if n := len(w.heard.secrets); n < 30 {
		t.Errorf("only %d secrets were overheard", n)
	}
	if held := w.columns(); len(held) < 100 || !strings.Contains(held["sync.token_journal.outcome"], "parked") {
		t.Errorf("only %d columns were looked at, or the wrong ones", len(held))
	}
}

// TestLeaksAreFound shows that the look around is worth something.
func TestLeaksAreFound(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	c := w.attach("onpoint", onpointRealm)
	w.heard.keep("marker-leak")
	for _, tt := range []struct{ name, sql, place string }{
		{"in a text", `UPDATE sync.connections SET reason = 'x marker-leak' WHERE id = $1`, "sync.connections.reason"},
		{"in raw bytes", `UPDATE sync.connections SET reason = '', parked_token = '\x00' || 'marker-leak'::bytea WHERE id = $1`, "sync.connections.parked_token"},
		{"in base64", `UPDATE sync.connections SET parked_token = NULL, lease_holder = encode('marker-leak', 'base64') WHERE id = $1`, "sync.connections.lease_holder"},
		{"in JSON", `INSERT INTO sync.streams (connection_id, name, checkpoint) VALUES ($1, 'Term', '{"a":["marker-leak"]}')`, "sync.streams.checkpoint"},
		{"in a list", `INSERT INTO sync.runs (org_id, connection_id, reason, streams) VALUES ('onpoint', $1, 'manual', '{marker-leak}')`, "sync.runs.streams"},
		{"nowhere", `WITH s AS (DELETE FROM sync.streams), r AS (DELETE FROM sync.runs) UPDATE sync.connections SET lease_holder = NULL WHERE id = $1`, ""},
	} {
		if _, err := w.store.Pool.Exec(t.Context(), tt.sql, c.ID); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := strings.Join(w.leaks(), "\n"); !strings.Contains(got, tt.place) || tt.place == "" && got != "" {
			t.Errorf("%s: found %q, want it in %s", tt.name, got, tt.place)
		}
	}
	w.log().Debug("spoken", "err", fmt.Errorf("call %s", url.QueryEscape("marker-leak")))
	w.heard.said("marker-leak")
	if got := w.leaks(); len(got) != 2 {
		t.Errorf("found %q, want a log line and an answer", got)
	}
	w.heard.mu.Lock()
	delete(w.heard.secrets, "marker-leak")
	w.heard.mu.Unlock()
}
