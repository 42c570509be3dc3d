package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/platform/vault/vaulttest"
)

var (
	conn  = org.Connection{ID: 7, Org: "onpoint", Provider: "quickbooks"}
	lease = org.Lease{Connection: 7, Fence: 1}
	start = time.Date(2026, 5, 5, 10, 0, 0, 0, time.UTC)
)

// ledger is PostgreSQL's side in memory, for one connection.
type ledger struct {
	mu     sync.Mutex
	entry  vault.Entry
	fence  int64
	events []string
	fail   map[string]error
}

func (g *ledger) do(what string, l org.Lease, f func()) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.fail[what]; err != nil {
		return err
	}
	if l.Fence != g.fence {
		return fault.New(fault.Conflict, "the lease is lost")
	}
	g.events = append(g.events, what)
	f()
	return nil
}

func (g *ledger) Entry(context.Context, org.ConnectionID) (vault.Entry, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entry, nil
}

func (g *ledger) StartRefresh(_ context.Context, l org.Lease) (a vault.Attempt, err error) {
	err = g.do("start", l, func() {
		a = vault.Attempt{ID: int64(len(g.events)), Started: start}
		g.entry.Open = &a
	})
	return a, err
}

func (g *ledger) EndRefresh(_ context.Context, l org.Lease, _ int64, outcome, _ string) error {
	return g.do("end "+outcome, l, func() { g.entry.Open = nil })
}

func (g *ledger) Settle(_ context.Context, l org.Lease, version int64, expires time.Time) error {
	return g.do("settle", l, func() { g.entry = vault.Entry{Version: version, Expires: expires} })
}

func (g *ledger) Park(_ context.Context, l org.Lease, sealed []byte, expires time.Time) error {
	return g.do("park", l, func() { g.entry.Parked, g.entry.Expires, g.entry.Open = sealed, expires, nil })
}

// provider hands out refresh tokens R1, R2, … of which only the newest is good.
type provider struct {
	mu     sync.Mutex
	newest int
	calls  int
	keep   bool    // repeats the same refresh token, as within a day of its issue
	lose   int     // this many answers get lost after the token was changed
	refuse error   // refuses everything
	empty  bool    // answers without a token
	before func()  // runs before the answer
	events *ledger // shares its list, to see the order
}

func (p *provider) refresh(_ context.Context, token string) (vault.Token, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	p.events.mu.Lock()
	p.events.events = append(p.events.events, "ask")
	p.events.mu.Unlock()
	if p.refuse != nil {
		return vault.Token{}, p.refuse
	}
	if token != fmt.Sprintf("refresh-marker-%d", p.newest) {
		return vault.Token{}, fault.New(fault.Reconnect, "QuickBooks no longer accepts this login")
	}
	if p.empty {
		return vault.Token{}, nil
	}
	if !p.keep {
		p.newest++
	}
	if p.lose > 0 {
		p.lose--
		return vault.Token{}, fault.Wrap(fault.Unavailable, "QuickBooks did not answer", vault.ErrAnswerLost)
	}
	if p.before != nil {
		p.before()
	}
	return p.token(time.Hour), nil
}

func (p *provider) token(lasts time.Duration) vault.Token {
	return vault.Token{Access: fmt.Sprintf("access-marker-%d-%d", p.newest, p.calls), Refresh: fmt.Sprintf("refresh-marker-%d", p.newest), AccessExpires: start.Add(lasts)}
}

type fixture struct {
	*vault.Vault
	ledger   *ledger
	provider *provider
	server   *vaulttest.Server
	log      *bytes.Buffer
}

// setup stores a first token whose access ends after lasts.
func setup(t *testing.T, lasts time.Duration) *fixture {
	t.Helper()
	server, err := vaulttest.New(vaulttest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	f := &fixture{ledger: &ledger{fence: 1, fail: map[string]error{}}, server: server, log: new(bytes.Buffer)}
	f.provider = &provider{newest: 1, events: f.ledger}
	f.Vault = f.process(t)
	if err := f.Save(t.Context(), conn, lease, f.provider.token(lasts)); err != nil {
		t.Fatal(err)
	}
	f.ledger.events = nil
	return f
}

// process returns a vault as another process would have it: same ledger, same secrets, empty memory.
func (f *fixture) process(t *testing.T) *vault.Vault {
	t.Helper()
	secrets, err := vault.OpenSecretManager(t.Context(), vault.Config{Project: "here", Emulator: f.server.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { secrets.Close() })
	seal, err := vault.NewSeal("client-secret-marker")
	if err != nil {
		t.Fatal(err)
	}
	return &vault.Vault{
		Ledger: f.ledger, Secrets: secrets, Seal: seal, Buffer: 5 * time.Minute, Patience: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(f.log, nil)), Now: func() time.Time { return start },
	}
}

func (f *fixture) access(t *testing.T, v *vault.Vault) (string, error) {
	t.Helper()
	return v.Session(conn, lease, f.provider.refresh).Access(t.Context())
}

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
		wantReconnect(t, err, "changed this login's token at 2026-05-05 10:00:00 UTC and its answer never arrived")
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

func TestNowhereToStore(t *testing.T) {
	f := setup(t, 0)
	f.server.FailNext("AddSecretVersion", 1, codes.PermissionDenied)
	f.ledger.fail["park"] = errors.New("database down")
	if _, err := f.access(t, f.Vault); fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), "neither in Secret Manager") {
		t.Errorf("Access: %v, want unavailable: a token that is not durable is not used", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Run("invalid_grant", func(t *testing.T) {
		f := setup(t, 0)
		f.provider.refuse = fault.New(fault.Reconnect, "QuickBooks no longer accepts this login")
		_, err := f.access(t, f.Vault)
		wantReconnect(t, err, "QuickBooks no longer accepts this login")
		if strings.Contains(err.Error(), "never arrived") {
			t.Errorf("error %q speaks of a lost answer", err)
		}
	})
	t.Run("an empty answer keeps the good token", func(t *testing.T) {
		f := setup(t, 0)
		f.provider.empty = true
		if _, err := f.access(t, f.Vault); fault.Of(err) != fault.Unavailable {
			t.Errorf("Access: %v, want unavailable", err)
		}
		f.provider.empty = false
		if got, err := f.access(t, f.process(t)); err != nil || got != "access-marker-2-2" {
			t.Errorf("Access afterwards = %q, %v", got, err)
		}
	})
	t.Run("a late owner journals nothing and asks nothing", func(t *testing.T) {
		f := setup(t, 0)
		f.ledger.fence = 2
		if _, err := f.access(t, f.Vault); fault.Of(err) != fault.Conflict || f.provider.calls != 0 {
			t.Errorf("Access: %v after %d refreshes; want a conflict after none", err, f.provider.calls)
		}
	})
}

func TestForget(t *testing.T) {
	f := setup(t, time.Hour)
	if err := f.Forget(t.Context(), conn, lease); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Current(t.Context(), conn); fault.Of(err) != fault.NotFound {
		t.Errorf("Current: %v, want not found", err)
	}
	if n := f.server.Calls()["DestroySecretVersion"]; n != 1 {
		t.Errorf("%d versions destroyed, want 1", n)
	}
}

func TestTokenPrintsNothing(t *testing.T) {
	token := vault.Token{Access: "access-marker", Refresh: "refresh-marker"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token)
	if all := fmt.Sprintf("%v %+v %#v %s %s", token, token, token, token, log.String()); strings.Contains(all, "marker") {
		t.Errorf("printed: %s", all)
	}
}

func wantReconnect(t *testing.T, err error, words string) {
	t.Helper()
	if fault.Of(err) != fault.Reconnect || !strings.Contains(err.Error(), words) {
		t.Errorf("error %v (%s), want reconnect with %q", err, fault.Of(err), words)
	}
	if err != nil && strings.Contains(err.Error(), "marker") {
		t.Errorf("error %q holds a token", err)
	}
}
