package connect

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

const testKey = "a key for tests, not a short one"

func TestLink(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	give := Link{Org: "onpoint", Provider: "quickbooks", Purpose: Connect, Add: true, Expires: now.Add(time.Hour), Nonce: "n"}
	text, err := NewLink([]byte(testKey), give)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readLink([]byte(testKey), text, now); err != nil || got != give {
		t.Errorf("read back %+v, %v", got, err)
	}
	if _, err := readLink([]byte(testKey), text, now.Add(time.Hour)); !errors.Is(err, errExpired) {
		t.Errorf("an hour later: %v, want expired", err)
	}
	other, err := NewLink([]byte(testKey), Link{Org: "powergen", Provider: "quickbooks", Purpose: Connect, Expires: give.Expires})
	if err != nil {
		t.Fatal(err)
	}
	result, err := signed([]byte(testKey), "result", give)
	if err != nil {
		t.Fatal(err)
	}
	payload, signature, _ := strings.Cut(text, ".")
	foreign, _, _ := strings.Cut(other, ".")
	for name, text := range map[string]string{
		"empty": "", "no signature": payload, "empty signature": payload + ".", "half": text[:len(text)-3], "longer": text + "A",
		"another's payload": foreign + "." + signature, "signed for another use": result, "not base64": "%%%." + signature,
	} {
		if _, err := readLink([]byte(testKey), text, now); !errors.Is(err, errForged) {
			t.Errorf("%s: %v, want forged", name, err)
		}
	}
	if _, err := readLink([]byte("another key that is long enough"), text, now); !errors.Is(err, errForged) {
		t.Errorf("another key: %v, want forged", err)
	}
	if _, err := NewLink([]byte(testKey[:MinKey-1]), give); !fault.Is(err, fault.Invalid) {
		t.Errorf("short key: %v, want it refused", err)
	}
}

func TestLinkURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		public  string
		purpose Purpose
		want    string
	}{
		{"https://books.example.com", Connect, "https://books.example.com/connect/quickbooks?link=a.b"},
		{"https://books.example.com/", Disconnect, "https://books.example.com/connect/quickbooks/disconnect?link=a.b"},
		{"https://example.com/books", Connect, "https://example.com/books/connect/quickbooks?link=a.b"},
	} {
		got, err := LinkURL(tt.public, Link{Provider: "quickbooks", Purpose: tt.purpose}, "a.b")
		if err != nil || got != tt.want {
			t.Errorf("LinkURL(%q, %s) = %q, %v; want %q", tt.public, tt.purpose, got, err, tt.want)
		}
	}
}

func TestParsePublic(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://books.example.com", "https://example.com/books/", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080"} {
		if _, err := ParsePublic(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "books.example.com", "http://books.example.com", "http://localhost.example.com", "http://10.0.0.1", "ftp://localhost", "https://", "https://%zz"} {
		if _, err := ParsePublic(bad); !fault.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "PUBLIC_URL: want ") {
			t.Errorf("%q: %v, want it refused", bad, err)
		}
	}
	if _, err := New(Options{Key: []byte(testKey), Public: "http://books.example.com"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("New: %v, want it refused", err)
	}
}

func TestCallbackURL(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{
		"http://localhost:8080/":    "http://localhost:8080/connect/quickbooks/callback",
		"https://example.com/books": "https://example.com/books/connect/quickbooks/callback",
	} {
		if got, err := CallbackURL(public, "quickbooks"); got != want || err != nil {
			t.Errorf("CallbackURL(%q) = %q, %v; want %q", public, got, err, want)
		}
	}
}

// plain is a provider as far as choosing asks about it.
type plain struct {
	Provider
	several bool
}

func (plain) Title() string   { return "QuickBooks" }
func (plain) Words() Words    { return Words{Account: "company", Kept: "books"} }
func (p plain) Several() bool { return p.several }

// TestChooseAmongSeveral: where an organisation has several accounts as a rule, one more is no mistake,
// and one that the provider has not named yet is a new one.
func TestChooseAmongSeveral(t *testing.T) {
	t.Parallel()
	have := []Existing{
		{Connection: org.Connection{ID: 1, Account: "100", State: org.Active}, Name: "First Bank", Ever: true},
		{Connection: org.Connection{ID: 2, Account: "unnamed x", State: org.Connecting}, Held: true},
	}
	for _, tt := range []struct {
		name    string
		attempt Attempt
		consent Consent
		want    org.ConnectionID
		kind    fault.Kind
		says    string
	}{
		{"a new one", Attempt{}, Consent{}, 0, "", ""},
		{"one that it has", Attempt{}, Consent{Account: "100"}, 1, "", ""},
		{"mended", Attempt{Connection: 1}, Consent{Account: "100", Mends: 1}, 1, "", ""},
		{"mended, says the consent alone", Attempt{}, Consent{Account: "100", Mends: 1}, 1, "", ""},
		{"mended, but gone", Attempt{}, Consent{Account: "300", Mends: 3}, 0, fault.NotFound, "connection 3"},
		{"another than the link names", Attempt{Connection: 1}, Consent{Name: "Second Bank"}, 0, fault.Forbidden, "connects QuickBooks company First Bank again, but you chose company Second Bank"},
	} {
		got, err := tt.attempt.choose(plain{several: true}, tt.consent, have)
		if got != tt.want || fault.Of(err) != tt.kind || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: choose = %d, %v; want %d, kind %q with %q", tt.name, got, err, tt.want, tt.kind, tt.says)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	have := func(id org.ConnectionID, account string, state org.State, ever bool) Existing {
		return Existing{Connection: org.Connection{ID: id, Account: account, State: state}, Ever: ever}
	}
	one := []Existing{have(1, "100", org.Active, true)}
	for _, tt := range []struct {
		name    string
		attempt Attempt
		have    []Existing
		want    org.ConnectionID
		kind    fault.Kind
		says    string
	}{
		{"first", Attempt{}, nil, 0, "", ""},
		{"again", Attempt{}, one, 1, "", ""},
		{"again after disconnecting", Attempt{}, []Existing{have(1, "200", org.Disconnected, true)}, 1, "", ""},
		{"another company", Attempt{}, []Existing{have(1, "100", org.NeedsReauth, true)}, 0, fault.Forbidden, "company 100"},
		{"another company after disconnecting", Attempt{}, []Existing{have(1, "100", org.Disconnected, true)}, 0, fault.Forbidden, "has the data of QuickBooks company 100"},
		{"another company, added", Attempt{Add: true}, one, 0, "", ""},
		{"another company, on a link for one", Attempt{Connection: 1}, []Existing{have(1, "100", org.Active, true)}, 0, fault.Forbidden, "choose company 100"},
		{"a link for one that is not there", Attempt{Connection: 9}, nil, 0, fault.NotFound, "new link"},
		{"after a first try that failed", Attempt{}, []Existing{have(1, "100", org.Disconnected, false)}, 0, "", ""},
		{"one of two", Attempt{}, []Existing{have(1, "100", org.Active, true), have(2, "200", org.Active, true)}, 2, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			consent := Consent{Account: "200"}
			if tt.name == "again" {
				consent.Account = "100"
			}
			got, err := tt.attempt.choose(plain{}, consent, tt.have)
			if got != tt.want || fault.Of(err) != tt.kind || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("choose = %d, %v; want %d, kind %q with %q", got, err, tt.want, tt.kind, tt.says)
			}
		})
	}
}
