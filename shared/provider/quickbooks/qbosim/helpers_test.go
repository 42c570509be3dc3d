package qbosim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

const (
	realm    = "9341450000000017"
	redirect = "http://localhost:8080/connect/quickbooks/callback"
	clientID = "test-client"
	password = "not-a-real-one"
)

// clock is a clock that tests turn by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 6, 15, 12, 0, 0, 250e6, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is a server with one company and a client for it.
type world struct {
	*testing.T
	clock   *clock
	sim     *qbosim.Server
	company *qbosim.Company
	url     string
	tokens  qbosim.Tokens
	mark    func() // of tests that compare two moments
}

func config(c *clock) qbosim.Config {
	return qbosim.Config{ClientID: clientID, ClientSecret: password, RedirectURIs: []string{redirect}, Now: c.Now, NoLimits: true}
}

func spec(invoices int) qbosim.CompanySpec {
	return qbosim.CompanySpec{Realm: realm, Name: "OnPoint Power", Seed: 7, Invoices: invoices, CustomFields: []string{"Generator Model", "Engine Model"}}
}

func newWorld(t *testing.T, invoices int, edit ...func(*qbosim.Config, *qbosim.CompanySpec)) *world {
	t.Helper()
	w := &world{T: t, clock: newClock()}
	cfg, sp := config(w.clock), spec(invoices)
	for _, f := range edit {
		f(&cfg, &sp)
	}
	w.sim = qbosim.New(cfg)
	w.company = w.sim.AddCompany(sp)
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.tokens = w.sim.IssueTokens(realm)
	return w
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func (w *world) send(method, path, body string, header map[string]string) answer {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+w.tokens.Access)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(b), err}
}

func (w *world) get(path string) answer { w.Helper(); return w.send("GET", path, "", nil) }

func (w *world) query(statement string) answer {
	w.Helper()
	return w.get("/v3/company/" + realm + "/query?query=" + url.QueryEscape(statement))
}

func (w *world) cdc(entities string, since time.Time) answer {
	w.Helper()
	return w.get("/v3/company/" + realm + "/cdc?entities=" + entities + "&changedSince=" + url.QueryEscape(since.Format(time.RFC3339)))
}

func (w *world) post(path, body string) answer {
	w.Helper()
	return w.send("POST", "/v3/company/"+realm+path, body, nil)
}

// rows gives the array of an answer to a query.
func (w *world) rows(statement, entity string) []map[string]any {
	w.Helper()
	a := w.query(statement)
	if a.status != 200 {
		w.Fatalf("%s: %d %s", statement, a.status, a.body)
	}
	var out struct{ QueryResponse map[string]json.RawMessage }
	w.decode(a.body, &out)
	var rows []map[string]any
	if raw := out.QueryResponse[entity]; raw != nil {
		w.decode(string(raw), &rows)
	}
	return rows
}

func (w *world) decode(body string, into any) {
	w.Helper()
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		w.Fatalf("%v in %.400s", err, body)
	}
}

// object gives the present state of an object.
func (w *world) object(entity, id string) map[string]any {
	w.Helper()
	raw, ok := w.company.Get(entity, id)
	if !ok {
		w.Fatalf("no %s %s", entity, id)
	}
	var o map[string]any
	w.decode(string(raw), &o)
	return o
}

// at gives the text at a path inside o.
func at(o any, path ...string) string {
	for _, key := range path {
		m, _ := o.(map[string]any)
		o = m[key]
	}
	switch v := o.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

func (w *world) create(entity, body string) map[string]any {
	w.Helper()
	raw, err := w.company.Create(entity, body)
	if err != nil {
		w.Fatal(err)
	}
	var o map[string]any
	w.decode(string(raw), &o)
	return o
}

func code(body string) string {
	var f struct {
		Fault struct{ Error []struct{ Code string } }
	}
	if json.Unmarshal([]byte(body), &f) != nil || len(f.Fault.Error) == 0 {
		return ""
	}
	return f.Fault.Error[0].Code
}
