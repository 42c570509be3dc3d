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
// comes then is sent again, and somebody is told.
func TestWebhooksBeforeTheirKeys(t *testing.T) {
	p := newPlace(t, "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN="+config.Unset, "PLAID_SECRET="+config.Unset)
	for name, f := range map[string]Function{"quickbooks": QuickBooksWebhook, "plaid": PlaidWebhook} {
		h, end, err := f.Build(t.Context(), p.vars, p.log())
		if err != nil {
			t.Fatal(err)
		}
		defer end(t.Context()) //nolint:errcheck // the test is over
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{}`)))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d, want it to be sent again", name, w.Code)
		}
		if got := p.logs.String(); !strings.Contains(got, `"event":"webhook_failed","provider":"`+name) {
			t.Errorf("%s: nobody is told:\n%s", name, got)
		}
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
