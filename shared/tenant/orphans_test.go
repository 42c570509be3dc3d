package tenant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// lone puts a secret of a connection that is gone into the vault, whose login is open, and returns its name.
func (w *world) lone() string {
	name := secret(w.slug, "quickbooks", 999)
	w.secrets[name], w.logins[name] = true, true
	return name
}

// TestOrphans: with a secret that no connection has goes the last trace of a login. It is ended first.
func TestOrphans(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		given func(*world, *tenant.Eraser, string)
		again bool // once more, when the first start has said no
		says  string
		want  string // ended, kept, secrets
		open  bool
	}{
		{"ended", func(*world, *tenant.Eraser, string) {}, false, "", "3 0 3", false},
		{"kept", func(_ *world, e *tenant.Eraser, _ string) { e.KeepLogins = true }, false, "the login of the secret SECRET: end it by hand there", "0 3 3", true},
		{"refused", func(w *world, _ *tenant.Eraser, name string) { w.refuses[name] = errors.New("out of order") }, true, "the secret SECRET holds a token", "3 0 3", false},
		{"without an app", func(_ *world, e *tenant.Eraser, _ string) { delete(e.Enders, "quickbooks") }, true, "no app of the provider quickbooks", "3 0 3", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.few = true
			w.settle(w.slug)
			name := w.lone()
			e := w.eraser()
			tt.given(w, e, name)
			x, kept, err := e.Erase(t.Context(), w.slug)
			said := fmt.Sprint(kept)
			if tt.again {
				if err == nil || !w.secrets[name] || !w.logins[name] {
					t.Fatalf("%v, its secret is there: %t, its login is open: %t", err, w.secrets[name], w.logins[name])
				}
				said = err.Error()
				clear(w.refuses)
				x, _, err = w.eraser().Erase(t.Context(), w.slug)
			}
			w.says(said, tt.says, name)
			if got := fmt.Sprint(x.LoginsEnded, x.LoginsKept, x.Secrets); err != nil || got != tt.want || w.logins[name] != tt.open || len(w.secrets) != 0 {
				t.Errorf("%s, open %t, %v; want %s", got, w.logins[name], err, tt.want)
			}
		})
	}
}

// says wants a text in another, of which SECRET stands for name.
func (w *world) says(text, want, name string) {
	w.Helper()
	if want = strings.ReplaceAll(want, "SECRET", name); !strings.Contains(text, want) {
		w.Errorf("it does not say %q: %s", want, text)
	}
}

// TestOrphanAfterTheEnd: what a late process has left is ended as well.
func TestOrphanAfterTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.few = true
	w.settle(w.slug)
	if _, _, err := w.eraser().Erase(t.Context(), w.slug); err != nil {
		t.Fatal(err)
	}
	name := w.lone()
	w.refuses[name] = errors.New("out of order")
	if _, _, err := w.eraser().Erase(t.Context(), w.slug); !fault.Is(err, fault.Unavailable) || !w.secrets[name] {
		t.Errorf("%v, its secret is there: %t", err, w.secrets[name])
	}
	clear(w.refuses)
	if _, kept, err := w.eraser().Erase(t.Context(), w.slug); err != nil || len(kept) != 0 || w.logins[name] || w.secrets[name] {
		t.Errorf("%v, kept %v, its login is open: %t", err, kept, w.logins[name])
	}
}

// TestNothingToEndItWith: a login whose token is gone is not told as ended. Its account is, for the provider's
// support.
func TestNothingToEndItWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.few = true
	w.settle(w.slug)
	bank := account(w.slug, "plaid")
	w.refuses[bank] = tenant.ErrNoToken
	x, kept, err := w.eraser().Erase(t.Context(), w.slug)
	if err != nil || x.LoginsEnded != 1 || x.LoginsKept != 1 {
		t.Fatalf("%+v, %v", x, err)
	}
	if diff := cmp.Diff([]string{bank}, w.open()); diff != "" || len(kept) != 1 || !kept[0].NoToken {
		t.Errorf("kept %v, open (-want +got):\n%s", kept, diff)
	}
	w.says(fmt.Sprint(kept), "may be left at the provider: plaid "+bank+" (connection 2): there is no token to end it with: have the provider's support end it", "")
}
