package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

func TestNowhereToStore(t *testing.T) {
	f := setup(t, 0)
	f.server.FailNext("AddSecretVersion", 100, codes.PermissionDenied)
	f.ledger.fail["park"] = errors.New("database down")
	if _, err := f.access(t, f.Vault); fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), "neither in Secret Manager") {
		t.Errorf("Access: %v, want unavailable: a token that is not durable is not used", err)
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
