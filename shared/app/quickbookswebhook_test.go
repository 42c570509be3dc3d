package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

const (
	markerVerifier = "marker-verifier-token"
	nextVerifier   = "marker-next-verifier-token"
)

// newWebhooks is the function in a place where organisations have companies 1 and 2.
func newWebhooks(t *testing.T, vars ...string) (*place, ready) {
	t.Helper()
	p := newPlace(t, append([]string{"QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN=" + markerVerifier + ", " + nextVerifier}, vars...)...)
	h, end, err := QuickBooksWebhook.Build(t.Context(), p.vars, p.log())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(context.Background()) })
	t.Cleanup(func() {
		if strings.Contains(p.logs.String(), "marker-") {
			t.Error("a token stands in the log")
		}
	})
	p.store.Connect(t, "onpoint", "quickbooks", "1")
	p.store.Connect(t, "powergen", "quickbooks", "2")
	return p, h.(ready)
}

func signature(token string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// deliver sends a body as Intuit does.
func deliver(h http.Handler, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("intuit-signature", signature(token, []byte(body)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// notice is what the database has of an event.
type notice struct{ Account, Stream, Object, Change, Loser, Outcome string }

func (p *place) notices() (all []notice) {
	p.Helper()
	rows, err := p.store.Pool.Query(p.Context(), `SELECT account, stream, object_id, change, coalesce(loser_id, ''), coalesce(outcome, 'open')
FROM sync.notices ORDER BY account, stream, object_id, change`)
	if err != nil {
		p.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n notice
		if err := rows.Scan(&n.Account, &n.Stream, &n.Object, &n.Change, &n.Loser, &n.Outcome); err != nil {
			p.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// asked returns the ticks, in a fixed order.
func (p *place) asked() []org.Tick {
	p.Helper()
	ticks := p.ticks()
	slices.SortFunc(ticks, func(a, b org.Tick) int { return cmp.Compare(a.Connection, b.Connection) })
	return ticks
}

const (
	cloudDelivery = `[{"specversion":"1.0","id":"a","type":"qbo.customer.merged.v1","time":"2025-12-04T15:25:05Z","intuitentityid":"7","intuitaccountid":"1","data":{"deletedid":"27"}},
{"specversion":"1.0","id":"b","type":"qbo.invoice.void.v1","time":"2025-12-04T15:25:05.123456789Z","intuitentityid":"8","intuitaccountid":"1"},
{"specversion":"1.0","id":"c","type":"qbo.payment.created.v1","intuitentityid":"9","intuitaccountid":"2"},
{"specversion":"1.0","id":"d","type":"qbo.item.updated.v1","intuitentityid":"9","intuitaccountid":"404"},
{"specversion":"1.0","id":"e","type":"qbo.payrollemployee.updated.v1","intuitentityid":"9","intuitaccountid":"2"}, 7]`
	legacyDelivery = `{"eventNotifications":[{"realmId":"2","dataChangeEvent":{"entities":[{"name":"Bill","id":"5","operation":"Delete","lastUpdated":"2015-10-05T14:42:19-0700"},
{"name":"Vendor","id":"6","operation":"Update","lastUpdated":"2015-10-05T14:42:19-0700"}]}}]}`
)

// TestWebhookFromTheWireToTheRecord: every event of every company is kept, and each company that
// there is something to read of is ticked once.
func TestWebhookFromTheWireToTheRecord(t *testing.T) {
	p, h := newWebhooks(t)
	for _, tt := range []struct {
		token, body, words string
		ticks              []org.Tick
	}{
		{markerVerifier, cloudDelivery, "recorded", []org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Webhook}, {Org: "powergen", Connection: 2, Reason: org.Webhook}}},
		{nextVerifier, legacyDelivery, "recorded", []org.Tick{{Org: "powergen", Connection: 2, Reason: org.Webhook}}},
		{markerVerifier, "[]", "recorded", nil},
	} {
		p.pubsub.ClearMessages()
		w := deliver(h, tt.token, tt.body)
		if w.Code != 200 || strings.TrimSpace(w.Body.String()) != tt.words {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
		if diff := gocmp.Diff(tt.ticks, p.asked()); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
	}
	want := []notice{
		{"", "", "", "updated", "", "malformed"},
		{"1", "Customer", "7", "merged", "27", "open"},
		{"1", "Invoice", "8", "voided", "", "open"},
		{"2", "", "9", "updated", "", "unknown kind"},
		{"2", "Bill", "5", "deleted", "", "open"},
		{"2", "Payment", "9", "created", "", "open"},
		{"2", "Vendor", "6", "updated", "", "open"},
		{"404", "Item", "9", "updated", "", "unknown company"},
	}
	if diff := gocmp.Diff(want, p.notices()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// TestRecordedDeliveries sends real bodies. They are not part of this repository.
func TestRecordedDeliveries(t *testing.T) {
	dir := os.Getenv("COUNTINGHOUSE_FIXTURES")
	if dir == "" {
		t.Skip("COUNTINGHOUSE_FIXTURES is not set")
	}
	p, h := newWebhooks(t)
	p.store.Connect(t, "onpoint", "quickbooks", "1269959970")
	p.store.Connect(t, "onpoint", "quickbooks", "310687")
	for _, file := range []string{"webhook_legacy_vendor_customer.json", "webhook_cloudevents_class_created.json"} {
		body, err := os.ReadFile(filepath.Join(dir, "quickbooks", file))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time it is seen before
			if w := deliver(h, markerVerifier, string(body)); w.Code != 200 {
				t.Errorf("%s: status %d, %s", file, w.Code, w.Body)
			}
		}
	}
	want := []notice{
		{"1269959970", "Customer", "43", "created", "", "open"},
		{"1269959970", "Vendor", "40", "updated", "", "open"},
		{"310687", "Class", "1234", "created", "", "open"},
	}
	if diff := gocmp.Diff(want, p.notices()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// TestSimulatedWebhooks: what the simulator sends, in both forms and everything twice, is what is kept.
func TestSimulatedWebhooks(t *testing.T) {
	for name, format := range map[string]qbosim.Format{"newer form": qbosim.CloudEvents, "older form": qbosim.Legacy} {
		t.Run(name, func(t *testing.T) {
			p, h := newWebhooks(t)
			server := httptest.NewServer(h)
			t.Cleanup(server.Close)
			sim := qbosim.New(qbosim.Config{DisconnectURL: server.URL + "/disconnect"})
			company := sim.AddCompany(qbosim.CompanySpec{Realm: "1", Name: "OnPoint", Seed: 1, Invoices: 1})
			sim.IssueTokens("1")
			sender := sim.Webhooks(qbosim.WebhookConfig{URL: server.URL + "/", VerifierToken: nextVerifier, Format: format, Faults: qbosim.WebhookFaults{DuplicateEvery: 1}})
			raw, err := company.Create("Customer", `{"DisplayName":"Told Of"}`)
			var made struct{ ID string }
			if err = cmp.Or(err, json.Unmarshal(raw, &made)); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				sender.Deliver(t.Context())
			}
			if diff := gocmp.Diff([]notice{{"1", "Customer", made.ID, "created", "", "open"}}, p.notices()); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}
			if stats := sender.Stats(); stats.Failures != 0 || stats.Delivered < 2 || stats.Waiting != 0 {
				t.Errorf("the sender says %+v", stats)
			}

			p.pubsub.ClearMessages()
			if _, err := p.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET next_sync_at = now() + interval '3 hours'`); err != nil {
				t.Fatal(err)
			}
			company.Disconnect()
			if diff := gocmp.Diff([]org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Schedule}}, p.asked()); diff != "" {
				t.Errorf("ticks after the disconnect (-want +got):\n%s", diff)
			}
		})
	}
}

// TestForgedWebhooks: nothing of them is kept, and nobody is woken up.
func TestForgedWebhooks(t *testing.T) {
	p, h := newWebhooks(t)
	good := signature(markerVerifier, []byte(legacyDelivery))
	for _, tt := range []struct {
		name, body string
		signatures []string
	}{
		{"no signature", legacyDelivery, nil},
		{"an empty one", legacyDelivery, []string{""}},
		{"another body's", cloudDelivery, []string{good}},
		{"a changed body", strings.Replace(legacyDelivery, "Bill", "Item", 1), []string{good}},
		{"a body written anew", strings.ReplaceAll(legacyDelivery, "\n", ""), []string{good}},
		{"another token", legacyDelivery, []string{signature("other", []byte(legacyDelivery))}},
		{"the setting as a whole", legacyDelivery, []string{signature(markerVerifier+", "+nextVerifier, []byte(legacyDelivery))}},
		{"an empty token", legacyDelivery, []string{signature("", []byte(legacyDelivery))}},
		{"two headers", legacyDelivery, []string{good, good}},
		{"two in one header", legacyDelivery, []string{good + ", " + good}},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tt.body))
		for _, s := range tt.signatures {
			r.Header.Add("intuit-signature", s)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d, %s", tt.name, w.Code, w.Body)
		}
	}
	if n := p.count(`SELECT (SELECT count(*) FROM sync.notices) + (SELECT count(*) FROM sync.rejected_messages)`); n != 0 || len(p.ticks()) != 0 {
		t.Errorf("%d rows, ticks %v", n, p.ticks())
	}
	if n := strings.Count(p.logs.String(), `"event":"webhook_refused"`); n != 10 {
		t.Errorf("the log tells of %d", n)
	}
}

// TestSignedGarbage: it is kept, and answered so that what comes behind it is not held back.
func TestSignedGarbage(t *testing.T) {
	p, h := newWebhooks(t)
	for _, body := range []string{"", "{", "<html>", `{"events":[]}`, `"x"`, "\x00\xff"} {
		if w := deliver(h, markerVerifier, body); w.Code != 200 || !strings.HasPrefix(w.Body.String(), "rejected") {
			t.Errorf("%q: status %d, %s", body, w.Code, w.Body)
		}
	}
	if n := p.count(`SELECT count(*) FROM sync.rejected_messages WHERE kind = 'quickbooks webhook' AND reason <> ''`); n != 6 {
		t.Errorf("%d are kept", n)
	}
}

// TestManyDeliveriesAtOnce: the same delivery by many roads at once is kept once, and counted.
func TestManyDeliveriesAtOnce(t *testing.T) {
	p, h := newWebhooks(t)
	const times = 20
	var all sync.WaitGroup
	var status [times]int
	for i := range times {
		all.Go(func() { status[i] = deliver(h, markerVerifier, []string{cloudDelivery, legacyDelivery}[i%2]).Code })
	}
	all.Wait()
	for i, s := range status {
		if s != 200 {
			t.Errorf("delivery %d: status %d", i+1, s)
		}
	}
	if n := p.count(`SELECT count(*) FROM sync.notices WHERE deliveries = $1`, times/2); n != 8 || len(p.notices()) != 8 {
		t.Errorf("%d events are counted right, of %d", n, len(p.notices()))
	}
}

// TestWebhookWithoutQueue: the events are open, so that the next scheduled tick takes them.
func TestWebhookWithoutQueue(t *testing.T) {
	p, h := newWebhooks(t, "SYNC_TOPIC=none")
	if w := deliver(h, markerVerifier, legacyDelivery); w.Code != 200 {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
	if n := p.count(`SELECT count(*) FROM sync.notices WHERE settled_at IS NULL`); n != 2 {
		t.Errorf("%d events are open", n)
	}
	if !strings.Contains(p.logs.String(), `"event":"webhook_tick_failed"`) {
		t.Errorf("log %s", p.logs)
	}
}

// TestWebhookWithoutDatabase: Intuit is asked to come again.
func TestWebhookWithoutDatabase(t *testing.T) {
	p, h := newWebhooks(t, "DATABASE_URL=postgres://127.0.0.1:1/none?connect_timeout=1")
	for _, body := range []string{legacyDelivery, "{"} {
		if w := deliver(h, markerVerifier, body); w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d, %s", w.Code, w.Body)
		}
	}
	if err := h.Ready(t.Context()); err == nil {
		t.Error("it says that it is ready")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/disconnect?realmId=1", nil))
	if w.Code != 200 || !strings.Contains(p.logs.String(), "disconnect call not followed up") {
		t.Errorf("disconnect: status %d, log %s", w.Code, p.logs)
	}
}

func TestOtherAddresses(t *testing.T) {
	_, h := newWebhooks(t)
	for _, tt := range []struct {
		method, path string
		status       int
	}{{"GET", "/", 405}, {"PUT", "/", 405}, {"POST", "/other", 404}, {"POST", "/disconnect", 405}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.status {
			t.Errorf("%s %s: status %d", tt.method, tt.path, w.Code)
		}
	}
	if err := h.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
}

func TestWebhookSettings(t *testing.T) {
	t.Parallel()
	for vars, want := range map[string]string{
		"QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN= ,": "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN: want the token",
	} {
		_, _, err := QuickBooksWebhook.Build(t.Context(), []string{vars, "SYNC_TOPIC=ticks", "GOOGLE_CLOUD_PROJECT=demo", "DATABASE_URL=postgres://127.0.0.1:1/none"}, nil)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", vars, err)
		}
	}
}

// TestDisconnectCall: of many calls for a company that has not been looked at for a while one leads to
// a look; others never do.
func TestDisconnectCall(t *testing.T) {
	p, h := newWebhooks(t)
	p.store.Connect(t, "onpoint", "quickbooks", "3")
	_, err := p.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET next_sync_at = now() + interval '3 hours',
last_swept_at = now() - CASE account WHEN '1' THEN interval '1 hour' ELSE interval '1 minute' END,
state = CASE account WHEN '3' THEN 'needs_reauth' ELSE state END`)
	if err != nil {
		t.Fatal(err)
	}
	pages := sync.Map{}
	var all sync.WaitGroup
	for _, query := range []string{"?realmId=1", "?realmId=2", "?realmId=3", "?realmId=404", "?realmId=" + strings.Repeat("1", 33), "?realmId='", "", "?realmid=1"} {
		for range 5 {
			all.Go(func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/disconnect"+query, nil))
				pages.Store(fmt.Sprint(w.Code, w.Header(), w.Body), true)
			})
		}
	}
	all.Wait()
	if diff := gocmp.Diff([]org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Schedule}}, p.ticks()); diff != "" {
		t.Errorf("ticks (-want +got):\n%s", diff)
	}
	if n := p.count(`SELECT count(*) FROM sync.connections WHERE account = '2' AND next_sync_at = last_swept_at + interval '15 minutes'
OR account = '1' AND next_sync_at <= now() OR account = '3' AND next_sync_at > now() + interval '1 hour'`); n != 3 {
		t.Errorf("%d of 3 companies are due when they should be", n)
	}
	different := 0
	pages.Range(func(any, any) bool { different++; return true })
	if different != 1 {
		t.Errorf("%d different pages", different)
	}
}

// FuzzReceiver: whatever is sent, what is not signed is refused, and what is signed is taken.
func FuzzReceiver(f *testing.F) {
	for _, body := range []string{cloudDelivery, legacyDelivery, "", "[]", "{", `{"eventNotifications":[{}]}`} {
		f.Add([]byte(body), signature(nextVerifier, []byte(body)), false)
		f.Add([]byte(body), "", true)
	}
	f.Fuzz(func(t *testing.T, body []byte, signed string, properly bool) {
		if properly {
			signed = signature(markerVerifier, body)
		}
		k := &keeper{}
		h := quickBooksReceiver([]quickbooks.Secret{markerVerifier, nextVerifier}, k, k, k, slog.New(slog.DiscardHandler))
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header["Intuit-Signature"] = []string{signed}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		good := signed == signature(markerVerifier, body) || signed == signature(nextVerifier, body)
		switch {
		case len(body) > webhook.MaxBody && signed != "":
			if w.Code != 200 || k.kept+k.rejected != 0 {
				t.Errorf("too large: status %d, kept %d, rejected %d", w.Code, k.kept, k.rejected)
			}
		case !good:
			if w.Code != 401 || k.kept+k.rejected != 0 {
				t.Errorf("not signed: status %d, kept %d, rejected %d", w.Code, k.kept, k.rejected)
			}
		case w.Code != 200 || k.kept > 0 && k.rejected > 0:
			t.Errorf("signed: status %d, kept %d, rejected %d", w.Code, k.kept, k.rejected)
		}
		for _, e := range k.events {
			if e.Key == "" || e.Change == "" || len(e.Raw) == 0 || e.Problem == "" && (e.Account == "" || e.Object == "") || e.At.After(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("%+v", e)
			}
		}
	})
}

// keeper keeps everything.
type keeper struct {
	kept, rejected int
	events         []webhook.Event
}

func (k *keeper) Record(_ context.Context, _ org.Provider, events []webhook.Event) (webhook.Recorded, error) {
	k.kept, k.events = k.kept+len(events), events
	return webhook.Recorded{New: len(events), Connections: []org.Connection{{ID: 1, Org: "onpoint"}}}, nil
}

func (k *keeper) Reject(context.Context, string, string, map[string]string, string) error {
	k.rejected++
	return nil
}

func (k *keeper) Tick(context.Context, org.Tick) error { return nil }

// TestChangesInOurWords: every operation of QuickBooks has a word of the engine's.
func TestChangesInOurWords(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]engine.Change{
		quickbooks.OperationCreated: engine.Created, quickbooks.OperationUpdated: engine.Updated, quickbooks.OperationDeleted: engine.Deleted,
		quickbooks.OperationMerged: engine.Merged, quickbooks.OperationVoided: engine.Voided, quickbooks.OperationEmailed: engine.Emailed,
		"": engine.Updated,
	} {
		if got := quickBooksChange(operation); got != want {
			t.Errorf("%q is %q", operation, got)
		}
	}
}
