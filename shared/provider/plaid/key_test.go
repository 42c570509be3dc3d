package plaid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestRecordedKey(t *testing.T) {
	c, _, _ := scripted(t, ok(string(fixture(t, "resp_webhook_verification_key_get.json"))))
	key, err := c.WebhookKey(t.Context(), kidA)
	if err != nil || key.ID != kidA || key.Expired || key.Public.Curve != elliptic.P256() {
		t.Fatalf("%+v, %v", key, err)
	}
	point, err := key.Public.Bytes()
	const x, y = "hKXLGIjWvCBv-cP5euCTxl8g9GLG9zHo_3pO5NN1DwQ", "shhexqPB7YffGn6fR6h2UhTSuCtPmfzQJ6ENVIoO4Ys"
	encode := base64.RawURLEncoding.EncodeToString
	if err != nil || encode(point[1:33]) != x || encode(point[33:]) != y {
		t.Errorf("%x, %v", point, err)
	}
}

// TestKeys: what is a key, and what is refused. A refused one says nothing about any webhook.
func TestKeys(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	x, y := encode(point[1:33]), encode(point[33:])
	jwk := func(x, y, expired string) string {
		return fmt.Sprintf(`{"alg":"ES256","crv":"P-256","kty":"EC","use":"sig","kid":%q,"x":%q,"y":%q,"created_at":1560466150%s}`, kidA, x, y, expired)
	}
	odd := func(name, value string) string {
		return jwk(x, y, fmt.Sprintf(`,%q:%s`, name, value)) // of two members the last counts
	}
	for _, tt := range []struct {
		name, key     string
		good, expired bool
	}{
		{"in use", jwk(x, y, `,"expired_at":null`), true, false},
		{"in use, not said", jwk(x, y, ""), true, false},
		{"withdrawn", jwk(x, y, `,"expired_at":1560466160`), true, true},
		{"withdrawn, at zero", jwk(x, y, `,"expired_at":0`), true, true},
		{"off the curve", jwk(x, encode(make([]byte, 32)), ""), false, false},
		{"the point at nowhere", jwk(encode(make([]byte, 32)), encode(make([]byte, 32)), ""), false, false},
		{"too short", jwk(encode(point[1:32]), y, ""), false, false},
		{"too long", jwk(encode(append([]byte{0}, point[1:33]...)), y, ""), false, false},
		{"the border moved", jwk(encode(point[1:32]), encode(point[32:]), ""), false, false},
		{"with padding", jwk(x+"=", y, ""), false, false},
		{"no point", jwk("", "", ""), false, false},
		{"another key", odd("kid", `"`+kidB+`"`), false, false},
		{"another curve", odd("crv", `"P-384"`), false, false},
		{"another type", odd("kty", `"RSA"`), false, false},
		{"another algorithm", odd("alg", `"ES384"`), false, false},
		{"for secrets", odd("use", `"enc"`), false, false},
		{"none", `null`, false, false},
		{"a text", `"key"`, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := scripted(t, ok(`{"key":`+tt.key+`,"request_id":"1"}`))
			c.opts.Retry.MaxRetries = 0
			key, err := c.WebhookKey(t.Context(), kidA)
			switch {
			case tt.good && (err != nil || key.Expired != tt.expired || !key.Public.Equal(&private.PublicKey)):
				t.Errorf("%+v, %v", key, err)
			case !tt.good && (!fault.Is(err, fault.Unavailable) || key.Public != nil):
				t.Errorf("%+v, %v", key, err)
			}
		})
	}
	c, s, _ := scripted(t, ok(`{"key":`+odd("kid", `"`+kidB+`"`)+`,"request_id":"1"}`))
	if _, err := c.WebhookKey(t.Context(), kidA); !fault.Is(err, fault.Unavailable) || len(s.seen) != 1 {
		t.Errorf("another key: %v after %d calls, want one", err, len(s.seen))
	}
	c, _, _ = scripted(t, reply{status: 400, body: said("INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID")})
	if _, err := c.WebhookKey(t.Context(), kidA); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}
