package plaidsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// rig is a simulator that is called without a network and without our client.
type rig struct {
	*testing.T
	sim  *plaidsim.Server
	wall *wall
	it   *plaidsim.Item
}

// newRig makes a simulator with an Item of that login, with Transactions.
func newRig(t *testing.T, cfg plaidsim.Config, spec plaidsim.LoginSpec) *rig {
	t.Helper()
	g := &rig{T: t, wall: &wall{t: time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)}}
	cfg.ClientID, cfg.Secret, cfg.Now = appID, appSecret, g.wall.Now
	g.sim = plaidsim.New(cfg)
	g.it = g.linked(g.sim.AddLogin(spec), "transactions")
	return g
}

// linked makes an Item and exchanges its token.
func (g *rig) linked(login *plaidsim.Login, products ...string) *plaidsim.Item {
	g.Helper()
	return g.sim.Item(exchanged(g, g.sim, g.sim.Link(login, products, "http://127.0.0.1/hook")))
}

// call gives the error code, "" when it went well, and what was answered.
func (g *rig) call(path string, body map[string]any) (code string, out map[string]any) {
	g.Helper()
	w := served(g.sim, path, encoded(g, body))
	return g.read(w)
}

func (g *rig) read(w *httptest.ResponseRecorder) (code string, out map[string]any) {
	g.Helper()
	d := json.NewDecoder(w.Body)
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		g.Fatal(err)
	}
	code, _ = out["error_code"].(string)
	if id, _ := out["request_id"].(string); len(id) != 15 || w.Header().Get("Plaid-Version") != "2020-09-14" {
		g.Errorf("request_id %q, Plaid-Version %q", id, w.Header().Get("Plaid-Version"))
	}
	if (w.Code == http.StatusOK) != (code == "") {
		g.Errorf("%d with error_code %q", w.Code, code)
	}
	return code, out
}

// about calls an endpoint for the Item.
func (g *rig) about(path string, body map[string]any) (code string, out map[string]any) {
	g.Helper()
	all := map[string]any{"access_token": g.it.AccessToken()}
	for name, v := range body {
		all[name] = v
	}
	return g.call(path, all)
}

// want calls an endpoint for the Item and expects an error code, "" for success.
func (g *rig) want(code, path string, body map[string]any) map[string]any {
	g.Helper()
	got, out := g.about(path, body)
	if got != code {
		g.Errorf("%s answered %q (%v), want %q", path, got, out["error_message"], code)
	}
	return out
}

// replica is what a client makes of the pages: rows by transaction_id.
type replica struct {
	cursor string
	rows   map[string]string
}

// pull reads one run with pages of count; it gives the number of pages, or the error code of the one
// that failed, of which nothing is kept.
func (g *rig) pull(r *replica, count int) (pages int, code string) {
	g.Helper()
	rows, cursor := clone(r.rows), r.cursor
	for {
		code, out := g.about("/transactions/sync", map[string]any{"cursor": cursor, "count": count, "options": map[string]any{"include_original_description": true}})
		if code != "" {
			return pages, code
		}
		pages++
		apply(g, rows, out)
		if cursor = out["next_cursor"].(string); !out["has_more"].(bool) {
			r.rows, r.cursor = rows, cursor
			return pages, ""
		}
	}
}

func clone(rows map[string]string) map[string]string {
	out := map[string]string{}
	for id, row := range rows {
		out[id] = row
	}
	return out
}

// apply enters a page as a strict reader does: what is added is new, the rest is known.
func apply(g *rig, rows map[string]string, page map[string]any) {
	g.Helper()
	for _, list := range []string{"added", "modified"} {
		for _, v := range page[list].([]any) {
			id := v.(map[string]any)["transaction_id"].(string)
			if _, known := rows[id]; known != (list == "modified") {
				g.Errorf("%s is %s, known before: %v", id, list, known)
			}
			rows[id] = string(encoded(g, v))
		}
	}
	for _, v := range page["removed"].([]any) {
		id := v.(map[string]any)["transaction_id"].(string)
		if _, known := rows[id]; !known {
			g.Errorf("%s is removed and was not known", id)
		}
		delete(rows, id)
	}
}

// agrees compares a replica with the truth.
func (g *rig) agrees(r *replica) {
	g.Helper()
	n := 0
	for raw := range g.it.Transactions() {
		var v map[string]any
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			g.Fatal(err)
		}
		if n++; r.rows[v["transaction_id"].(string)] != string(encoded(g, v)) {
			g.Errorf("the copy has\n%s\nand the bank\n%s", r.rows[v["transaction_id"].(string)], encoded(g, v))
		}
	}
	if n != len(r.rows) {
		g.Errorf("the copy has %d transactions, the bank %d", len(r.rows), n)
	}
}

// transactions gives the ids of the live ones, and of those of them that are pending, sorted.
func (g *rig) transactions() (all, pending []string) {
	g.Helper()
	for raw := range g.it.Transactions() {
		var t struct {
			ID      string `json:"transaction_id"`
			Pending bool   `json:"pending"`
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			g.Fatal(err)
		}
		if all = append(all, t.ID); t.Pending {
			pending = append(pending, t.ID)
		}
	}
	slices.Sort(all)
	slices.Sort(pending)
	return all, pending
}

func all(g *rig) []string {
	g.Helper()
	out, _ := g.transactions()
	return out
}

// ok fails the test when a change was refused.
func ok[T any](g *rig) func(T, error) T {
	return func(v T, err error) T {
		g.Helper()
		if err != nil {
			g.Fatal(err)
		}
		return v
	}
}
