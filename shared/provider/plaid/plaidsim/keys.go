package plaidsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// signingKey is a key with which Plaid signs webhooks.
type signingKey struct {
	id               string // a UUID
	private          *ecdsa.PrivateKey
	created, expired time.Time // expired: zero while in use
}

// keyring holds the keys that there ever were; the last one signs. It has a lock of its own, because
// webhooks are signed while nobody holds the server's.
type keyring struct {
	mu   sync.Mutex
	seed uint64
	keys []*signingKey
	down bool
}

// RotateKey makes a new key, with which everything is signed from now on, and gives its id. Older keys
// stay valid until ExpireKey, as Plaid's do for a while.
func (s *Server) RotateKey() string {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keyInUse() // there was one before
	return s.keys.rotate(s.cfg.Now()).id
}

// ExpireKey notes that a key is not to be trusted any more: /webhook_verification_key/get gives its
// expired_at. When it is the one that signs, it goes on to do so, until RotateKey. False: there is no
// such key.
func (s *Server) ExpireKey(kid string) bool {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	k := s.keys.find(kid)
	if k != nil {
		k.expired = s.cfg.Now()
	}
	return k != nil
}

// SigningKey is the id of the key that signs now.
func (s *Server) SigningKey() string { return s.signingKey().id }

// KeysDown makes /webhook_verification_key/get fail with Plaid's 500 until it is called with false.
// Webhooks are signed and sent all the same.
func (s *Server) KeysDown(down bool) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.down = down
}

// webhookKey answers /webhook_verification_key/get.
func (s *Server) webhookKey(q *query) (any, *refusal) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	if s.keys.down {
		return nil, failure("INTERNAL_SERVER_ERROR")
	}
	s.keyInUse()
	key := s.keys.find(q.text("key_id"))
	if key == nil {
		return nil, failure("INVALID_WEBHOOK_VERIFICATION_KEY_ID")
	}
	return obj{"key": key.jwk()}, nil
}

func (s *Server) signingKey() *signingKey {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	return s.keyInUse()
}

// keyInUse gives the key that signs, and makes the first one. The caller holds the keyring's lock.
func (s *Server) keyInUse() *signingKey {
	if all := s.keys.keys; len(all) > 0 {
		return all[len(all)-1]
	}
	return s.keys.rotate(s.cfg.Now())
}

// rotate adds a key, which follows from the seed and from how many there were. The caller holds the lock.
func (k *keyring) rotate(now time.Time) *signingKey {
	n := len(k.keys)
	key := &signingKey{id: keyID(k.seed, n), private: privateKey(k.seed, n), created: now}
	k.keys = append(k.keys, key)
	return key
}

func (k *keyring) find(id string) *signingKey {
	if at := slices.IndexFunc(k.keys, func(key *signingKey) bool { return key.id == id }); at >= 0 {
		return k.keys[at]
	}
	return nil
}

// privateKey makes key number n of a seed: the same in every run, so that a cached key stays true when
// the simulator is started again.
func privateKey(seed uint64, n int) *ecdsa.PrivateKey {
	for try := range uint64(1000) {
		sum := keySum(seed, n, try)
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:]); err == nil {
			return key
		}
	}
	panic("plaidsim: no scalar of a thousand lies on the curve") // each misses with a chance of 2⁻³²
}

// keyID makes the UUID of key number n.
func keyID(seed uint64, n int) string {
	r := draw(chance.Seed(seed, "webhook key"), n)
	return r.uuid()
}

func keySum(seed uint64, n int, try uint64) [sha256.Size]byte {
	text := []byte("plaidsim webhook key")
	for _, v := range []uint64{seed, uint64(n), try} {
		text = binary.BigEndian.AppendUint64(text, v)
	}
	return sha256.Sum256(text)
}

// jwk is the public half in the shape of the endpoint.
func (k *signingKey) jwk() obj {
	point, err := k.private.PublicKey.Bytes()
	if err != nil {
		panic(err) // a key that was made here has a point
	}
	out := obj{"alg": "ES256", "crv": "P-256", "kty": "EC", "use": "sig", "kid": k.id, "created_at": int(k.created.Unix()), "expired_at": nil,
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:])}
	if !k.expired.IsZero() {
		out["expired_at"] = int(k.expired.Unix())
	}
	return out
}
