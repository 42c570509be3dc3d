package tracing

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGoogleIsToldWhoWeAre signs in as a service account at a stand-in: the way in which the libraries of
// Google's find an account is the same on Cloud Run.
func TestGoogleIsToldWhoWeAre(t *testing.T) {
	asked := 0
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"access_token":"of-the-account","token_type":"Bearer","expires_in":3600}`))
	}))
	defer issuer.Close()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	h := &heard{}
	client := &http.Client{Transport: &signed{next: h}}
	if _, err := client.Get("https://telemetry.googleapis.com/v1/traces"); err == nil {
		t.Fatal("it went without an account")
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", account(t, issuer.URL))
	for range 2 {
		res, err := client.Get("https://telemetry.googleapis.com/v1/traces")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if !slices.Equal(h.keys, []string{"Bearer of-the-account", "Bearer of-the-account"}) || asked != 1 {
		t.Errorf("it showed %q, and asked for a token %d times", h.keys, asked)
	}
}

// TestSigningInHangs: who waits for a token waits no longer than for anything else, and asks once.
func TestSigningInHangs(t *testing.T) {
	asked, release := make(chan struct{}, 10), make(chan struct{})
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"access_token":"at-last","token_type":"Bearer","expires_in":3600}`))
	}))
	defer issuer.Close()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", account(t, issuer.URL))
	h := &heard{}
	s := &signed{next: h}
	for i := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		body := &closing{Reader: strings.NewReader("x")}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://telemetry.googleapis.com/v1/traces", body)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			go func() {
				<-asked
				cancel()
			}()
		} else {
			cancel()
		}
		if _, err := s.RoundTrip(r); !errors.Is(err, context.Canceled) || !body.closed { //nolint:bodyclose // there is none
			t.Errorf("it ends with %v, its body closed: %t", err, body.closed)
		}
	}
	close(release)
	res, err := (&http.Client{Transport: s}).Get("https://telemetry.googleapis.com/v1/traces")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if !slices.Equal(h.keys, []string{"Bearer at-last"}) || len(asked) != 0 {
		t.Errorf("it showed %q, and asked for a token %d times more", h.keys, len(asked))
	}
}

// closing is a body that knows whether it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

// A collector, whoever runs it, is not shown our account.
func TestNobodyElseIsToldWhoWeAre(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://telemetry.googleapis.com": true, "https://telemetry.europe-west2.rep.googleapis.com": true,
		"https://googleapis.com.example": false, "https://notgoogleapis.com": false, "http://127.0.0.1:4318": false,
	} {
		client := newClient(parsed(t, endpoint))
		if _, is := client.Transport.(*signed); is != want {
			t.Errorf("%s is told: %t", endpoint, is)
		}
	}
	if client := newClient(parsed(t, "http://127.0.0.1:4318")); client.Timeout != exportLimit {
		t.Errorf("a call may take %s", client.Timeout)
	}
}

func parsed(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// account writes the key of a service account whose tokens an issuer gives.
func account(t *testing.T, issuer string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "run-syncorg@demo.iam.gserviceaccount.com", "token_uri": issuer,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
