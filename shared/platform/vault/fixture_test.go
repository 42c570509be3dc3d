package vault_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

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

// openManager returns the real client, of a stand-in that ends with the test.
func openManager(t *testing.T) (*vault.SecretManager, *vaulttest.Server) {
	t.Helper()
	server, err := vaulttest.New(vaulttest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s, err := vault.OpenSecretManager(t.Context(), vault.Config{Project: "demo", Emulator: server.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test is over
	return s, server
}
