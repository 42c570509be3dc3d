package plaidsim

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// Tampering is what is wrong with a webhook's signature or body.
type Tampering int

// The ways to tamper. All but OtherEnvironment must be refused by whoever verifies.
const (
	Genuine          Tampering = iota
	StaleIssue                 // issued six minutes ago
	FutureIssue                // issued in six minutes
	AlgNone                    // not signed, and the header says so
	AlgHS256                   // signed with the public key as if it were a shared secret
	AlgES384                   // the header speaks of another curve
	UnknownKey                 // a key that Plaid does not know signs, and is named: another one at each moment
	StolenKeyID                // a key that Plaid does not know signs, and the real one is named
	DERSignature               // the signature is ASN.1, not r‖s
	OtherHash                  // the hash is that of another body
	UpperHash                  // the hash is written in upper case
	ChangedBody                // an id of the body differs from what was signed
	Respaced                   // the body has the same values and no white space
	Unsigned                   // the header is missing
	Garbled                    // the header holds no JWT
	OtherEnvironment           // genuine, and of production
	tamperings
)

// Tamperings gives all the ways, for tests that walk over them.
func Tamperings() []Tampering {
	var all []Tampering
	for t := Genuine + 1; t < tamperings; t++ {
		all = append(all, t)
	}
	return all
}

// String implements fmt.Stringer.
func (t Tampering) String() string {
	return [...]string{"genuine", "stale iat", "future iat", "alg none", "alg HS256", "alg ES384", "unknown kid", "stolen kid", "DER signature",
		"hash of another body", "hash in upper case", "changed body", "respaced body", "unsigned", "garbled", "other environment"}[t]
}

// prepare gives body and token of an attempt.
func (w *Webhooks) prepare(d *delivery) (body []byte, token string) {
	w.mu.Lock()
	how := w.faults.tampers()
	if how != Genuine {
		w.stats.Tampered++
	}
	w.mu.Unlock()
	if how == Genuine && w.cfg.SameToken && d.token != "" {
		return d.Body, d.token
	}
	now := w.now()
	body, token = tampered(how, d.Body, w.server.signingKey(), now)
	if how == Genuine {
		d.token = token
	}
	return body, token
}

// tampered signs a body, or does what else it is told to do.
func tampered(how Tampering, body []byte, key *signingKey, now time.Time) (sent []byte, token string) {
	switch how {
	case OtherEnvironment:
		body = bytes.ReplaceAll(body, []byte(`"environment": "sandbox"`), []byte(`"environment": "production"`))
	case ChangedBody:
		return bytes.Replace(body, []byte(`_id": "`), []byte(`_id": "x`), 1), sign(key, body, now)
	case Respaced:
		var small bytes.Buffer
		if err := json.Compact(&small, body); err != nil {
			panic(err) // the body was made here
		}
		return small.Bytes(), sign(key, body, now)
	case StaleIssue:
		now = now.Add(-6 * time.Minute)
	case FutureIssue:
		now = now.Add(6 * time.Minute)
	case OtherHash:
		return body, sign(key, append(bytes.Clone(body), ' '), now)
	case UnknownKey:
		key = stranger(now)
	case StolenKeyID:
		key = &signingKey{id: key.id, private: stranger(now).private}
	case Unsigned:
		return body, ""
	case Garbled:
		return body, strings.Repeat("not a token ", 3)
	default:
		return body, forged(how, key, body, now)
	}
	return body, sign(key, body, now)
}

// stranger makes a key of somebody who is not Plaid: another one at each moment.
func stranger(now time.Time) *signingKey {
	seed := chance.Seed(uint64(now.UnixNano()), "stranger")
	return &signingKey{id: keyID(seed, 0), private: privateKey(seed, 0)}
}

func claims(body []byte, now time.Time) jwt.MapClaims {
	sum := sha256.Sum256(body)
	return jwt.MapClaims{"iat": now.Unix(), "request_body_sha256": hex.EncodeToString(sum[:])}
}

// sign makes the value of Plaid-Verification.
func sign(key *signingKey, body []byte, now time.Time) string {
	return signed(jwt.SigningMethodES256, key.id, key.private, claims(body, now))
}

func signed(method jwt.SigningMethod, kid string, key any, c jwt.MapClaims) string {
	t := jwt.NewWithClaims(method, c)
	t.Header["kid"] = kid
	token, err := t.SignedString(key)
	if err != nil {
		panic(err) // the keys are made here and fit their methods
	}
	return token
}

// forged makes tokens that only look like Plaid's.
func forged(how Tampering, key *signingKey, body []byte, now time.Time) string {
	c := claims(body, now)
	switch how {
	case AlgNone:
		return signed(jwt.SigningMethodNone, key.id, jwt.UnsafeAllowNoneSignatureType, c)
	case AlgHS256:
		public, _ := key.private.PublicKey.Bytes()
		return signed(jwt.SigningMethodHS256, key.id, public, c)
	case UpperHash:
		c["request_body_sha256"] = strings.ToUpper(c["request_body_sha256"].(string))
	}
	token := signed(jwt.SigningMethodES256, key.id, key.private, c)
	head, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	switch how {
	case AlgES384:
		text, _ := base64.RawURLEncoding.DecodeString(head)
		head = base64.RawURLEncoding.EncodeToString(bytes.Replace(text, []byte("ES256"), []byte("ES384"), 1))
		signature = der(key, head+"."+payload)
	case DERSignature:
		signature = der(key, head+"."+payload)
	}
	return head + "." + payload + "." + signature
}

// der signs as most tools do, and JWT does not.
func der(key *signingKey, text string) string {
	sum := sha256.Sum256([]byte(text))
	signature, err := ecdsa.SignASN1(rand.Reader, key.private, sum[:])
	if err != nil {
		panic(err) // nothing is wrong with the key
	}
	return base64.RawURLEncoding.EncodeToString(signature)
}
