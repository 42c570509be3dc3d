package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/config"
)

// The receivers are deployed before their providers have told what they are to be checked with. What
// a provider sends then is sent again; strangers who look around raise no alarm.
func TestWebhooksBeforeTheirKeys(t *testing.T) {
	p := newPlace(t, "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN="+config.Unset, "PLAID_CLIENT_ID="+config.Unset, "PLAID_SECRET="+config.Unset)
	for _, tt := range []struct {
		name         string
		give         Function
		method, path string
		want, told   int // the status, and how many lines tell of it
	}{
		{"quickbooks sends", QuickBooksWebhook, http.MethodPost, "/", http.StatusServiceUnavailable, 1},
		{"somebody looks", QuickBooksWebhook, http.MethodGet, "/", http.StatusMethodNotAllowed, 0},
		{"somebody looks around", QuickBooksWebhook, http.MethodPost, "/admin", http.StatusNotFound, 0},
		{"without a Plaid app", PlaidWebhook, http.MethodPost, "/", http.StatusNotFound, 0},
	} {
		h, end, err := tt.give.Build(t.Context(), p.vars, p.log())
		if err != nil {
			t.Fatal(err)
		}
		before := len(p.told("webhooks_not_set_up"))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(`{}`)))
		if told := len(p.told("webhooks_not_set_up")) - before; w.Code != tt.want || told != tt.told {
			t.Errorf("%s: status %d and %d lines, want %d and %d", tt.name, w.Code, told, tt.want, tt.told)
		}
		end(t.Context()) //nolint:errcheck // the test is over
	}
	for _, l := range p.told("webhooks_not_set_up") {
		if l["level"] != "WARN" || l["provider"] != "quickbooks" || l["reason"] != "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN is not set" {
			t.Errorf("it tells %v", l)
		}
	}
	if strings.Contains(p.logs.String(), `"level":"ERROR"`) {
		t.Errorf("somebody is woken:\n%s", p.logs)
	}
}

func TestLineBreaksInKeys(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 40)
	for _, tt := range []struct {
		name string
		load func() error
	}{
		{"CONNECT_SIGNING_KEY", func() error {
			_, err := config.Load[LinkConfig]([]string{"PUBLIC_URL=https://books.example.com", "CONNECT_SIGNING_KEY=" + key + "\n"})
			return err
		}},
		{"QUICKBOOKS_CLIENT_SECRET", func() error {
			_, err := config.Load[QuickBooksConfig]([]string{"QUICKBOOKS_CLIENT_ID=x", "QUICKBOOKS_CLIENT_SECRET=" + key + "\n"})
			return err
		}},
		{"PLAID_SECRET", func() error {
			_, err := config.Load[PlaidConfig]([]string{"PLAID_CLIENT_ID=x", "PLAID_SECRET=" + key + "\n"})
			return err
		}},
	} {
		if err := tt.load(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.name+": white space") || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
