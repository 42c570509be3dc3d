package plaidsim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// TestKeys: keys rotate and expire, others are not known, and an outage is one.
func TestKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	first := h.sim.SigningKey()
	second := h.sim.RotateKey()
	if first == second || h.sim.SigningKey() != second {
		t.Fatalf("keys %s and %s, %s signs", first, second, h.sim.SigningKey())
	}
	if !h.sim.ExpireKey(first) || h.sim.ExpireKey("00000000-0000-4000-8000-000000000000") {
		t.Error("only keys that there are can expire")
	}
	for kid, expired := range map[string]bool{first: true, second: false} {
		if key, err := h.client.WebhookKey(t.Context(), kid); err != nil || key.ID != kid || key.Expired != expired {
			t.Errorf("%s: %+v, %v", kid, key, err)
		}
	}
	if code, _ := h.key("00000000-0000-4000-8000-000000000000"); code != "INVALID_WEBHOOK_VERIFICATION_KEY_ID" {
		t.Errorf("an unknown key: %s", code)
	}
	h.sim.KeysDown(true)
	if _, err := h.client.WebhookKey(t.Context(), second); fault.Of(err) != fault.Unavailable {
		t.Errorf("while the endpoint is down: %v", err)
	}
	h.sim.KeysDown(false)
	if code, status := h.key(second); code != "" || status != http.StatusOK {
		t.Errorf("after it: %d %s", status, code)
	}
}

func (h *house) key(kid string) (code string, status int) {
	h.Helper()
	status, _, body := h.post("/webhook_verification_key/get", map[string]any{"key_id": kid})
	var said struct {
		Code string `json:"error_code"`
	}
	h.decode(body, &said)
	return said.Code, status
}

// TestRotatedKey: after a rotation webhooks are signed with the new key, and those of an expired one are refused.
func TestRotatedKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t, plaidsim.WebhookConfig{})
	h.deliver()
	h.hook.bodies, h.hook.heads = nil, nil
	old := h.sim.SigningKey()
	for range 2 {
		h.bank.RequireLogin("")
		h.deliver()
		h.sim.RotateKey()
	}
	h.sim.ExpireKey(old)
	verifier := plaid.NewVerifier(h.client.WebhookKey, h.wall.Now)
	for i, genuine := range []bool{false, true} {
		_, err := verifier.Verify(t.Context(), h.hook.bodies[i], h.hook.heads[i].Get(plaid.WebhookSignature))
		if (err == nil) != genuine {
			t.Errorf("webhook %d: %v", i+1, err)
		}
	}
}

// TestKeysAreThoseOfTheSeed: a simulator that is started again has the keys that it had.
func TestKeysAreThoseOfTheSeed(t *testing.T) {
	t.Parallel()
	kid := func(seed uint64) string {
		return plaidsim.New(plaidsim.Config{Seed: seed, Now: func() time.Time { return time.Unix(0, 0) }}).SigningKey()
	}
	if first, again := kid(1), kid(1); first != again || first == kid(2) {
		t.Error("keys do not follow from the seed alone")
	}
}
