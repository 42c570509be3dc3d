package app

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

const invoiceChanged = `[{"specversion":"1.0","id":"a","type":"qbo.invoice.updated.v1","time":"2025-12-04T15:25:05Z","intuitentityid":"8","intuitaccountid":"` + onpointRealm + `"}]`

// signed is the header of a body that Intuit sends.
func signed(body string) string { return signature(markerVerifier, []byte(body)) }

// TestStoppedWhileAWebhookComesIn: what was answered by 2xx is recorded, what is recorded is read, and
// what was answered otherwise comes again.
func TestStoppedWhileAWebhookComesIn(t *testing.T) {
	const folder = "functions/quickbookswebhook"
	books := func(t *testing.T) *whole {
		t.Helper()
		w := newWhole(t, qbosim.Config{NoLimits: true})
		w.attach("onpoint", onpointRealm)
		w.sync("onpoint")
		w.vars = append(w.vars, "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN="+markerVerifier)
		return w
	}
	// read lets the next tick of the schedule come, to another process.
	read := func(w *whole) {
		w.Helper()
		if n := w.count(`SELECT count(*) FROM sync.notices WHERE object_id = '8'`); n != 1 {
			w.Errorf("%d notices, want one", n)
		}
		if status := w.push(w.syncOrg, org.Tick{Org: "onpoint", Reason: org.Schedule}); status != http.StatusNoContent {
			w.Errorf("the next tick: status %d", status)
		}
		if n := w.count(`SELECT count(*) FROM sync.notices WHERE settled_at IS NULL`); n != 0 {
			w.Errorf("%d notices were not read by the next tick", n)
		}
	}

	t.Run("its body is half there, and the rest comes", func(t *testing.T) {
		w := books(t)
		p := w.serve(folder)
		conn := p.half(t)
		p.term()
		p.stopping()
		fmt.Fprint(conn, invoiceChanged[20:])
		if status := conn.status(t); status != http.StatusOK {
			t.Errorf("status %d, want 200", status)
		}
		p.ends(0)
		read(w)
	})
	t.Run("its body is half there, and the rest never comes", func(t *testing.T) {
		w := books(t)
		p := w.serve(folder)
		conn := p.half(t)
		p.term()
		if status := conn.status(t); status/100 == 2 {
			t.Errorf("status %d: it would not come again", status)
		}
		p.ends(0)
		again := w.serve(folder)
		if a := <-again.asks(again.post(invoiceChanged, "intuit-signature", signed(invoiceChanged))); a.status != http.StatusOK {
			t.Errorf("when it comes again: %+v", a)
		}
		read(w)
	})
	t.Run("it is being recorded", func(t *testing.T) {
		w := books(t)
		p := w.serve(folder)
		waited, release := w.locked("sync.notices")
		answer := p.asks(p.post(invoiceChanged, "intuit-signature", signed(invoiceChanged)))
		waited()
		p.term()
		p.stopping()
		release()
		if a := <-answer; a.status != http.StatusOK {
			t.Errorf("answered %+v, want 200", a)
		}
		p.ends(0)
		read(w)
	})
	t.Run("it is recorded, and Pub/Sub takes no tick", func(t *testing.T) {
		w := books(t)
		way := newValve(t, w.pubsub.Addr)
		p := w.serve(folder, "PUBSUB_EMULATOR_HOST="+way.Addr().String())
		way.shut()
		answer := p.asks(p.post(invoiceChanged, "intuit-signature", signed(invoiceChanged)))
		w.until("the notice", func() bool { return w.count(`SELECT count(*) FROM sync.notices`) == 1 })
		p.term()
		if a := <-answer; a.status != http.StatusOK {
			t.Errorf("answered %+v, want 200: it is recorded", a)
		}
		p.ends(0)
		read(w)
	})
}

// half is a connection on which half a webhook has been sent, and whose handler is reading.
type half struct {
	net.Conn
	in *bufio.Reader
}

func (r *process) half(t *testing.T) half {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nintuit-signature: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", signed(invoiceChanged), len(invoiceChanged))
	h := half{conn, bufio.NewReader(conn)}
	if status := h.status(t); status != http.StatusContinue { // which is said when the handler begins to read
		t.Fatalf("status %d, want 100", status)
	}
	fmt.Fprint(conn, invoiceChanged[:20])
	return h
}

// status reads one answer; 0 when none comes any more.
func (h half) status(t *testing.T) (status int) {
	t.Helper()
	line, err := h.in.ReadString('\n')
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &status); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	for line != "\r\n" && err == nil {
		line, err = h.in.ReadString('\n')
	}
	return status
}

// TestStoppedWhileABankTells: the signature's key is being looked up at Plaid.
func TestStoppedWhileABankTells(t *testing.T) {
	keys, asked, free := newPlaidKeys(), make(chan struct{}), make(chan struct{})
	met := sync.OnceFunc(func() { close(asked) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		met()
		<-free
		keys.ServeHTTP(w, r)
	}))
	p := newPlace(t, "PLAID_CLIENT_ID=client", "PLAID_SECRET="+markerPlaidSecret, "PLAID_API_URL="+server.URL)
	t.Cleanup(server.Close)
	p.store.Connect(t, "onpoint", "plaid", "item-1")
	r := p.serve("functions/plaidwebhook")
	body := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1", `"initial_update_complete": true`)
	answer := r.asks(r.post(body, "plaid-verification", newJot(body).signed()))
	<-asked
	r.term()
	r.stopping()
	close(free)
	if a := <-answer; a.status != http.StatusOK {
		t.Errorf("answered %+v, want 200", a)
	}
	r.ends(0)
	if got := p.notices(); len(got) != 1 || got[0].Outcome != "open" || len(p.asked()) != 1 {
		t.Errorf("notices %v, ticks %v; want one of each", got, p.asked())
	}
}

// TestStoppedDuringARun: QuickBooks does not answer. The run ends there, and what is left of it goes on
// with another tick.
func TestStoppedDuringARun(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	c := w.attach("onpoint", onpointRealm)
	p := w.serve("functions/syncorg")
	met, release := w.held(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/query") })
	tick := `{"subscription":"s","message":{"messageId":"1","attributes":{"org":"onpoint","reason":"schedule"}}}`
	answer := p.asks(p.post(tick))
	<-met
	p.term()
	if a := <-answer; a.status != http.StatusNoContent {
		t.Errorf("answered %+v, want 204", a)
	}
	p.ends(0)
	release()
	if left := w.ticks(); len(left) != 1 || left[0].Connection != c.ID {
		t.Fatalf("ticks %v, want one for the rest", left)
	}
	w.follow(w.syncOrg)
	if got, want := w.invoices(), w.sim.Company(onpointRealm).Count("Invoice"); got != want {
		t.Errorf("%d invoices, want %d", got, want)
	}
}

// TestStoppedDuringACallback: the code has been exchanged, and the token is not stored yet.
func TestStoppedDuringACallback(t *testing.T) {
	connected := func(w *whole, a answered) {
		w.Helper()
		if a.status != http.StatusSeeOther || !strings.Contains(a.location, "/connect/quickbooks/result") {
			w.Errorf("the callback is answered %+v", a)
		}
		if state, reason := w.state(); state != org.Active {
			w.Errorf("the connection is %s: %s", state, reason)
		}
		if status := w.push(w.syncOrg, org.Tick{Org: "onpoint", Connection: 1, Reason: org.Manual}); status != http.StatusNoContent || w.invoices() == 0 {
			w.Errorf("the first sync: status %d, %d invoices", status, w.invoices())
		}
	}
	t.Run("QuickBooks is slow", func(t *testing.T) {
		w := newWhole(t, qbosim.Config{NoLimits: true})
		p := w.serve("functions/connect")
		met, release := w.held(isToken)
		answer := p.asks(w.callback(p))
		<-met
		p.term()
		p.stopping()
		release()
		a := <-answer
		p.ends(0)
		connected(w, a)
	})
	t.Run("Secret Manager does not answer", func(t *testing.T) {
		w := newWhole(t, qbosim.Config{NoLimits: true})
		way := newValve(t, w.secrets.Addr())
		p := w.serve("functions/connect", "SECRET_MANAGER_EMULATOR_HOST="+way.Addr().String())
		way.shut()
		met, release := w.held(isToken)
		answer := p.asks(w.callback(p))
		<-met
		p.term()
		p.stopping()
		release()
		a := <-answer
		p.ends(0)
		connected(w, a)
	})
	t.Run("QuickBooks does not answer any more", func(t *testing.T) {
		w := newWhole(t, qbosim.Config{NoLimits: true})
		p := w.serve("functions/connect")
		met, release := w.held(isToken)
		answer := p.asks(w.callback(p))
		<-met
		p.term()
		<-answer
		p.ends(0)
		release()
		if _, err := w.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET lease_until = now() - interval '1 second'`); err != nil { // two minutes later
			t.Fatal(err)
		}
		if status, page := w.connect(w.link(), onpointRealm, "connect"); status != http.StatusOK || !strings.Contains(page, "QuickBooks is connected") {
			t.Errorf("the link, opened again: %d %s", status, page)
		}
		w.tick()
		if w.invoices() == 0 {
			t.Error("nothing was read")
		}
	})
}

// callback is the request with which a person comes back from QuickBooks: to this process.
func (w *whole) callback(p *process) *http.Request {
	w.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	b := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/callback") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	res, err := b.Get(w.link())
	if err != nil {
		w.Fatal(err)
	}
	res.Body.Close()
	form := res.Request.URL.Query()
	w.heard.keep(form.Get("state"))
	form.Set("realm", onpointRealm)
	form.Set("decision", "connect")
	if res, err = b.PostForm(w.intuit.URL+"/connect/oauth2", form); err != nil {
		w.Fatal(err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil {
		w.Fatal(err)
	}
	w.heard.keep(back.Query().Get("code"))
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, p.url+back.RequestURI(), nil)
	if err != nil {
		w.Fatal(err)
	}
	for _, c := range jar.Cookies(&url.URL{Scheme: "http", Host: back.Host, Path: back.Path}) {
		req.AddCookie(c)
	}
	return req
}

// TestStoppedDuringDispatch: the window has not ended. Who has no tick yet gets one from the next call.
func TestStoppedDuringDispatch(t *testing.T) {
	const fleet = 5
	p := newPlace(t)
	for i := range fleet {
		p.store.Connect(t, "onpoint", quickbooks.Provider, fmt.Sprint(i))
	}
	for _, enough := range []int{1, fleet} { // a tick a second: the fleet is small
		r := p.serve("functions/dispatch")
		answer := r.asks(r.post(""))
		p.until("ticks", func() bool { return len(p.pubsub.Messages()) >= enough })
		r.term()
		if a := <-answer; a.status != http.StatusNoContent {
			t.Errorf("answered %+v, want 204", a)
		}
		r.ends(0)
	}
	got := map[org.ConnectionID]int{}
	for _, id := range p.sent() {
		got[id]++
	}
	if len(got) != fleet || len(p.sent()) != fleet {
		t.Errorf("ticks %v, want one for each of %d connections", got, fleet)
	}
}

// TestStoppedDuringAWatch: the look that is under way is finished.
func TestStoppedDuringAWatch(t *testing.T) {
	p := newPlace(t)
	p.store.Connect(t, "onpoint", quickbooks.Provider, "1")
	r := p.serve("functions/watch")
	waited, release := p.locked("sync.connections")
	answer := r.asks(r.post(""))
	waited()
	r.term()
	r.stopping()
	release()
	if a := <-answer; a.status != http.StatusNoContent {
		t.Errorf("answered %+v, want 204", a)
	}
	r.ends(0)
	if !strings.Contains(r.said.String(), `"event":"watch"`) {
		t.Errorf("it tells nothing:\n%s", r.said)
	}
}
