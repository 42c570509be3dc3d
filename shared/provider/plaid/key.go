package plaid

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// Key is a public key that Plaid signs webhooks with.
type Key struct {
	ID      string
	Public  *ecdsa.PublicKey // on P-256
	Expired bool             // Plaid doesn't sign with it any more, and nobody is to believe it
	Seen    time.Time        // when Plaid last confirmed it, as a [Verifier] knows; zero: it is to be asked for
}

// WebhookKey returns the key kid.
//
//	POST /webhook_verification_key/get {"key_id":"…"} → {"key":{"alg":"ES256","kty":"EC","crv":"P-256","x":"…","y":"…","kid":"…","expired_at":null,…}}
//
// Errors: fault.NotFound for a key that Plaid does not have in this environment; else see [Client].
// Source: Plaid, Webhook verification; RFC 7517, RFC 7518.
func (c *Client) WebhookKey(ctx context.Context, kid string) (Key, error) {
	var key Key
	err := c.post(ctx, "/webhook_verification_key/get", fields{"key_id": kid}, func(body []byte) error {
		var raw json.RawMessage
		err := read(body, shape{"key": object(&raw)}, "key")
		if err == nil {
			key, err = parseKey(raw, kid)
		}
		return err
	})
	return key, err
}

// JWK writes the key as [ReadKey] reads it, but for Expired and Seen.
func (k Key) JWK() (json.RawMessage, error) {
	point, err := k.Public.Bytes() // 4, x, y
	if err != nil {
		return nil, unreadable("the webhook key is none")
	}
	encode := base64.RawURLEncoding.EncodeToString
	return json.Marshal(map[string]string{
		"kid": k.ID, "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "x": encode(point[1:33]), "y": encode(point[33:]),
	})
}

// ReadKey reads the key kid that [Key.JWK] has written. fault.Unavailable: it is none.
func ReadKey(raw json.RawMessage, kid string) (Key, error) { return parseKey(raw, kid) }

// parseKey reads a JWK and refuses what is no P-256 key for signatures, or not the one called kid.
func parseKey(raw []byte, kid string) (Key, error) {
	var jwk struct {
		ID      loose           `json:"kid"`
		Type    loose           `json:"kty"`
		Curve   loose           `json:"crv"`
		Alg     loose           `json:"alg"`
		Use     loose           `json:"use"`
		X       loose           `json:"x"`
		Y       loose           `json:"y"`
		Expired json.RawMessage `json:"expired_at"`
	}
	if err := json.Unmarshal(raw, &jwk); err != nil {
		return Key{}, malformed()
	}
	if string(jwk.ID) != kid || jwk.Type != "EC" || jwk.Curve != "P-256" || jwk.Alg != "ES256" || jwk.Use != "sig" {
		f := unreadable("Plaid sent another webhook key than was asked for")
		f.final = true
		return Key{}, f
	}
	x, errX := base64.RawURLEncoding.Strict().DecodeString(string(jwk.X))
	y, errY := base64.RawURLEncoding.Strict().DecodeString(string(jwk.Y))
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return Key{}, unreadable("Plaid sent a webhook key that is none")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)) // refuses points off the curve
	if err != nil {
		return Key{}, unreadable("Plaid sent a webhook key that is none")
	}
	return Key{ID: kid, Public: public, Expired: len(jwk.Expired) > 0 && string(jwk.Expired) != "null"}, nil
}
