package plaid

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// How far a webhook's time may be from ours.
const (
	maxAge  = 5 * time.Minute
	maxSkew = time.Minute
)

// maxSignature is the longest signature that is looked at, in bytes. Plaid's have some 250.
const maxSignature = 4 << 10

// Signed is what the signature of a webhook says beside that it is genuine.
type Signed struct {
	Issued time.Time // when Plaid signed it: at each attempt anew
}

// Verifier tells whether webhooks are Plaid's. It keeps the keys that it has seen, for a day at most, and is safe for
// concurrent use; make one with [NewVerifier].
type Verifier struct {
	keys *keyring
	now  func() time.Time
}

// NewVerifier returns a verifier that looks up keys by keys, [Client.WebhookKey], and reads the time by now; nil: time.Now.
func NewVerifier(keys func(ctx context.Context, kid string) (Key, error), now func() time.Time) *Verifier {
	if now == nil {
		now = time.Now
	}
	return &Verifier{keys: newKeyring(keys, now), now: now}
}

// Keep has the verifier share its keys through s: a new process then knows what the others have confirmed. It is called before the
// first Verify.
func (v *Verifier) Keep(s KeyStore) { v.keys.store = s }

// Verify checks that token, the value of the header [WebhookSignature], is Plaid's signature of body, the bytes as they came,
// and not older than five minutes.
//
//	{"alg":"ES256","kid":"bfbd5111-…","typ":"JWT"}.{"iat":1560211755,"request_body_sha256":"…"}.signature
//
// Limits: what is not known makes a call to Plaid, at most 30 a minute and process, and none for what can't be Plaid's.
// Errors: fault.Forbidden: it is not genuine; fault.Unavailable: that can't be told now, Plaid is to send it again;
// fault.Stopped: ctx ended. Source: Plaid, Webhook verification; RFC 7515, RFC 7518 3.4.
func (v *Verifier) Verify(ctx context.Context, body []byte, token string) (Signed, error) {
	kid, err := keyID(token)
	if err != nil {
		return Signed{}, err
	}
	key, err := v.keys.get(ctx, kid)
	if err != nil {
		return Signed{}, err
	}
	if key.Expired {
		return Signed{}, forged("it is signed with a key that Plaid has withdrawn")
	}
	claims, err := v.claims(token, key)
	if err != nil {
		return Signed{}, err
	}
	return v.fits(claims, body)
}

// claims returns what the token says, once its signature is found good.
func (v *Verifier) claims(token string, key Key) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithJSONNumber(), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(v.now), jwt.WithLeeway(maxSkew),
	).ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return key.Public, nil })
	if err != nil {
		return nil, forged("its signature is wrong")
	}
	return claims, nil
}

// fits checks the time of a signature, and that it is one of body.
func (v *Verifier) fits(claims jwt.MapClaims, body []byte) (Signed, error) {
	number, _ := claims["iat"].(json.Number)
	seconds, err := number.Int64()
	if err != nil {
		return Signed{}, forged("its signature has no time")
	}
	issued, now := time.Unix(seconds, 0).UTC(), v.now()
	switch {
	case issued.Before(now.Add(-maxAge)):
		return Signed{}, forged("its signature is older than five minutes")
	case issued.After(now.Add(maxSkew)):
		return Signed{}, forged("its signature is from the future: check this machine's clock")
	}
	sum := sha256.Sum256(body)
	said, _ := claims["request_body_sha256"].(string)
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(said)) != 1 {
		return Signed{}, forged("its body is not what was signed")
	}
	return Signed{Issued: issued}, nil
}

// kids is what key ids look like: nothing else is worth a call. Plaid writes them in small letters only.
var kids = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// keyID returns the id of the key that a token claims to be signed with. It believes nothing: what it refuses is refused before
// anything is looked up.
func keyID(token string) (string, error) {
	first, _, ok := strings.Cut(token, ".")
	if !ok || len(token) > maxSignature {
		return "", forged("it has no signature, or none of Plaid's kind")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err != nil {
		return "", forged("its signature can't be read")
	}
	var alg, kid string
	critical := false
	err = read(raw, shape{"alg": text(&alg), "kid": text(&kid), "crit": func(w *walk) error {
		critical = true
		return skip(w)
	}})
	switch {
	case err != nil:
		return "", forged("its signature can't be read")
	case alg != "ES256" || critical:
		return "", forged("its signature is of another kind than Plaid's")
	case !kids.MatchString(kid):
		return "", forged("its key is none of Plaid's")
	}
	return kid, nil
}

// forged is the failure of a webhook that is not genuine.
func forged(why string) error {
	return fault.New(fault.Forbidden, "this webhook is not taken for Plaid's: "+why)
}
