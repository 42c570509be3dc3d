package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Endpoints are QuickBooks' addresses. Any of them may be set to another one.
// Source: Intuit, OAuth 2.0; the discovery documents.
type Endpoints struct{ API, Authorize, Token, Revoke string }

// Production returns the addresses of real companies.
func Production() Endpoints { return endpoints("https://quickbooks.api.intuit.com") }

// Sandbox returns the addresses of developers' companies: only that of the API differs.
func Sandbox() Endpoints { return endpoints("https://sandbox-quickbooks.api.intuit.com") }

func endpoints(api string) Endpoints {
	return Endpoints{
		API:       api,
		Authorize: "https://appcenter.intuit.com/connect/oauth2",
		Token:     "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
		Revoke:    "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
	}
}

// scope is reading and writing the books: there is none for reading only.
const scope = "com.intuit.quickbooks.accounting"

// ErrAnswerLost is in the chain of an OAuth error when the request may have reached Intuit and no
// complete answer came: the code may be used up, the refresh token may have been replaced. Without
// it nothing was sent, or Intuit clearly refused, and nothing has changed there.
var ErrAnswerLost = errors.New("no complete answer came, so it may have taken effect")

// OAuth gets, refreshes and ends the tokens of one Intuit app. Each method makes one attempt: the
// caller journals it before and decides about another one. Two refreshes of one connection at a time
// may end the connection: Intuit takes the second for theft.
//
// Errors: fault.Reconnect (invalid_grant: only the customer can mend it), Invalid (the app's keys, or
// a request that Intuit doesn't take), RateLimited, Unavailable (5xx, no JSON, no tokens, network), Stopped (ctx).
// See [ErrAnswerLost]. None shows a token, a code, a secret or the answer.
//
// Source: Intuit, OAuth 2.0; Important changes to refresh token policy (2025-11-12).
type OAuth struct {
	ClientID     string
	ClientSecret Secret
	Endpoints    Endpoints
	HTTP         *http.Client     // nil: http.DefaultClient
	Now          func() time.Time // nil: time.Now
}

// AuthorizeURL returns the page where a company's admin allows the app to read it. Intuit sends them
// to redirect, which must be registered letter for letter, with code, state and realmId, or with error.
func (o *OAuth) AuthorizeURL(state, redirect string) string {
	return o.config(redirect).AuthCodeURL(state)
}

// Exchange turns the code of a redirect into tokens. A code is good for one try and some minutes.
func (o *OAuth) Exchange(ctx context.Context, code, redirect string) (Token, error) {
	return o.token(ctx, "the code from QuickBooks is used up or too old: start connecting again",
		func(ctx context.Context) (*oauth2.Token, error) { return o.config(redirect).Exchange(ctx, code) })
}

// Refresh returns new tokens for a refresh token. Token.Refresh may have another value than before:
// store it durably before the new access token is used.
func (o *OAuth) Refresh(ctx context.Context, refreshToken string) (Token, error) {
	if refreshToken == "" {
		return Token{}, fault.New(fault.Reconnect, "there is no refresh token for QuickBooks: connect the company again")
	}
	return o.token(ctx, "QuickBooks doesn't accept this connection any more (disconnected there, not used for 100 days, or too old): connect the company again",
		func(ctx context.Context) (*oauth2.Token, error) {
			return o.config("").TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
		})
}

// Revoke ends the whole connection that token, an access or a refresh token, belongs to. One that
// Intuit doesn't know is ended already: no error.
func (o *OAuth) Revoke(ctx context.Context, token string) error {
	body, err := json.Marshal(map[string]string{"token": token})
	if err != nil {
		return fault.New(fault.Internal, "a token can't be written as JSON")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.Endpoints.Revoke, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "the address for ending connections is not one: check QUICKBOOKS_REVOKE_URL")
	}
	req.SetBasicAuth(o.ClientID, string(o.ClientSecret))
	req.Header.Set("Content-Type", "application/json")
	var seen exchange
	res, err := o.client(&seen).Do(req)
	if err != nil {
		return o.failed(ctx, &seen, err, "")
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var refusal struct {
		Error string `json:"error"`
	}
	json.Unmarshal(answer, &refusal) //nolint:errcheck // the good answer is empty
	switch {
	case res.StatusCode == http.StatusOK, res.StatusCode == http.StatusNoContent:
		return nil
	case res.StatusCode == http.StatusBadRequest && err == nil && unknownToken(answer, refusal.Error):
		return nil
	default:
		return o.failed(ctx, &seen, &oauth2.RetrieveError{Response: res, ErrorCode: refusal.Error}, "")
	}
}

// unknownToken reports whether a refusal (status 400) to end a connection says that there is none: Intuit's own is
// empty. Any other leaves the connection open, such as one of the app, or of something on the way to Intuit.
func unknownToken(answer []byte, code string) bool {
	switch code {
	case "":
		return len(bytes.TrimSpace(answer)) == 0
	case "invalid_grant", "invalid_token":
		return true
	}
	return false
}

func (o *OAuth) config(redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: o.ClientID, ClientSecret: string(o.ClientSecret), RedirectURL: redirect, Scopes: []string{scope},
		Endpoint: oauth2.Endpoint{AuthURL: o.Endpoints.Authorize, TokenURL: o.Endpoints.Token, AuthStyle: oauth2.AuthStyleInHeader},
	}
}

func (o *OAuth) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// token makes the one attempt and reads its answer; used is the message for invalid_grant.
func (o *OAuth) token(ctx context.Context, used string, get func(context.Context) (*oauth2.Token, error)) (Token, error) {
	var seen exchange
	began := o.now()
	t, err := get(context.WithValue(ctx, oauth2.HTTPClient, o.client(&seen)))
	if err != nil {
		return Token{}, o.failed(ctx, &seen, err, used)
	}
	// The library puts the old refresh token where the answer has none: the answer itself is asked.
	refresh, _ := t.Extra("refresh_token").(string)
	if t.AccessToken == "" || refresh == "" {
		return Token{}, &fault.Error{Kind: fault.Unavailable, Msg: "QuickBooks sent an answer without tokens", Ref: seen.id, Err: ErrAnswerLost}
	}
	expires := after(began, t.Extra("expires_in"))
	if expires.IsZero() { // not said: a token without an end in sight would be renewed at each call
		expires = began.Add(time.Hour).UTC()
	}
	return Token{
		Access: t.AccessToken, Refresh: refresh,
		AccessExpires:      expires,
		RefreshExpires:     after(began, t.Extra("x_refresh_token_expires_in")),
		RefreshHardExpires: after(began, t.Extra("x_refresh_token_hard_expires_in")),
	}, nil
}
