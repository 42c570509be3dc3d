package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// intuit answers like the token endpoint and keeps the last request.
func intuit(t *testing.T, answer http.HandlerFunc) (*OAuth, *http.Request, *string) {
	t.Helper()
	last, body := new(http.Request), new(string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*last, *body = *r, string(b)
		w.Header().Set("intuit_tid", "1-abc")
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	e := Sandbox()
	e.Token, e.Revoke = server.URL+"/tokens/bearer", server.URL+"/tokens/revoke"
	return &OAuth{
		ClientID: "client", ClientSecret: marker, Endpoints: e, HTTP: server.Client(),
		Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
	}, last, body
}

func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // a test
	}
}

const (
	jsonType   = "application/json;charset=UTF-8"
	goodTokens = `{"token_type":"bearer","access_token":"` + marker + `-A","refresh_token":"` + marker + `-R","expires_in":"3600","x_refresh_token_expires_in":8726400,"x_refresh_token_hard_expires_in":157494248}`
)

func TestAuthorizeURL(t *testing.T) {
	o := OAuth{ClientID: "client", ClientSecret: marker, Endpoints: Production()}
	got, err := url.Parse(o.AuthorizeURL("st&te", "https://me.example/connect/quickbooks/callback"))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"client_id": {"client"}, "response_type": {"code"}, "scope": {"com.intuit.quickbooks.accounting"},
		"state": {"st&te"}, "redirect_uri": {"https://me.example/connect/quickbooks/callback"}}
	if diff := cmp.Diff(want, got.Query()); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if got.Host+got.Path != "appcenter.intuit.com/connect/oauth2" {
		t.Errorf("page %s", got)
	}
}

func TestExchangeAndRefresh(t *testing.T) {
	o, req, body := intuit(t, says(200, jsonType, goodTokens))
	began := o.Now()
	want := Token{Access: marker + "-A", Refresh: marker + "-R", AccessExpires: began.Add(time.Hour),
		RefreshExpires: began.Add(8726400 * time.Second), RefreshHardExpires: began.Add(157494248 * time.Second)}
	check := func(got Token, err error, form url.Values) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("token differs or %v", err)
		}
		sent, _ := url.ParseQuery(*body)
		if diff := cmp.Diff(form, sent); diff != "" {
			t.Errorf("form (-want +got):\n%s", diff)
		}
		id, secret, _ := req.BasicAuth()
		if id != "client" || secret != marker || req.Header.Get("Accept") != "application/json" || req.Header.Get("x-include-refresh-token-hard-expires-in") != "true" {
			t.Errorf("headers %v", req.Header)
		}
	}
	got, err := o.Exchange(t.Context(), "the-code", "https://me.example/cb")
	check(got, err, url.Values{"grant_type": {"authorization_code"}, "code": {"the-code"}, "redirect_uri": {"https://me.example/cb"}})
	got, err = o.Refresh(t.Context(), "old")
	check(got, err, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"old"}})
}

func TestTokenWithoutItsTime(t *testing.T) {
	for _, said := range []string{``, `,"expires_in":null`, `,"expires_in":0`} {
		o, _, _ := intuit(t, says(200, jsonType, `{"token_type":"bearer","access_token":"a","refresh_token":"r"`+said+`}`))
		if got, err := o.Refresh(t.Context(), "old"); err != nil || !got.AccessExpires.Equal(o.Now().Add(time.Hour)) || !got.RefreshExpires.IsZero() {
			t.Errorf("%s: %v, %v; want an hour", said, got, err)
		}
	}
}

func TestOAuthFailures(t *testing.T) {
	refused := httptest.NewServer(nil)
	refused.Close()
	tests := []struct {
		name  string
		give  http.HandlerFunc // nil: nobody listens
		kind  fault.Kind
		lost  bool
		words string
	}{
		{"invalid_grant", says(400, jsonType, `{"error":"invalid_grant","error_description":"`+marker+`"}`), fault.Reconnect, false, "connect"},
		{"invalid_grant, no description", says(400, jsonType, `{"error":"invalid_grant"}`), fault.Reconnect, false, "connect"},
		{"invalid_client", says(401, jsonType, `{"error":"invalid_client"}`), fault.Invalid, false, "QUICKBOOKS_CLIENT_SECRET"},
		{"invalid_request", says(400, jsonType, `{"error":"invalid_request"}`), fault.Invalid, false, "invalid_request"},
		{"an error of its own", says(400, jsonType, `{"error":"`+marker+`"}`), fault.Invalid, false, "refused"},
		{"429", says(429, jsonType, `{}`), fault.RateLimited, false, "fewer"},
		{"403 HTML", says(403, "text/html", html), fault.Unavailable, false, "403"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x?"+marker, http.StatusFound) }, fault.Unavailable, false, "302"},
		{"502 HTML", says(502, "text/html", html+marker), fault.Unavailable, true, "502"},
		{"500 JSON", says(500, jsonType, goodTokens), fault.Unavailable, true, "500"},
		{"200 HTML", says(200, "text/html", html+marker), fault.Unavailable, true, "no tokens"},
		{"200 empty", says(200, jsonType, ""), fault.Unavailable, true, "no tokens"},
		{"200 cut", says(200, jsonType, goodTokens[:90]), fault.Unavailable, true, "breaks off"},
		{"no access token", says(200, jsonType, `{"refresh_token":"`+marker+`"}`), fault.Unavailable, true, "tokens"},
		{"no refresh token", says(200, jsonType, `{"access_token":"`+marker+`","expires_in":3600}`), fault.Unavailable, true, "tokens"},
		{"null refresh token", says(200, jsonType, `{"access_token":"`+marker+`","refresh_token":null}`), fault.Unavailable, true, "tokens"},
		{"an error in 200", says(200, jsonType, `{"error":"invalid_grant"}`), fault.Reconnect, false, "connect"},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Unavailable, true, "broke"},
		{"cut in the body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "999")
			says(200, jsonType, goodTokens)(w, nil)
			http.NewResponseController(w).Flush() //nolint:errcheck // a test
			panic(http.ErrAbortHandler)
		}, fault.Unavailable, true, "breaks off"},
		{"nobody listens", nil, fault.Unavailable, false, "can't be reached"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, _, _ := intuit(t, tt.give)
			if tt.give == nil {
				o.Endpoints.Token = refused.URL
			}
			_, exchanged := o.Exchange(t.Context(), marker, "https://me.example/cb")
			token, refreshed := o.Refresh(t.Context(), marker)
			for _, err := range []error{exchanged, refreshed} {
				if !fault.Is(err, tt.kind) || errors.Is(err, ErrAnswerLost) != tt.lost {
					t.Errorf("%v: kind %s, lost %v", err, fault.Of(err), errors.Is(err, ErrAnswerLost))
				}
				if !strings.Contains(err.Error(), tt.words) {
					t.Errorf("%v, want the words %q", err, tt.words)
				}
				leaks(t, err)
			}
			if token != (Token{}) {
				t.Error("a token came with the error")
			}
		})
	}
}

// TestOAuthStopped tells a call that was cut short from one that was never sent.
func TestOAuthStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o, _, _ := intuit(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	_, err := o.Refresh(ctx, marker)
	if !fault.Is(err, fault.Stopped) || !errors.Is(err, ErrAnswerLost) || strings.Contains(err.Error(), "\n") {
		t.Errorf("stopped after sending: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	o.HTTP = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
	for _, when := range []string{"connecting", "not even that"} {
		if _, err = o.Refresh(ctx, marker); !fault.Is(err, fault.Stopped) || errors.Is(err, ErrAnswerLost) {
			t.Errorf("stopped before sending, %s: %v", when, err)
		}
		leaks(t, err)
	}
}

func TestRevoke(t *testing.T) {
	for _, tt := range []struct {
		name string
		give http.HandlerFunc
		kind fault.Kind
	}{
		{"done", says(200, "", ""), ""},
		{"unknown token", says(400, "", ""), ""},
		{"unknown token, said", says(400, jsonType, `{"error":"invalid_grant"}`), ""},
		{"wrong keys, as some say it", says(400, jsonType, `{"error":"invalid_client"}`), fault.Invalid},
		{"not this app's", says(400, jsonType, `{"error":"unauthorized_client"}`), fault.Invalid},
		{"refused for another reason", says(400, jsonType, `{"error":"unsupported_token_type"}`), fault.Invalid},
		{"something on the way", says(400, "text/html", html), fault.Unavailable},
		{"an error of another form", says(400, jsonType, `{"fault":{"type":"x"}}`), fault.Unavailable},
		{"wrong keys", says(401, jsonType, `{"error":"invalid_client"}`), fault.Invalid},
		{"down", says(503, "text/html", html), fault.Unavailable},
		{"busy", says(429, "", ""), fault.RateLimited},
	} {
		o, req, body := intuit(t, tt.give)
		err := o.Revoke(t.Context(), marker)
		if fault.Of(err) != tt.kind {
			t.Errorf("%s: %v", tt.name, err)
		}
		leaks(t, err)
		id, secret, _ := req.BasicAuth()
		if *body != `{"token":"`+marker+`"}` || req.Header.Get("Content-Type") != "application/json" || id != "client" || secret != marker {
			t.Errorf("%s: sent %s with %v", tt.name, *body, req.Header)
		}
	}
}

func TestNothingShowsTokens(t *testing.T) {
	tok := Token{Access: marker, Refresh: marker, AccessExpires: time.Unix(1e9, 0)}
	o := OAuth{ClientSecret: marker}
	values := []any{tok, &tok, o, &o, o.ClientSecret, []Token{tok}, map[string]Token{"a": tok}, struct{ T Token }{tok}}
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		b, _ := json.Marshal(v)
		out.Write(b)
	}
	if s := out.String(); strings.Contains(s, marker) || strings.Contains(s, fmt.Sprintf("%x", marker)) {
		t.Errorf("shown in:\n%s", s)
	}
	if _, err := json.Marshal(tok); err == nil {
		t.Error("a token became JSON")
	}
	if !strings.Contains(tok.String(), "2001-09-09T01:46:40Z") {
		t.Errorf("%s lacks its times", tok)
	}
}
