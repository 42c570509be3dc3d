package vault_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
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
	keep   bool          // repeats the same refresh token, as within a day of its issue
	lose   int           // this many answers get lost after the token was changed
	refuse error         // refuses everything
	empty  bool          // answers without a token
	before func()        // runs before the answer
	lasts  time.Duration // of access tokens; zero: an hour
	events *ledger       // shares its list, to see the order
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
	return p.token(cmp.Or(p.lasts, time.Hour)), nil
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
		Ledger: f.ledger, Secrets: secrets, Seal: seal, Buffer: 5 * time.Minute, Patience: 250 * time.Millisecond,
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

func TestNowhereToStore(t *testing.T) {
	f := setup(t, 0)
	f.server.FailNext("AddSecretVersion", 100, codes.PermissionDenied)
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

// TestRefusalIsRemembered: what every further call of a run would only hear again is asked once.
func TestRefusalIsRemembered(t *testing.T) {
	for _, tt := range []struct {
		kind    fault.Kind
		asked   int
		outcome string
	}{
		{fault.Invalid, 1, "end refused"},
		{fault.Forbidden, 1, "end refused"},
		{fault.RateLimited, 3, "end refused"},
		{fault.Unavailable, 3, "end failed"},
		{fault.Stopped, 3, "end failed"},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			f := setup(t, 0)
			f.provider.refuse = fault.New(tt.kind, "check QUICKBOOKS_CLIENT_SECRET")
			s := f.Session(conn, lease, f.provider.refresh)
			for range 3 {
				if _, err := s.Access(t.Context()); fault.Of(err) != tt.kind || !strings.Contains(err.Error(), "QUICKBOOKS_CLIENT_SECRET") {
					t.Errorf("Access: %v, want %s", err, tt.kind)
				}
			}
			if f.provider.calls != tt.asked || f.ledger.events[2] != tt.outcome || len(f.ledger.events) != 3*tt.asked {
				t.Errorf("%d refreshes, steps %v; want %d, each %q", f.provider.calls, f.ledger.events, tt.asked, tt.outcome)
			}
			f.provider.refuse = nil
			if _, err := f.access(t, f.Vault); err != nil {
				t.Errorf("Access at the next run: %v", err)
			}
		})
	}
}

// TestUnusableTokens: connecting again is the only cure, so the whole connection has to say so.
func TestUnusableTokens(t *testing.T) {
	secret := "projects/here/secrets/" + vault.SecretName(conn)
	for name, spoil := range map[string]func(f *fixture, secrets vault.Secrets) error{
		"none was ever stored": func(f *fixture, _ vault.Secrets) error { f.ledger.entry.Version = 0; return nil },
		"its version is destroyed": func(_ *fixture, secrets vault.Secrets) error {
			return secrets.DestroyUpTo(t.Context(), vault.SecretName(conn), 1)
		},
		"its version is something else": func(f *fixture, secrets vault.Secrets) (err error) {
			f.ledger.entry.Version, err = secrets.Add(t.Context(), vault.SecretName(conn), []byte("marker"))
			return err
		},
		"parked under another client secret": func(f *fixture, _ vault.Secrets) error { f.ledger.entry.Parked = []byte("marker, sealed"); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, time.Hour)
			v := f.process(t)
			if err := spoil(f, v.Secrets); err != nil {
				t.Fatal(err, f.server.Versions(secret))
			}
			_, err := f.access(t, v)
			wantReconnect(t, err, "connect again")
			if f.provider.calls != 0 {
				t.Errorf("%d refreshes, want none", f.provider.calls)
			}
		})
	}
}

// TestCertainlyNoToken: who gives a login up because it has no token has to be certain of that. A version
// that is disabled, or not found, may come back.
func TestCertainlyNoToken(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil   func(f *fixture, v *vault.Vault) error
		certain bool
	}{
		"none was ever stored": {func(f *fixture, _ *vault.Vault) error { f.ledger.entry.Version = 0; return nil }, true},
		"destroyed": {func(_ *fixture, v *vault.Vault) error {
			return v.Secrets.DestroyUpTo(t.Context(), vault.SecretName(conn), 1)
		}, true},
		"disabled": {func(f *fixture, _ *vault.Vault) error {
			_, err := f.server.DisableSecretVersion(t.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: "projects/here/secrets/" + vault.SecretName(conn) + "/versions/1"})
			return err
		}, false},
		"not found":                          {func(f *fixture, _ *vault.Vault) error { f.ledger.entry.Version = 9; return nil }, false},
		"parked under another client secret": {func(f *fixture, _ *vault.Vault) error { f.ledger.entry.Parked = []byte("marker, sealed"); return nil }, false},
		"out of order":                       {func(f *fixture, _ *vault.Vault) error { f.server.Down(true); return nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, time.Hour)
			v := f.process(t)
			if err := tt.spoil(f, v); err != nil {
				t.Fatal(err)
			}
			_, err := v.Current(t.Context(), conn)
			_, errSession := f.access(t, v)
			if err == nil || errors.Is(err, vault.ErrNoToken) != tt.certain || errors.Is(errSession, vault.ErrNoToken) != tt.certain {
				t.Errorf("certain: want %t; %v; %v", tt.certain, err, errSession)
			}
		})
	}
}

// stuck is a Secret Manager that answers no Add.
type stuck struct {
	vault.Secrets
	payload []byte
	adds    int
}

func (s *stuck) Add(ctx context.Context, _ string, _ []byte) (int64, error) {
	s.adds++
	<-ctx.Done()
	return 0, ctx.Err()
}

func (s *stuck) Above(context.Context, string, int64) ([]int64, error) { return nil, nil }

func (s *stuck) Get(context.Context, string, int64) ([]byte, error) { return s.payload, nil }

func TestSecretManagerDoesNotAnswer(t *testing.T) {
	for _, patience := range []time.Duration{0, time.Second, 15 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			seal, err := vault.NewSeal("client-secret-marker")
			if err != nil {
				t.Fatal(err)
			}
			g := &ledger{fence: 1, entry: vault.Entry{Version: 1}}
			p := &provider{newest: 1, events: g}
			secrets := &stuck{}
			if secrets.payload, err = json.Marshal(p.token(0)); err != nil {
				t.Fatal(err)
			}
			v := &vault.Vault{
				Ledger: g, Secrets: secrets, Seal: seal, Buffer: 5 * time.Minute, Patience: patience,
				Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return start },
			}
			began := time.Now()
			access, err := v.Session(conn, lease, p.refresh).Access(t.Context())
			if took := time.Since(began); err != nil || g.entry.Parked == nil || took > max(patience, time.Second) {
				t.Errorf("patience %v: parked %t after %v, %v", patience, g.entry.Parked != nil, took, err)
			}
			secrets.adds, began = 0, time.Now()
			s := v.Session(conn, lease, p.refresh)
			for range 3 {
				if again, err := s.Access(t.Context()); err != nil || again != access {
					t.Errorf("patience %v: Access = %q, %v; want the parked token", patience, again, err)
				}
			}
			if took := time.Since(began); secrets.adds != 1 || took > 5*time.Second {
				t.Errorf("patience %v: tried to move the parked token %d times within %v, want once within 5 s", patience, secrets.adds, took)
			}
		})
	}
}

// TestDestroyingIsTakenUpAgain: a version that could not be destroyed is not forgotten.
func TestDestroyingIsTakenUpAgain(t *testing.T) {
	f := setup(t, time.Hour)
	secrets := f.process(t).Secrets
	name := vault.SecretName(conn)
	for range 3 {
		if _, err := secrets.Add(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := secrets.DestroyUpTo(t.Context(), name, 1); err != nil {
		t.Fatal(err)
	}
	f.server.LoseNext("DestroySecretVersion", 1, codes.Unavailable) // one is destroyed, those after it are not
	if err := secrets.DestroyUpTo(t.Context(), name, 3); fault.Of(err) != fault.Unavailable {
		t.Errorf("DestroyUpTo: %v, want unavailable", err)
	}
	if err := secrets.DestroyUpTo(t.Context(), name, 3); err != nil {
		t.Error(err)
	}
	var states []string
	for _, v := range f.server.Versions("projects/here/secrets/" + name) {
		states = append(states, v.State)
	}
	if want := []string{"DESTROYED", "DESTROYED", "DESTROYED", "ENABLED"}; !slices.Equal(states, want) {
		t.Errorf("versions %v, want %v", states, want)
	}
}

// TestTokenThatNeverEnds has no refresh token and no end: it is used until the provider refuses it.
func TestTokenThatNeverEnds(t *testing.T) {
	f := setup(t, time.Hour)
	ctx := t.Context()
	if err := f.Save(ctx, conn, lease, vault.Token{Access: "endless-marker"}); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*vault.Vault{"this process": f.Vault, "another": f.process(t)} {
		if got, err := f.access(t, v); err != nil || got != "endless-marker" {
			t.Errorf("Access in %s = %q, %v", name, got, err)
		}
	}
	f.server.Down(true) // a new one is parked, and used all the same
	if err := f.Save(ctx, conn, lease, vault.Token{Access: "parked-marker"}); err != nil {
		t.Fatal(err)
	}
	if got, err := f.access(t, f.process(t)); err != nil || got != "parked-marker" {
		t.Errorf("Access to a parked one = %q, %v", got, err)
	}
	f.server.Down(false)
	s := f.process(t).Session(conn, lease, f.provider.refresh)
	if got, err := s.Renew(ctx, "endless-marker"); err != nil || got != "parked-marker" {
		t.Errorf("Renew of the one before = %q, %v; want the newest", got, err)
	}
	_, err := s.Renew(ctx, "parked-marker")
	wantReconnect(t, err, "does not accept this connection's token any more: connect again")
	if f.provider.calls != 0 || slices.Contains(f.ledger.events, "start") {
		t.Errorf("%d refreshes, steps %v; want none", f.provider.calls, f.ledger.events)
	}
	for _, bad := range []vault.Token{{}, {Refresh: "refresh-marker"}, {Access: "access-marker", AccessExpires: start}} {
		if err := f.Save(ctx, conn, lease, bad); !fault.Is(err, fault.Unavailable) {
			t.Errorf("half a token was stored: %v", err)
		}
	}
}

// TestRefreshGivesNoEndlessToken: an answer without a refresh token is half an answer where the token
// before it had one.
func TestRefreshGivesNoEndlessToken(t *testing.T) {
	f := setup(t, 0)
	half := func(context.Context, string) (vault.Token, error) { return vault.Token{Access: "half-marker"}, nil }
	if _, err := f.Session(conn, lease, half).Access(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Access: %v, want unavailable", err)
	}
	if got, err := f.access(t, f.Vault); err != nil || got != "access-marker-2-1" {
		t.Errorf("Access at the next run = %q, %v; want the old token renewed", got, err)
	}
}

func TestSeal(t *testing.T) {
	one, errOne := vault.NewSeal("client-secret-marker")
	other, errOther := vault.NewSeal("another-marker")
	if errOne != nil || errOther != nil {
		t.Fatal(errOne, errOther)
	}
	sealed, err := one.Close([]byte("payload-marker"), "a")
	if err != nil || bytes.Contains(sealed, []byte("marker")) {
		t.Fatalf("sealed %q, %v", sealed, err)
	}
	if got, err := one.Open(sealed, "a"); err != nil || string(got) != "payload-marker" {
		t.Errorf("opened %q, %v", got, err)
	}
	spoilt := bytes.Clone(sealed)
	spoilt[len(spoilt)/2] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"for another owner": func() ([]byte, error) { return one.Open(sealed, "b") },
		"another secret":    func() ([]byte, error) { return other.Open(sealed, "a") },
		"a changed byte":    func() ([]byte, error) { return one.Open(spoilt, "a") },
		"nothing":           func() ([]byte, error) { return one.Open(nil, "a") },
		"no key":            func() ([]byte, error) { return vault.Seal{}.Open(sealed, "a") },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s: opened %q", name, got)
		}
	}
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
	all := log.String()
	for _, v := range []any{token, &token, []vault.Token{token}, struct{ T vault.Token }{token}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			all += fmt.Sprintf(verb+"\n", v)
		}
	}
	if strings.Contains(all, "marker") || strings.Contains(all, fmt.Sprintf("%x", "marker")) {
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

// A version that the project does not have may be a wrong setting of ours: customers are left in peace.
func TestSecretOfAnotherProject(t *testing.T) {
	f := setup(t, time.Hour)
	f.ledger.entry.Version = 9
	if _, err := f.access(t, f.process(t)); fault.Of(err) != fault.NotFound || !strings.Contains(err.Error(), "check GOOGLE_CLOUD_PROJECT") {
		t.Errorf("Access: %v, want not found and which setting to look at", err)
	}
}
