package vault_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

func TestAccessTokenIsUsedUntilItsBuffer(t *testing.T) {
	f := setup(t, 6*time.Minute)
	for range 3 {
		if got, err := f.access(t, f.Vault); err != nil || got != "access-marker-1-0" {
			t.Fatalf("Access = %q, %v", got, err)
		}
	}
	if f.provider.calls != 0 || f.server.Calls()["AccessSecretVersion"] != 0 {
		t.Errorf("%d refreshes, %d reads of the secret; want none", f.provider.calls, f.server.Calls()["AccessSecretVersion"])
	}
	if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-1-0" {
		t.Errorf("Access in another process = %q, %v", got, err)
	}
}

func TestRefreshIsDurableBeforeItIsUsed(t *testing.T) {
	f := setup(t, 4*time.Minute)
	got, err := f.access(t, f.Vault)
	if err != nil || got != "access-marker-2-1" {
		t.Fatalf("Access = %q, %v", got, err)
	}
	if want := []string{"start", "ask", "settle"}; !slices.Equal(f.ledger.events, want) {
		t.Errorf("steps %v, want %v", f.ledger.events, want)
	}
	if f.ledger.entry.Version != 2 {
		t.Errorf("pointer at version %d, want 2", f.ledger.entry.Version)
	}
	if n := f.server.Calls()["DestroySecretVersion"]; n != 1 {
		t.Errorf("%d old versions destroyed, want 1", n)
	}
	if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-2-1" {
		t.Errorf("Access in another process = %q, %v", got, err)
	}
}

func TestRejectedAccessTokenIsRenewedOnce(t *testing.T) {
	f := setup(t, time.Hour)
	s := f.Session(conn, lease, f.provider.refresh)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, err := s.Renew(t.Context(), "access-marker-1-0"); err != nil || got != "access-marker-2-1" {
				t.Errorf("Renew = %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if f.provider.calls != 1 {
		t.Errorf("%d refreshes, want 1", f.provider.calls)
	}
}

func TestLostAnswer(t *testing.T) {
	t.Run("heals when the provider repeats the token", func(t *testing.T) {
		f := setup(t, 0)
		f.provider.keep, f.provider.lose = true, 1
		if got, err := f.access(t, f.Vault); err != nil || got != "access-marker-1-2" {
			t.Errorf("Access = %q, %v", got, err)
		}
	})
	t.Run("asks for a new login when the provider changed the token", func(t *testing.T) {
		f := setup(t, 0)
		f.provider.lose = 1
		_, err := f.access(t, f.Vault)
		wantReconnect(t, err, "changed this connection's token at 2026-05-05 10:00:00 UTC, but its answer never arrived: connect again")
		if !slices.Contains(f.ledger.events, "end refused") {
			t.Errorf("steps %v, want the refusal journaled", f.ledger.events)
		}
	})
	t.Run("of a killed process is known to the next", func(t *testing.T) {
		f := setup(t, 0)
		f.provider.newest = 2 // the provider acted on what the dead process had journaled
		f.ledger.entry.Open = &vault.Attempt{ID: 1, Started: start}
		_, err := f.access(t, f.process(t))
		wantReconnect(t, err, "its answer never arrived")
	})
	t.Run("twice is tried again at the next run", func(t *testing.T) {
		f := setup(t, 0)
		f.provider.keep, f.provider.lose = true, 2
		if _, err := f.access(t, f.Vault); fault.Of(err) != fault.Unavailable {
			t.Fatalf("Access: %v, want unavailable", err)
		}
		if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-1-3" {
			t.Errorf("Access at the next run = %q, %v", got, err)
		}
	})
}

func TestKilledBetweenStoringAndPointing(t *testing.T) {
	f := setup(t, 0)
	f.ledger.fail["settle"] = errors.New("killed")
	if _, err := f.access(t, f.Vault); err == nil {
		t.Fatal("no error from a failed settle")
	}
	delete(f.ledger.fail, "settle")
	if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-2-1" {
		t.Errorf("Access at the next run = %q, %v; want the stored token adopted", got, err)
	}
	if f.provider.calls != 1 {
		t.Errorf("%d refreshes, want 1", f.provider.calls)
	}
}

// TestSecretManagerStumblesOverTheNewestToken: what cannot be read now is no reason to take the old
// one, which the provider has ended.
func TestSecretManagerStumblesOverTheNewestToken(t *testing.T) {
	f := setup(t, 0)
	f.ledger.fail["settle"] = errors.New("killed")
	if _, err := f.access(t, f.Vault); err == nil {
		t.Fatal("no error from a failed settle")
	}
	delete(f.ledger.fail, "settle")
	f.server.FailNext("AccessSecretVersion", 1, codes.Internal)
	if _, err := f.access(t, f.process(t)); fault.Of(err) != fault.Unavailable {
		t.Errorf("Access: %v, want unavailable", err)
	}
	if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-2-1" || f.provider.calls != 1 {
		t.Errorf("Access at the next run = %q, %v, %d refreshes; want the stored token adopted", got, err, f.provider.calls)
	}
}

func TestKilledBetweenStoringAndPointingWhileATokenIsParked(t *testing.T) {
	f := setup(t, 0)
	f.provider.before = func() { f.server.Down(true) }
	f.provider.lasts = time.Minute // is due again at once
	if _, err := f.access(t, f.Vault); err != nil {
		t.Fatal(err)
	}
	f.provider.before = func() { f.server.Down(false) }
	f.provider.lasts = time.Hour
	f.ledger.fail["settle"] = errors.New("killed")
	if _, err := f.access(t, f.process(t)); err == nil {
		t.Fatal("no error from a failed settle")
	}
	delete(f.ledger.fail, "settle")
	got, err := f.access(t, f.process(t))
	if err != nil || got != "access-marker-3-2" || f.ledger.entry.Parked != nil {
		t.Errorf("Access at the next run = %q, %v, parked %t; want the stored token adopted", got, err, f.ledger.entry.Parked != nil)
	}
}

func TestReadingIsNotWaitedForWithoutEnd(t *testing.T) {
	f := setup(t, time.Hour)
	f.server.Down(true)
	began := time.Now()
	_, err := f.access(t, f.process(t))
	if fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), "Secret Manager is out of order at the moment, the next sync tries again") {
		t.Errorf("Access: %v, want unavailable", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s, the vault's patience is a quarter of a second", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.process(t).Current(ctx, conn); fault.Of(err) != fault.Stopped {
		t.Errorf("Current after a stop: %v, want stopped", err)
	}
}

func TestSecretManagerDownAtTheMomentOfRotation(t *testing.T) {
	f := setup(t, 0)
	f.provider.before = func() { f.server.Down(true) }
	got, err := f.access(t, f.Vault)
	if err != nil || got != "access-marker-2-1" {
		t.Fatalf("Access = %q, %v; want the sealed token in use", got, err)
	}
	if f.ledger.entry.Parked == nil || bytes.Contains(f.ledger.entry.Parked, []byte("marker")) {
		t.Fatalf("parked %q, want a sealed token", f.ledger.entry.Parked)
	}
	if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-2-1" {
		t.Errorf("Access while Secret Manager is out = %q, %v", got, err)
	}
	f.server.Down(false)
	if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-2-1" {
		t.Errorf("Access when it is back = %q, %v", got, err)
	}
	if f.ledger.entry.Parked != nil || f.ledger.entry.Version != 2 {
		t.Errorf("entry %+v, want the token moved to version 2", f.ledger.entry)
	}
	if !strings.Contains(f.log.String(), "Secret Manager did not take a new token") {
		t.Errorf("log says nothing of it:\n%s", f.log)
	}
}
