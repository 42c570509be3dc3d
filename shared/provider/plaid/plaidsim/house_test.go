package plaidsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

const (
	appID     = "test-client"
	appSecret = "not-a-real-secret"
)

// wall is a clock that tests turn by hand.
type wall struct {
	mu sync.Mutex
	t  time.Time
}

func (w *wall) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t
}

func (w *wall) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t = w.t.Add(d)
}

// everything is all that the simulator has.
var everything = []string{"transactions", "recurring_transactions", "liabilities", "investments", "statements"}

// house is a simulator with one Item that has everything, our client for it, and an endpoint for webhooks.
type house struct {
	*testing.T
	wall   *wall
	sim    *plaidsim.Server
	url    string
	hook   *ear
	hooks  *plaidsim.Webhooks
	client *plaid.Client
	item   *plaid.Item
	bank   *plaidsim.Item // the same, from the other side
}

// newHouse makes one; edit changes what the login has.
func newHouse(t *testing.T, cfg plaidsim.WebhookConfig, edit ...func(*plaidsim.LoginSpec)) *house {
	t.Helper()
	h := &house{T: t, wall: &wall{t: time.Date(2026, 6, 15, 12, 0, 0, 250e6, time.UTC)}, hook: newEar(t)}
	h.sim = plaidsim.New(plaidsim.Config{ClientID: appID, Secret: appSecret, Now: h.wall.Now, Seed: 7, NoLimits: true})
	server := httptest.NewServer(h.sim)
	t.Cleanup(server.Close)
	h.url = server.URL
	h.hooks = h.sim.Webhooks(cfg)
	h.client = plaid.New(plaid.Options{API: h.url, ClientID: appID, Secret: appSecret, HTTP: server.Client(), Now: h.wall.Now})
	spec := plaidsim.LoginSpec{Seed: 1, Transactions: 40}
	for _, f := range edit {
		f(&spec)
	}
	h.link(h.sim.Link(h.sim.AddLogin(spec), everything, h.hook.url))
	return h
}

// link exchanges a public token and works with that Item from now on.
func (h *house) link(public string) {
	h.Helper()
	grant, err := h.client.Exchange(h.Context(), plaid.Secret(public))
	if err != nil {
		h.Fatal(err)
	}
	h.bank = h.sim.Item(grant.Item)
	h.item = h.client.Item(grant.Item, access(h.bank.AccessToken()))
}

type access string

func (a access) Access(context.Context) (string, error) { return string(a), nil }

// post makes a call of the API by hand, and gives the status and what was answered.
func (h *house) post(path string, body map[string]any) (int, http.Header, []byte) {
	h.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	r, err := http.NewRequestWithContext(h.Context(), http.MethodPost, h.url+path, bytes.NewReader(text))
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("PLAID-CLIENT-ID", appID)
	r.Header.Set("PLAID-SECRET", appSecret)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		h.Fatal(err)
	}
	return res.StatusCode, res.Header, answer
}

// ask makes a call about the Item by hand, and gives the error code, "" when it went well.
func (h *house) ask(path string, body map[string]any) (code string, answer map[string]any) {
	h.Helper()
	all := map[string]any{"access_token": h.bank.AccessToken()}
	for name, v := range body {
		all[name] = v
	}
	status, _, text := h.post(path, all)
	h.decode(text, &answer)
	code, _ = answer["error_code"].(string)
	if (status == http.StatusOK) != (code == "") {
		h.Errorf("%s: %d with error_code %q", path, status, code)
	}
	return code, answer
}

// account gives the id of the Item's first account of a type.
func (h *house) account(kind string) string {
	h.Helper()
	for _, id := range h.bank.AccountIDs() {
		if spec, _ := h.bank.Account(id); spec.Type == kind {
			return id
		}
	}
	h.Fatalf("the Item has no account of type %s", kind)
	return ""
}

// truth gives the rows of a stream as the simulator has them.
func (h *house) truth(stream string) (all []map[string]any) {
	h.Helper()
	for raw := range h.bank.All(stream) {
		var row map[string]any
		h.decode(raw, &row)
		all = append(all, row)
	}
	return all
}

func (h *house) deliver() plaidsim.Delivery {
	h.Helper()
	rep, err := h.hooks.Deliver(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return rep
}

// decode reads JSON with its numbers as text.
func (h *house) decode(text []byte, into any) {
	h.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	h.must(d.Decode(into))
}

// must fails the test when something could not be done.
func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// ear takes webhooks as an app does, and answers what a test wants.
type ear struct {
	mu     sync.Mutex
	url    string
	bodies [][]byte
	heads  []http.Header
	answer func(n int) int // a status by attempt, from 1; nil: 200
}

func newEar(t *testing.T) *ear {
	e := &ear{}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	e.url = server.URL + "/hook"
	return e
}

func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bodies, e.heads = append(e.bodies, b), append(e.heads, r.Header)
	if e.answer != nil {
		status := e.answer(len(e.bodies))
		w.Header().Set("Location", "/hook") // whoever followed it would come again
		w.WriteHeader(status)
	}
}

// codes are the webhook codes that were heard, in their order.
func (e *ear) codes(t *testing.T) (all []string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range e.bodies {
		w, err := plaid.ParseWebhook(b)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w.Type+"/"+w.Code)
	}
	return all
}

func distinct(all []string) int {
	all = slices.Clone(all)
	slices.Sort(all)
	return len(slices.Compact(all))
}
