package plaid

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// signer signs webhooks as Plaid does, and is the endpoint that gives the keys out.
type signer struct {
	mu      sync.Mutex
	private map[string]*ecdsa.PrivateKey
	expired map[string]bool
	down    error
	calls   []string // the ids that were looked up
}

func newSigner(t *testing.T, kids ...string) *signer {
	t.Helper()
	s := &signer{private: map[string]*ecdsa.PrivateKey{}, expired: map[string]bool{}}
	for _, kid := range kids {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s.private[kid] = key
	}
	return s
}

// key is what WebhookKey would give.
func (s *signer) key(_ context.Context, kid string) (Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, kid)
	if s.down != nil {
		return Key{}, s.down
	}
	if s.private[kid] == nil {
		return Key{}, fault.New(fault.NotFound, "no such key")
	}
	return Key{ID: kid, Public: &s.private[kid].PublicKey, Expired: s.expired[kid]}, nil
}

func (s *signer) looked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// sign returns the token of body, signed at.
func (s *signer) sign(t *testing.T, kid string, body []byte, at time.Time) string {
	t.Helper()
	sum := sha256.Sum256(body)
	return s.token(t, jwt.SigningMethodES256, s.private[kid], map[string]any{"alg": "ES256", "kid": kid, "typ": "JWT"},
		jwt.MapClaims{"iat": at.Unix(), "request_body_sha256": hex.EncodeToString(sum[:])})
}

func (s *signer) token(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header = header
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

const (
	kidA = "bfbd5111-8e33-4643-8ced-b2e642a72f3c"
	kidB = "6c5516e1-92dc-479e-a8ff-5a51992e0001"
	kidC = "11111111-2222-3333-4444-555555555555"
)

var hook = []byte("{\n  \"webhook_type\": \"ITEM\",\n  \"webhook_code\": \"LOGIN_REPAIRED\"\n}")

// noon is when the tests are.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// TestVerify: what is taken for Plaid's, what is not, and which of it makes a call.
func TestVerify(t *testing.T) {
	s := newSigner(t, kidA, kidB, kidC)
	s.expired[kidB] = true
	sum := sha256.Sum256(hook)
	digest := hex.EncodeToString(sum[:])
	header := func(more map[string]any) map[string]any {
		h := map[string]any{"alg": "ES256", "kid": kidA, "typ": "JWT"}
		for k, v := range more {
			h[k] = v
		}
		return h
	}
	claims := func(iat any, hash any) jwt.MapClaims { return jwt.MapClaims{"iat": iat, "request_body_sha256": hash} }
	es := func(key string, h map[string]any, c jwt.MapClaims) string {
		return s.token(t, jwt.SigningMethodES256, s.private[key], h, c)
	}
	good := s.sign(t, kidA, hook, noon)
	parts := strings.Split(good, ".")
	raw := func(part string) []byte { b, _ := base64.RawURLEncoding.DecodeString(part); return b }
	der := func() string {
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		asn, err := ecdsa.SignASN1(rand.Reader, s.private[kidA], sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(asn)
	}
	public, _ := s.private[kidA].PublicKey.Bytes() //nolint:errcheck // a good key
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"` + kidA + `"}`))
	for _, tt := range []struct {
		name, token string
		body        []byte
		genuine     bool
		calls       int
	}{
		{name: "good", token: good, genuine: true, calls: 1},
		{name: "five minutes old", token: s.sign(t, kidA, hook, noon.Add(-5*time.Minute)), genuine: true, calls: 1},
		{name: "more than five minutes old", token: s.sign(t, kidA, hook, noon.Add(-5*time.Minute-time.Second)), calls: 1},
		{name: "a minute in the future", token: s.sign(t, kidA, hook, noon.Add(time.Minute)), genuine: true, calls: 1},
		{name: "more than a minute in the future", token: s.sign(t, kidA, hook, noon.Add(time.Minute+time.Second)), calls: 1},
		{name: "no time", token: es(kidA, header(nil), jwt.MapClaims{"request_body_sha256": digest}), calls: 1},
		{name: "a time in words", token: es(kidA, header(nil), claims("now", digest)), calls: 1},
		{name: "a time that is absurd", token: es(kidA, header(nil), claims(json.Number("1e300"), digest)), calls: 1},
		{name: "another body", token: good, body: append([]byte(" "), hook...), calls: 1},
		{name: "the same JSON, written otherwise", token: good, body: []byte(`{"webhook_type":"ITEM","webhook_code":"LOGIN_REPAIRED"}`), calls: 1},
		{name: "an empty body", token: good, body: []byte{}, calls: 1},
		{name: "a digest in capitals", token: es(kidA, header(nil), claims(noon.Unix(), strings.ToUpper(digest))), calls: 1},
		{name: "no digest", token: es(kidA, header(nil), claims(noon.Unix(), nil)), calls: 1},
		{name: "a digest cut short", token: es(kidA, header(nil), claims(noon.Unix(), digest[:63])), calls: 1},
		{name: "signed by another key", token: es(kidC, header(nil), claims(noon.Unix(), digest)), calls: 1},
		{name: "another payload under the signature", token: parts[0] + "." + strings.Split(s.sign(t, kidA, hook, noon.Add(time.Second)), ".")[1] + "." + parts[2], calls: 1},
		{name: "a signature in DER", token: der(), calls: 1},
		{name: "a signature of 63 bytes", token: parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(raw(parts[2])[:63]), calls: 1},
		{name: "a signature of zeros", token: parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)), calls: 1},
		{name: "no signature", token: parts[0] + "." + parts[1] + ".", calls: 1},
		{name: "four parts", token: good + ".", calls: 1},
		{name: "a withdrawn key", token: es(kidB, header(map[string]any{"kid": kidB}), claims(noon.Unix(), digest)), calls: 1},
		{name: "an unknown key", token: es(kidA, header(map[string]any{"kid": "99999999-2222-3333-4444-555555555555"}), claims(noon.Unix(), digest)), calls: 1},
		{name: "a key that is no UUID", token: es(kidA, header(map[string]any{"kid": "../" + kidA}), claims(noon.Unix(), digest))},
		{name: "a key in capitals", token: es(kidA, header(map[string]any{"kid": strings.ToUpper(kidA)}), claims(noon.Unix(), digest))},
		{name: "no key", token: es(kidA, map[string]any{"alg": "ES256"}, claims(noon.Unix(), digest))},
		{name: "a key that is a number", token: es(kidA, header(map[string]any{"kid": 7}), claims(noon.Unix(), digest))},
		{name: "alg none", token: none + "." + parts[1] + "."},
		{name: "alg none, signed", token: none + "." + parts[1] + "." + parts[2]},
		{name: "HS256 with the public key", token: s.token(t, jwt.SigningMethodHS256, public, header(map[string]any{"alg": "HS256"}), claims(noon.Unix(), digest))},
		{name: "alg in small letters", token: es(kidA, header(map[string]any{"alg": "es256"}), claims(noon.Unix(), digest))},
		{name: "something critical", token: es(kidA, header(map[string]any{"crit": []string{"b64"}, "b64": false}), claims(noon.Unix(), digest))},
		{name: "two algs", token: base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","alg":"none","kid":"`+kidA+`"}`)) + "." + parts[1] + "." + parts[2]},
		{name: "an empty header", token: "e30." + parts[1] + "." + parts[2]},
		{name: "a header with padding", token: parts[0] + "=." + parts[1] + "." + parts[2]},
		{name: "nothing"},
		{name: "one word", token: "Bearer"},
		{name: "a giant", token: good + strings.Repeat("A", maxSignature)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := s.looked()
			body := hook
			if tt.body != nil {
				body = tt.body
			}
			v := NewVerifier(s.key, func() time.Time { return noon })
			signed, err := v.Verify(t.Context(), body, tt.token)
			switch {
			case tt.genuine && (err != nil || signed.Issued.Sub(noon).Abs() > maxAge || signed.Issued.IsZero()):
				t.Errorf("%+v, %v", signed, err)
			case !tt.genuine && (!fault.Is(err, fault.Forbidden) || fault.Retry(err) || signed != Signed{}):
				t.Errorf("taken for Plaid's: %+v, %v", signed, err)
			}
			if got := s.looked() - before; got != tt.calls {
				t.Errorf("%d look-ups, want %d", got, tt.calls)
			}
			if err != nil && (strings.Contains(err.Error(), digest) || tt.token != "" && strings.Contains(err.Error(), tt.token)) {
				t.Errorf("%v quotes it", err)
			}
		})
	}
}

// watchers is a verifier with a clock that the test turns.
func watchers(t *testing.T, kids ...string) (*Verifier, *signer, func(time.Duration)) {
	t.Helper()
	s := newSigner(t, kids...)
	at := noon
	var mu sync.Mutex
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	return NewVerifier(s.key, now), s, func(d time.Duration) { mu.Lock(); defer mu.Unlock(); at = at.Add(d) }
}

// verify has a webhook signed with kid verified at this moment.
func verify(t *testing.T, v *Verifier, s *signer, kid string) error {
	t.Helper()
	_, err := v.Verify(t.Context(), hook, s.sign(t, kid, hook, v.now()))
	return err
}

func TestKeysAreKeptForADay(t *testing.T) {
	v, s, pass := watchers(t, kidA)
	for range 3 {
		if err := verify(t, v, s, kidA); err != nil {
			t.Fatal(err)
		}
		pass(8*time.Hour - time.Second)
	}
	if s.looked() != 1 {
		t.Errorf("%d look-ups in a day", s.looked())
	}
	pass(time.Minute)
	s.expired[kidA] = true
	for range 2 {
		if err := verify(t, v, s, kidA); !fault.Is(err, fault.Forbidden) {
			t.Errorf("withdrawn since: %v", err)
		}
	}
	if s.looked() != 2 {
		t.Errorf("%d look-ups", s.looked())
	}
}

// TestRotation: a new key makes the withdrawal of the old one known at once, and costs one look-up of each.
func TestRotation(t *testing.T) {
	v, s, _ := watchers(t, kidA, kidB, kidC)
	s.expired[kidC] = true
	for range 2 {
		if err := verify(t, v, s, kidA); err != nil {
			t.Fatal(err)
		}
	}
	if err := verify(t, v, s, kidC); !fault.Is(err, fault.Forbidden) || s.looked() != 2 {
		t.Fatalf("an old key: %v, %d look-ups", err, s.looked())
	}
	if err := verify(t, v, s, kidA); err != nil || s.looked() != 2 {
		t.Errorf("an old key is no rotation: %v, %d look-ups", err, s.looked())
	}
	for range 2 { // both are valid for a while
		for _, kid := range []string{kidB, kidA} {
			if err := verify(t, v, s, kid); err != nil {
				t.Error(err)
			}
		}
	}
	if got := strings.Join(s.calls[2:], " "); got != kidB+" "+kidA {
		t.Errorf("looked up %s", got)
	}
}

func TestRotationTellsOfWithdrawal(t *testing.T) {
	v, s, _ := watchers(t, kidA, kidB)
	if err := verify(t, v, s, kidA); err != nil {
		t.Fatal(err)
	}
	s.expired[kidA] = true
	if err := verify(t, v, s, kidA); err != nil {
		t.Fatalf("not known yet: %v", err)
	}
	if err := verify(t, v, s, kidB); err != nil {
		t.Fatal(err)
	}
	if err := verify(t, v, s, kidA); !fault.Is(err, fault.Forbidden) {
		t.Errorf("known by now: %v", err)
	}
}

// TestKeyEndpointDown: whatever keeps a key from being looked up, nothing is accepted and nothing lost: Plaid sends it again, and
// then it is taken.
func TestKeyEndpointDown(t *testing.T) {
	for _, down := range []error{
		fault.New(fault.Unavailable, "Plaid is out of order"), &fault.Error{Kind: fault.RateLimited, After: time.Minute}, fault.New(fault.Stopped, "no time"),
		fault.New(fault.Forbidden, "Plaid does not accept the app's keys"), fault.New(fault.Invalid, "report it"), context.DeadlineExceeded, fmt.Errorf("odd"),
	} {
		v, s, pass := watchers(t, kidA)
		s.down = down
		for range 2 {
			if err := verify(t, v, s, kidA); !fault.Is(err, fault.Unavailable) || fault.After(err) != fault.After(down) {
				t.Errorf("%v: %v", down, err)
			}
		}
		s.down = nil
		if err := verify(t, v, s, kidA); err != nil || s.looked() != 3 {
			t.Errorf("up again: %v, %d look-ups", err, s.looked())
		}
		pass(25 * time.Hour) // the key is due, and then cannot be had: it is not believed
		s.down = down
		if err := verify(t, v, s, kidA); !fault.Is(err, fault.Unavailable) {
			t.Errorf("due: %v", err)
		}
	}
}

// TestUnknownKeys: one that Plaid does not have is not asked for again for some minutes, and then it is.
func TestUnknownKeys(t *testing.T) {
	v, s, pass := watchers(t, kidA)
	token := s.sign(t, kidA, hook, noon)
	s.private[kidA], s.private[kidB] = nil, s.private[kidA]
	for range 5 {
		if _, err := v.Verify(t.Context(), hook, token); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
	}
	if s.looked() != 1 {
		t.Errorf("%d look-ups", s.looked())
	}
	pass(absentLife)
	s.private[kidA] = s.private[kidB]
	if err := verify(t, v, s, kidA); err != nil || s.looked() != 2 {
		t.Errorf("there since: %v, %d look-ups", err, s.looked())
	}
}

// TestFlood: invented keys cost a bounded number of calls and little memory, and Plaid's own webhooks pass all the while.
func TestFlood(t *testing.T) {
	v, s, pass := watchers(t, kidA, kidB)
	if err := verify(t, v, s, kidA); err != nil {
		t.Fatal(err)
	}
	_, signature, _ := strings.Cut(s.sign(t, kidA, hook, v.now()), ".")
	n := 0
	flood := func(times int) (refused, later int) {
		for range times {
			n++
			forged := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"ES256","kid":"%08x-0000-0000-0000-000000000000"}`, n)) + "." + signature
			switch _, err := v.Verify(t.Context(), hook, forged); fault.Of(err) {
			case fault.Forbidden:
				refused++
			case fault.Unavailable:
				later++
			default:
				t.Fatalf("a forged one: %v", err)
			}
		}
		return refused, later
	}
	if refused, later := flood(5000); refused != maxLookups-1 || later != 5000-refused || s.looked() != maxLookups {
		t.Errorf("%d refused, %d put off, %d look-ups", refused, later, s.looked())
	}
	if err := verify(t, v, s, kidA); err != nil {
		t.Errorf("a known key: %v", err)
	}
	if err := verify(t, v, s, kidB); !fault.Is(err, fault.Unavailable) || fault.After(err) != time.Minute {
		t.Errorf("a new key in the flood: %v, after %v", err, fault.After(err))
	}
	pass(time.Minute)
	if err := verify(t, v, s, kidB); err != nil {
		t.Errorf("when Plaid sends it again: %v", err)
	}
	flood(100)
	if err := verify(t, v, s, kidA); err != nil || s.calls[len(s.calls)-1] != kidA {
		t.Errorf("looked up again beside the flood: %v", err)
	}
	for range 100 {
		flood(100)
		pass(time.Minute)
	}
	if got := len(v.keys.absent); got > maxLookups*6 || len(v.keys.known) != 2 || len(v.keys.flights) != 0 {
		t.Errorf("remembers %d absent keys, %d known ones, %d look-ups", got, len(v.keys.known), len(v.keys.flights))
	}
}

// TestOneLookUpForAll: many webhooks with one new key make one call, and one who goes away does not end it for the others.
func TestOneLookUpForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, kidA)
		answer := make(chan struct{})
		calls := 0
		v := NewVerifier(func(ctx context.Context, kid string) (Key, error) {
			calls++
			select {
			case <-answer:
				return s.key(ctx, kid)
			case <-ctx.Done():
				return Key{}, ctx.Err()
			}
		}, nil)
		token := s.sign(t, kidA, hook, time.Now())
		leader, cancel := context.WithCancel(t.Context())
		results := make(chan error, 20)
		go func() { _, err := v.Verify(leader, hook, token); results <- err }()
		synctest.Wait()
		for range 19 {
			go func() { _, err := v.Verify(t.Context(), hook, token); results <- err }()
		}
		impatient, end := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { _, err := v.Verify(impatient, hook, token); gone <- err }()
		synctest.Wait()
		end()
		cancel()
		if err := <-gone; !fault.Is(err, fault.Stopped) {
			t.Errorf("who goes away: %v", err)
		}
		close(answer)
		for range 20 {
			if err := <-results; err != nil && !fault.Is(err, fault.Stopped) {
				t.Error(err)
			}
		}
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

// TestLookUpsEnd: Plaid waits ten seconds for an answer to its webhook, so a look-up takes less.
func TestLookUpsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, kidA)
		v := NewVerifier(func(ctx context.Context, _ string) (Key, error) { <-ctx.Done(); return Key{}, ctx.Err() }, nil)
		begin := time.Now()
		_, err := v.Verify(t.Context(), hook, s.sign(t, kidA, hook, time.Now()))
		if !fault.Is(err, fault.Unavailable) || time.Since(begin) != lookupTime {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}
