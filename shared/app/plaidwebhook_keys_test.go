package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestNewInstanceInAFlood: a new instance takes Plaid's webhooks though strangers use up all its look-ups, because another
// one has had the key confirmed.
func TestNewInstanceInAFlood(t *testing.T) {
	p, h, _ := newPlaidWebhooks(t)
	body := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1")
	if w := deliverSigned(h, body, newJot(body).signed()); w.Code != http.StatusOK {
		t.Fatalf("status %d, %s", w.Code, w.Body)
	}
	fresh, end, err := PlaidWebhook.Build(t.Context(), p.vars, p.log())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(context.Background()) }) //nolint:errcheck // the test is over
	later := 0
	for n := range 40 {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"ES256","kid":"%08x-0000-0000-0000-000000000000"}`, n))
		if w := deliverSigned(fresh, body, header+".e30.AA"); w.Code == http.StatusServiceUnavailable {
			later++
		}
	}
	if w := deliverSigned(fresh, body, newJot(body).signed()); w.Code != http.StatusOK || later == 0 {
		t.Errorf("status %d, %s; %d forged ones put off", w.Code, w.Body, later)
	}
	if log := p.logs.String(); strings.Count(log, `"event":"webhook_keys_flood"`) != 1 || strings.Contains(log, `"event":"webhook_failed"`) {
		t.Errorf("log %s", log)
	}
	if n := p.count(`SELECT count(*) FROM sync.webhook_keys WHERE provider = 'plaid sandbox' AND NOT expired`); n != 1 {
		t.Errorf("%d keys kept", n)
	}
}
