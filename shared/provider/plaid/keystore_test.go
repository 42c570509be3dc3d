package plaid

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// shelf is a KeyStore in memory.
type shelf struct {
	keys  map[string]Key
	loads int
	down  error
}

func (s *shelf) Load(context.Context) (all []Key, err error) {
	s.loads++
	for _, k := range s.keys {
		all = append(all, k)
	}
	return all, s.down
}

func (s *shelf) Save(_ context.Context, k Key) error { s.keys[k.ID] = k; return s.down }

// TestNewProcessInAFlood: invented keys, as many as may be looked up, do not shut Plaid out of a process that has just begun.
func TestNewProcessInAFlood(t *testing.T) {
	first, s, pass := watchers(t, kidA)
	kept := &shelf{keys: map[string]Key{}}
	first.Keep(kept)
	if err := verify(t, first, s, kidA); err != nil || len(kept.keys) != 1 {
		t.Fatalf("%v, %d keys kept", err, len(kept.keys))
	}
	pass(time.Hour)
	v := NewVerifier(s.key, first.now)
	v.Keep(kept)
	for n := range 10 * maxLookups {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"ES256","kid":"%08x-0000-0000-0000-000000000000"}`, n))
		v.Verify(t.Context(), hook, header+".e30.AA") //nolint:errcheck // forged
	}
	if err := verify(t, v, s, kidA); err != nil || s.looked() != 1+maxLookups {
		t.Errorf("%v, %d look-ups", err, s.looked())
	}
	if kept.loads > 2 {
		t.Errorf("the store was asked %d times within one instant", kept.loads)
	}
	pass(keyLife - time.Hour) // a day since Plaid confirmed it, not since the process began
	if err := verify(t, v, s, kidA); err != nil || s.looked() != 2+maxLookups {
		t.Errorf("a day later: %v, %d look-ups", err, s.looked())
	}
}

// TestKeysOfOtherProcesses: withdrawals and rotations that another process has learned of count, and what Plaid does not have any more is not
// believed on the store's word.
func TestKeysOfOtherProcesses(t *testing.T) {
	v, s, pass := watchers(t, kidA, kidB)
	kept := &shelf{keys: map[string]Key{}}
	v.Keep(kept)
	other := NewVerifier(s.key, v.now)
	other.Keep(kept)
	if err := verify(t, v, s, kidA); err != nil {
		t.Fatal(err)
	}
	pass(time.Minute)
	if err := verify(t, other, s, kidB); err != nil {
		t.Fatal(err)
	}
	pass(time.Minute)
	s.expired[kidA] = true
	if err := verify(t, other, s, kidA); !fault.Is(err, fault.Forbidden) || !kept.keys[kidA].Expired {
		t.Errorf("withdrawn, found by the rotation: %v", err)
	}
	if err := verify(t, v, s, kidB); err != nil || s.looked() != 3 {
		t.Errorf("the new key, from the store: %v, %d look-ups", err, s.looked())
	}
	if err := verify(t, v, s, kidA); !fault.Is(err, fault.Forbidden) || s.looked() != 3 {
		t.Errorf("withdrawn, from the store: %v, %d look-ups", err, s.looked())
	}
	pass(keyLife)
	token := s.sign(t, kidB, hook, v.now())
	delete(s.private, kidB)
	for range 3 {
		if _, err := v.Verify(t.Context(), hook, token); !fault.Is(err, fault.Forbidden) {
			t.Errorf("Plaid has it no more: %v", err)
		}
		pass(loadEvery)
	}
}

func TestStoreAway(t *testing.T) {
	v, s, _ := watchers(t, kidA)
	v.Keep(&shelf{keys: map[string]Key{}, down: errors.New("away")})
	if err := verify(t, v, s, kidA); err != nil {
		t.Errorf("without its store: %v", err)
	}
}
