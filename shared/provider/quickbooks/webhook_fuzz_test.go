package quickbooks

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// FuzzParseWebhook: whatever a signed body holds, it is refused as a whole without being quoted, or
// each of its events is one that can be recorded.
func FuzzParseWebhook(f *testing.F) {
	recordings(f, "webhook_*.json", func(body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		var events []WebhookEvent
		var err error
		wantMemory(t, webhookMemory(body), func() { events, err = ParseWebhook(body) })
		if err != nil {
			if !fault.Is(err, fault.Invalid) || events != nil {
				t.Errorf("%d events, %v", len(events), err)
			}
			return
		}
		if len(events) > MaxWebhookEvents {
			t.Errorf("%d events", len(events))
		}
		rest := body
		for _, e := range events {
			at := bytes.Index(rest, e.Raw)
			if at < 0 || !json.Valid(e.Raw) {
				t.Fatalf("raw %q is not the next piece of the body", e.Raw)
			}
			rest = rest[at+len(e.Raw):]
			wantRecordable(t, e)
		}
		again, err := ParseWebhook(append([]byte("\n"), body...))
		if diff := cmp.Diff(events, again); err == nil && diff != "" {
			t.Errorf("the same body, read again (-first +second):\n%s", diff)
		}
	})
}

// wantRecordable checks what every event promises.
func wantRecordable(t *testing.T, e WebhookEvent) {
	t.Helper()
	if !printable(e.Key, maxKey) {
		t.Errorf("key %q", e.Key)
	}
	if e.Problem == "" && (e.Realm == "" || e.ID == "" || e.Kind == "") {
		t.Errorf("%+v has no problem", e)
	}
	for _, name := range []string{e.Realm, e.ID, e.Kind, e.Loser, e.Operation} {
		if name != "" && !printable(name, maxKey) {
			t.Errorf("%q in %+v", name, e)
		}
	}
	if e.Entity != "" && entities()[lower(e.Entity)] != e.Entity {
		t.Errorf("no catalog has %q", e.Entity)
	}
}

// webhookMemory is how many bytes reading a body may make: in proportion to the body, and for each
// element that is looked at.
func webhookMemory(body []byte) int {
	return 16<<10 + 12*len(body) + 2<<10*min(len(body)/2, MaxWebhookEvents+1)
}

// TestWebhooksMemory: what fuzzing does not reach, large bodies.
func TestWebhooksMemory(t *testing.T) {
	const size = MaxWebhook - 100
	many := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	for name, body := range map[string]string{
		"many elements":        "[" + many("0,") + "0]",
		"many events":          "[" + many(`{"id":"1","type":"qbo.item.updated.v1","intuitentityid":"1","intuitaccountid":"1","data":{}},`) + "0]",
		"many companies":       `{"eventNotifications":[` + many("{},") + "0]}",
		"many changes":         legacy(many(`{"name":"Item","id":"1","operation":"Update"},`) + "0"),
		"one giant event":      `[{"id":"` + many("x") + `"}]`,
		"one giant type":       `[{"id":"1","type":"qbo.` + many(".") + `"}]`,
		"a giant nobody needs": `{"x":"` + many("x") + `","eventNotifications":[]}`,
		"a deep one":           many("["),
	} {
		t.Run(name, func(t *testing.T) {
			wantMemory(t, webhookMemory([]byte(body)), func() {
				ParseWebhook([]byte(body))
			})
		})
	}
}
