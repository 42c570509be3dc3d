package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
)

const markerBankSecret = "marker-bank-secret"

// fakePlaid is the part of Plaid that connecting needs. A person's deeds at the bank are its methods.
type fakePlaid struct {
	*httptest.Server
	heard *heard

	mu      sync.Mutex
	made    int
	links   map[string]*fakeLink // by link token
	items   map[string]*fakeItem // by access token
	refuse  map[string]string    // error codes by path
	calls   []string             // paths, in order
	leaving func(path string)    // called when an answer is on its way
}

// fakeLink is a link token and what was done with it.
type fakeLink struct {
	asked   map[string]any // the request
	session string         // of /link/token/get; empty: none yet
	public  string
	used    bool
}

type fakeItem struct {
	ID, Webhook, Trouble string
	Removed              bool
}

func newFakePlaid(t *testing.T, h *heard) *fakePlaid {
	f := &fakePlaid{heard: h, links: map[string]*fakeLink{}, items: map[string]*fakeItem{}, refuse: map[string]string{}, leaving: func(string) {}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakePlaid) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var body map[string]any
	err := json.NewDecoder(r.Body).Decode(&body)
	code, answer := "INVALID_API_KEYS", any(nil)
	if err == nil && r.Header.Get("Plaid-Secret") == markerBankSecret && r.Header.Get("Plaid-Client-Id") == "bank-client" {
		f.calls = append(f.calls, r.URL.Path)
		if code = f.refuse[r.URL.Path]; code == "" {
			answer, code = f.answer(r.URL.Path, body)
		}
	}
	f.leaving(r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	if code != "" {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"error_type": "ITEM_ERROR", "error_code": code, "error_message": "marker-body", "display_message": nil, "request_id": "r1"}
	}
	json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client tells
}

func (f *fakePlaid) answer(path string, body map[string]any) (answer any, code string) {
	text := func(name string) string { s, _ := body[name].(string); return s }
	item := f.items[text("access_token")]
	if body["access_token"] != nil && (item == nil || item.Removed) {
		return nil, "INVALID_ACCESS_TOKEN"
	}
	switch path {
	case "/link/token/create":
		token := f.secret("link")
		f.links[token] = &fakeLink{asked: body}
		return map[string]any{"link_token": token, "expiration": "2126-01-01T00:00:00Z", "hosted_link_url": f.URL + "/hosted/" + fmt.Sprint(f.made)}, ""
	case "/link/token/get":
		link := f.links[text("link_token")]
		if link == nil {
			return nil, "INVALID_LINK_TOKEN"
		}
		return map[string]any{"link_token": text("link_token"), "link_sessions": json.RawMessage("[" + link.session + "]")}, ""
	case "/item/public_token/exchange":
		return f.exchange(text("public_token"))
	case "/item/get":
		return map[string]any{"item": json.RawMessage(item.json()), "status": nil}, ""
	case "/item/remove":
		item.Removed = true
		return map[string]any{"request_id": "r1"}, ""
	case "/item/webhook/update":
		item.Webhook = text("webhook")
		return map[string]any{"item": json.RawMessage(item.json())}, ""
	}
	return nil, "NOT_FOUND"
}

func (f *fakePlaid) exchange(public string) (answer any, code string) {
	for _, link := range f.links {
		if link.public != public || public == "" || link.used {
			continue
		}
		link.used = true
		access := f.secret("access")
		hook, _ := link.asked["webhook"].(string)
		f.items[access] = &fakeItem{ID: fmt.Sprintf("item-%d", len(f.items)+1), Webhook: hook}
		return map[string]any{"access_token": access, "item_id": f.items[access].ID}, ""
	}
	return nil, "INVALID_PUBLIC_TOKEN"
}

func (i *fakeItem) json() string {
	trouble := "null"
	if i.Trouble != "" {
		trouble = fmt.Sprintf(`{"error_type":"ITEM_ERROR","error_code":%q,"error_message":"marker-body","display_message":null}`, i.Trouble)
	}
	return fmt.Sprintf(`{"item_id":%q,"institution_id":"ins_1","webhook":%q,"error":%s}`, i.ID, i.Webhook, trouble)
}

// secret makes one that an eavesdropper would like to have.
func (f *fakePlaid) secret(kind string) string {
	f.made++
	s := fmt.Sprintf("%s-sandbox-marker%04d", kind, f.made)
	f.heard.keep(s)
	return s
}

// new makes an Item and returns its token.
func (f *fakePlaid) new(id string) (access string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	access = f.secret("access")
	f.items[access] = &fakeItem{ID: id}
	return access
}

// link returns the newest link token.
func (f *fakePlaid) link() *fakeLink {
	return f.links[fmt.Sprintf("link-sandbox-marker%04d", f.made)]
}

// approve is a person who signs in at a bank whose accounts are these, each as "name mask".
func (f *fakePlaid) approve(link *fakeLink, bank string, accounts ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if link.asked["access_token"] != nil { // update mode adds nothing
		link.session = `{"started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:01:00Z","events":[{"event_name":"HANDOFF"}]}`
		return
	}
	link.public = f.secret("public")
	var list []string
	for i, a := range accounts {
		name, mask, _ := strings.Cut(a, " ")
		list = append(list, fmt.Sprintf(`{"id":"a%d","name":%q,"mask":%q,"type":"depository","subtype":"checking"}`, i, name, mask))
	}
	link.session = fmt.Sprintf(`{"started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:01:00Z","results":{"item_add_results":[
{"public_token":%q,"institution":{"institution_id":"ins_1","name":%q},"accounts":[%s]}]}}`, link.public, bank, strings.Join(list, ","))
}

// leave is a person who closes the page, because of an error if there is a code.
func (f *fakePlaid) leave(link *fakeLink, code string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	link.session = `{"started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:01:00Z"}`
	if code != "" {
		link.session = fmt.Sprintf(`{"started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:01:00Z","exit":{"error":{"error_type":"ITEM_ERROR","error_code":%q,"error_message":"marker-body"}}}`, code)
	}
}

// item returns the Item of that id.
func (f *fakePlaid) item(id string) *fakeItem {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.items {
		if i.ID == id {
			return i
		}
	}
	return nil
}

// count returns how often a path was called.
func (f *fakePlaid) count(path string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == path {
			n++
		}
	}
	return n
}

var _ plaid.Tokens = fixed("") // a token that is tried once serves both clients
