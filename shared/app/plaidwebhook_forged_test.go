package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

const (
	markerPlaidSecret = "marker-plaid-secret"
	markerPublicToken = "public-sandbox-marker-5f6a"
	markerLinkToken   = "link-sandbox-marker-7c21"

	firstKid  = "bfbd5111-8e33-4643-8ced-b2e642a72f3c"
	secondKid = "6c5516e1-92dc-479e-a8ff-5a51992e0001"
	strayKid  = "00000000-0000-4000-8000-000000000000"
)

// signingKeyOf makes a key of P-256 out of one byte.
func signingKeyOf(n byte) *ecdsa.PrivateKey {
	scalar := make([]byte, 32)
	scalar[31] = n
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		panic(err)
	}
	return key
}

// plaidKeys is Plaid's endpoint of keys.
type plaidKeys struct {
	mu      sync.Mutex
	keys    map[string]*ecdsa.PrivateKey
	expired map[string]bool
	down    bool
	foreign bool // our secret is not good
	asked   []string
}

func newPlaidKeys() *plaidKeys {
	return &plaidKeys{keys: map[string]*ecdsa.PrivateKey{firstKid: signingKeyOf(1)}, expired: map[string]bool{}}
}

// set changes what it answers.
func (k *plaidKeys) set(change func(*plaidKeys)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(k)
}

func (k *plaidKeys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var asked struct {
		ID string `json:"key_id"`
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	k.asked = append(k.asked, asked.ID)
	key := k.keys[asked.ID]
	switch {
	case k.down:
		http.Error(w, "<html>marker-gateway</html>", http.StatusBadGateway)
	case err != nil || r.URL.Path != "/webhook_verification_key/get" || r.Header.Get("PLAID-SECRET") != markerPlaidSecret:
		http.Error(w, "marker-odd", http.StatusTeapot)
	case k.foreign:
		refuseKey(w, "INVALID_API_KEYS")
	case key == nil:
		refuseKey(w, "INVALID_WEBHOOK_VERIFICATION_KEY_ID")
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, jwk(asked.ID, key, k.expired[asked.ID]))
	}
}

func refuseKey(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"error_type":"INVALID_INPUT","error_code":%q,"error_message":"marker-message","display_message":null,"request_id":"HNTDNrA8F1shFEW"}`, code)
}

// jwk is a key as Plaid answers it.
func jwk(kid string, key *ecdsa.PrivateKey, expired bool) string {
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic(err)
	}
	end := "null"
	if expired {
		end = "1560466160"
	}
	return fmt.Sprintf(`{"key":{"alg":"ES256","created_at":1560466150,"crv":"P-256","expired_at":%s,"kid":%q,"kty":"EC","use":"sig","x":%q,"y":%q},"request_id":"RZ6Omi1bzzwDaLo"}`,
		end, kid, base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:]))
}

// jot is a JWT in the making: what Plaid sends, unless a test changes it.
type jot struct {
	method jwt.SigningMethod
	key    any
	header map[string]any
	claims jwt.MapClaims
}

func newJot(body string) jot {
	sum := sha256.Sum256([]byte(body))
	return jot{
		method: jwt.SigningMethodES256, key: signingKeyOf(1), header: map[string]any{"kid": firstKid},
		claims: jwt.MapClaims{"iat": time.Now().Unix(), "request_body_sha256": hex.EncodeToString(sum[:])},
	}
}

func (j jot) by(kid string, key *ecdsa.PrivateKey) jot {
	j.header, j.key = map[string]any{"kid": kid}, key
	return j
}

func (j jot) with(claim string, value any) jot {
	j.claims[claim] = value
	return j
}

func (j jot) signed() string {
	t := jwt.NewWithClaims(j.method, j.claims)
	for name, value := range j.header {
		t.Header[name] = value
	}
	token, err := t.SignedString(j.key)
	if err != nil {
		panic(err)
	}
	return token
}

// forgery is a delivery that is not Plaid's.
type forgery struct {
	name, body string
	tokens     []string
}

func forgeries() []forgery {
	body := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1")
	other := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-2")
	good, now := newJot(body).signed(), time.Now()
	cut := func(token string) string { return token[:strings.LastIndexByte(token, '.')+1] }
	with := func(m jwt.SigningMethod, key any) string {
		j := newJot(body)
		j.method, j.key = m, key
		return j.signed()
	}
	point, err := signingKeyOf(1).PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return []forgery{
		{"no signature", body, nil},
		{"an empty one", body, []string{""}},
		{"two headers", body, []string{good, good}},
		{"two in one header", body, []string{good + ", " + good}},
		{"no JWT", body, []string{"good"}},
		{"another body's", other, []string{good}},
		{"one byte changed", strings.Replace(body, "item-1", "item-2", 1), []string{good}},
		{"written without white space", compact(body), []string{good}},
		{"written with other white space", strings.ReplaceAll(body, "\n  ", "\n    "), []string{good}},
		{"a line break at the end", body + "\n", []string{good}},
		{"another key under a known name", body, []string{newJot(body).by(firstKid, signingKeyOf(7)).signed()}},
		{"a key that Plaid does not know", body, []string{newJot(body).by(strayKid, signingKeyOf(7)).signed()}},
		{"a key with an odd name", body, []string{newJot(body).by("../item/remove", signingKeyOf(1)).signed()}},
		{"an expired key", body, []string{newJot(body).by(secondKid, signingKeyOf(2)).signed()}},
		{"no key named", body, []string{newJot(body).by("", signingKeyOf(1)).signed()}},
		{"alg none", body, []string{with(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType)}},
		{"alg HS256 with Plaid's public key", body, []string{with(jwt.SigningMethodHS256, point)}},
		{"alg HS256 with our secret", body, []string{with(jwt.SigningMethodHS256, []byte(markerPlaidSecret))}},
		{"alg ES384", body, []string{with(jwt.SigningMethodES384, anyKey(elliptic.P384()))}},
		{"no bytes of a signature", body, []string{cut(good)}},
		{"DER in place of r and s", body, []string{inDER(body)}},
		{"signed six minutes ago", body, []string{newJot(body).with("iat", now.Add(-6*time.Minute).Unix()).signed()}},
		{"signed in two minutes", body, []string{newJot(body).with("iat", now.Add(2*time.Minute).Unix()).signed()}},
		{"signed at no time", body, []string{newJot(body).with("iat", nil).signed()}},
		{"for no body", body, []string{newJot(body).with("request_body_sha256", nil).signed()}},
		{"for an empty body's digest", body, []string{newJot("").signed()}},
	}
}

func compact(body string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(body)); err != nil {
		panic(err)
	}
	return b.String()
}

func anyKey(c elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// inDER is a token whose signature is good, but written as X.509 does.
func inDER(body string) string {
	token := newJot(body).signed()
	said := token[:strings.LastIndexByte(token, '.')]
	sum := sha256.Sum256([]byte(said))
	der, err := ecdsa.SignASN1(rand.Reader, signingKeyOf(1), sum[:])
	if err != nil {
		panic(err)
	}
	return said + "." + base64.RawURLEncoding.EncodeToString(der)
}

// TestForgedPlaidWebhooks: nothing of them is kept, and nobody is woken up.
func TestForgedPlaidWebhooks(t *testing.T) {
	p, h, keys := newPlaidWebhooks(t)
	keys.set(func(k *plaidKeys) { k.keys[secondKid], k.expired[secondKid] = signingKeyOf(2), true })
	all := forgeries()
	for _, tt := range all {
		if w := deliverSigned(h, tt.body, tt.tokens...); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d, %s", tt.name, w.Code, w.Body)
		}
	}
	if n := p.count(`SELECT (SELECT count(*) FROM sync.notices) + (SELECT count(*) FROM sync.rejected_messages)`); n != 0 || len(p.ticks()) != 0 {
		t.Errorf("%d rows, ticks %v", n, p.ticks())
	}
	if n := strings.Count(p.logs.String(), `"event":"webhook_refused"`); n != len(all) {
		t.Errorf("the log tells of %d of %d", n, len(all))
	}
	keys.set(func(k *plaidKeys) {
		for _, kid := range k.asked {
			if kid != firstKid && kid != secondKid && kid != strayKid {
				t.Errorf("Plaid was asked for the key %q", kid)
			}
		}
	})
	body := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1")
	if w := deliverSigned(h, body, newJot(body).signed()); w.Code != 200 || len(p.notices()) != 1 {
		t.Errorf("a good one after them: status %d, %s", w.Code, w.Body)
	}
}

// TestReplayedPlaidWebhook: what somebody has overheard and sends again, as it was or with its
// signature written in another way, tells nothing new. What Plaid says again does.
func TestReplayedPlaidWebhook(t *testing.T) {
	p, h, _ := newPlaidWebhooks(t)
	body := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1")
	token := newJot(body).signed()
	if w := deliverSigned(h, body, token); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "recorded" {
		t.Fatalf("status %d, %s", w.Code, w.Body)
	}
	if _, err := p.store.Pool.Exec(t.Context(), `UPDATE sync.notices SET settled_at = now(), outcome = 'read'`); err != nil {
		t.Fatal(err)
	}
	p.pubsub.ClearMessages()
	for name, again := range map[string]string{"as it was": token, "the other signature of the same": mirrored(token), "another base64 of the same": respelled(token)} {
		w := deliverSigned(h, body, again)
		if words := strings.TrimSpace(w.Body.String()); words != "seen before" && w.Code != 401 || name == "as it was" && w.Code != 200 {
			t.Errorf("%s: status %d, %s", name, w.Code, words)
		}
	}
	if n := p.count(`SELECT count(*) FROM sync.notices WHERE outcome = 'read'`); n != 1 || len(p.notices()) != 1 || len(p.ticks()) != 0 {
		t.Errorf("notices %v, ticks %v", p.notices(), p.ticks())
	}
	if w := deliverSigned(h, body, newJot(body).signed()); strings.TrimSpace(w.Body.String()) != "recorded" || len(p.notices()) != 2 || len(p.ticks()) != 1 {
		t.Errorf("the same words once more from Plaid: status %d, %s, notices %v, ticks %v", w.Code, w.Body, p.notices(), p.ticks())
	}
}

// mirrored returns the token with (r, n-s) for (r, s), which is as good.
func mirrored(token string) string {
	i := strings.LastIndexByte(token, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(token[i:])
	if err != nil {
		panic(err)
	}
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	return token[:i] + base64.RawURLEncoding.EncodeToString(signature)
}

// respelled returns the token with another last letter, whose bits beyond the last byte count nothing.
func respelled(token string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	return token[:last] + string(letters[strings.IndexByte(letters, token[last])^1])
}

// TestPlaidKeysAway: nothing is accepted, and nothing is lost.
func TestPlaidKeysAway(t *testing.T) {
	for name, tt := range map[string]struct {
		away  func(k *plaidKeys, away bool)
		words string
	}{
		"out of order":           {func(k *plaidKeys, away bool) { k.down = away }, "Plaid is out of order"},
		"our secret is not good": {func(k *plaidKeys, away bool) { k.foreign = away }, "PLAID_SECRET"},
	} {
		t.Run(name, func(t *testing.T) {
			p, h, keys := newPlaidWebhooks(t)
			body := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1")
			token := newJot(body).signed()
			keys.set(func(k *plaidKeys) { tt.away(k, true) })
			for range 2 {
				if w := deliverSigned(h, body, token); w.Code != http.StatusServiceUnavailable {
					t.Errorf("status %d, %s", w.Code, w.Body)
				}
			}
			if n := p.count(`SELECT (SELECT count(*) FROM sync.notices) + (SELECT count(*) FROM sync.rejected_messages)`); n != 0 || len(p.ticks()) != 0 {
				t.Errorf("%d rows, ticks %v", n, p.ticks())
			}
			if log := p.logs.String(); strings.Count(log, `"event":"webhook_failed"`) != 2 || !strings.Contains(log, tt.words) {
				t.Errorf("log %s", log)
			}
			keys.set(func(k *plaidKeys) { tt.away(k, false) })
			if w := deliverSigned(h, body, token); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "recorded" || len(p.ticks()) != 1 {
				t.Errorf("once they are back: status %d, %s, ticks %v", w.Code, w.Body, p.ticks())
			}
			keys.set(func(k *plaidKeys) { tt.away(k, true) })
			if w := deliverSigned(h, body, newJot(body).signed()); w.Code != 200 {
				t.Errorf("with a key that is known: status %d, %s", w.Code, w.Body)
			}
		})
	}
}

// TestPlaidPatience: Plaid waits for ten seconds, and its keys may be what takes them.
func TestPlaidPatience(t *testing.T) {
	t.Parallel()
	key := 2*keyTimeLimit + 3*keyRetryDelay/2 // the wait is random, half as long again at most
	l := plaidPatience
	if key > l.Verify || l.Body+l.Verify+l.Record > l.Answer || l.Answer >= 10*time.Second {
		t.Errorf("a key takes up to %s, the parts %+v", key, l)
	}
}

// TestPlaidKeysChange: a new key is good at once, and one that it has followed is good until it expires.
func TestPlaidKeysChange(t *testing.T) {
	_, h, keys := newPlaidWebhooks(t)
	body := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1")
	first := func() int { return deliverSigned(h, body, newJot(body).signed()).Code }
	by := func(kid string, n byte) int {
		return deliverSigned(h, body, newJot(body).by(kid, signingKeyOf(n)).signed()).Code
	}
	if a, b := first(), by(strayKid, 3); a != 200 || b != 401 {
		t.Errorf("before: %d, an unknown one %d", a, b)
	}
	keys.set(func(k *plaidKeys) { k.keys[secondKid] = signingKeyOf(2) })
	if a, b := by(secondKid, 2), first(); a != 200 || b != 200 {
		t.Errorf("while both are in use: %d, %d", a, b)
	}
	third := "6c5516e1-92dc-479e-a8ff-5a51992e0003"
	keys.set(func(k *plaidKeys) { k.keys[third], k.expired[firstKid] = signingKeyOf(3), true })
	if a, b, c := by(third, 3), by(secondKid, 2), first(); a != 200 || b != 200 || c != 401 {
		t.Errorf("once the first has expired: %d, %d and the first %d", a, b, c)
	}
}

// TestTamperedPlaidWebhooks: whatever the simulator does to a webhook, nobody acts upon it. The next
// one is taken.
func TestTamperedPlaidWebhooks(t *testing.T) {
	p, bank, sender := simulated(t)
	tell := func(how plaidsim.Tampering) {
		t.Helper()
		p.pubsub.ClearMessages()
		sender.Inject(plaidsim.WebhookFaults{Tamper: how})
		bank.EndConsent(time.Now().Add(48 * time.Hour))
		if _, err := sender.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tell(plaidsim.Genuine)
	for _, how := range plaidsim.Tamperings() {
		before := ordered(p.notices())
		tell(how)
		if how == plaidsim.OtherEnvironment {
			before = ordered(append(before, notice{bank.ID(), "items", bank.ID(), "ending", "", "malformed"}))
		}
		if diff := gocmp.Diff(before, ordered(p.notices())); diff != "" || len(p.ticks()) != 0 {
			t.Errorf("%s: ticks %v, notices (-want +got):\n%s", how, p.ticks(), diff)
		}
		tell(plaidsim.Genuine)
		if len(p.notices()) != len(before)+1 || len(p.ticks()) != 1 {
			t.Errorf("after %s: ticks %v, notices %v", how, p.ticks(), p.notices())
		}
	}
	if stats := sender.Stats(); stats.Tampered != len(plaidsim.Tamperings()) || stats.Failures != stats.Tampered-1 {
		t.Errorf("the sender says %+v", stats)
	}
}

// FuzzPlaidReceiver: whatever is sent, what is not signed is refused, and what is signed is taken.
func FuzzPlaidReceiver(f *testing.F) {
	good := told("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-1")
	for _, body := range []string{good, told("LINK", "EVENTS", ""), told("OWL", "", ""), "", "[]", "{", `{"webhook_type":1}`} {
		f.Add([]byte(body), newJot(body).signed(), false)
		f.Add([]byte(body), "", true)
	}
	for _, forged := range forgeries() {
		f.Add([]byte(forged.body), strings.Join(forged.tokens, ","), false)
	}
	keys := func(_ context.Context, kid string) (plaid.Key, error) {
		if kid != firstKid {
			return plaid.Key{}, fault.New(fault.NotFound, "there is no such key")
		}
		return plaid.Key{ID: kid, Public: &signingKeyOf(1).PublicKey}, nil
	}
	f.Fuzz(func(t *testing.T, body []byte, token string, properly bool) {
		if properly {
			token = newJot(string(body)).signed()
		}
		k := &keeper{}
		signer := plaidSigner{plaid.NewVerifier(keys, time.Now)}
		h := plaidReceiver(signer, "sandbox", k, k, k, slog.New(slog.DiscardHandler))
		w := deliverSigned(h, string(body), token)
		switch {
		case len(body) > webhook.MaxBody && token != "":
			if w.Code != 200 || k.kept+k.rejected != 0 {
				t.Errorf("too large: status %d, kept %d, rejected %d", w.Code, k.kept, k.rejected)
			}
		case !properly && w.Code == 200: // a seed's own token, of its own body
			if !genuine(token, body) {
				t.Errorf("not signed: status %d, kept %d, rejected %d", w.Code, k.kept, k.rejected)
			}
		case !properly:
			if w.Code != 401 || k.kept+k.rejected != 0 {
				t.Errorf("not signed: status %d, kept %d, rejected %d", w.Code, k.kept, k.rejected)
			}
		case w.Code != 200 || k.kept+k.rejected != 1:
			t.Errorf("signed: status %d, kept %d, rejected %d", w.Code, k.kept, k.rejected)
		}
		for _, e := range k.events {
			if len(e.Key) != 64 || e.At.IsZero() || e.Change == "" || e.Object == "" || len(e.Raw) == 0 || e.Problem != "" && (e.Told || e.Mends) {
				t.Errorf("%+v", e)
			}
		}
	})
}

// genuine judges a token by itself: two of its three parts are what the test's own key has signed.
func genuine(token string, body []byte) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return false
	}
	said, err := base64.RawURLEncoding.DecodeString(parts[1])
	digest := sha256.Sum256(body)
	return err == nil && bytes.Contains(said, []byte(hex.EncodeToString(digest[:]))) &&
		ecdsa.Verify(&signingKeyOf(1).PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}
