package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// quickBooksConnect is QuickBooks' part in connecting.
type quickBooksConnect struct {
	*quickBooks
	redirect string // registered with Intuit letter for letter
}

var _ connect.Provider = quickBooksConnect{}

// Title implements connect.Provider.
func (quickBooksConnect) Title() string { return "QuickBooks" }

// Words implements connect.Provider.
func (quickBooksConnect) Words() connect.Words {
	return connect.Words{Account: "company", Kept: "books"}
}

// Several implements connect.Provider: an organisation's books are in one company.
func (quickBooksConnect) Several() bool { return false }

// StateLife implements connect.Provider.
func (quickBooksConnect) StateLife() time.Duration { return 15 * time.Minute }

// Begin implements connect.Provider. All that is to be known comes in the callback, so there is no memo.
func (q quickBooksConnect) Begin(_ context.Context, start connect.Start) (address string, memo []byte, err error) {
	return q.oauth.AuthorizeURL(start.State, q.redirect), nil, nil
}

// Return implements connect.Provider: the company's realm id comes in the callback and nowhere else.
func (quickBooksConnect) Return(_ context.Context, _ []byte, callback url.Values) (connect.Consent, error) {
	switch reason := callback.Get("error"); reason {
	case "":
	case "access_denied":
		return connect.Consent{}, fault.New(fault.Forbidden, "You did not allow Countinghouse to read the books, so nothing was connected. If that was a mistake, open your link again")
	default:
		return connect.Consent{}, fault.New(fault.Invalid, "QuickBooks could not give consent: check the app's settings in Intuit's developer portal")
	}
	realm, code := callback.Get("realmId"), callback.Get("code")
	if !quickbooks.IsRealm(realm) || code == "" {
		return connect.Consent{}, fault.New(fault.Invalid, "QuickBooks' answer is not complete")
	}
	return connect.Consent{Account: realm, Claim: quickbooks.Secret(code)}, nil
}

// Grant implements connect.Provider. The realm id in the callback could be anybody's: one call with
// the new token shows that it opens this company, before the token replaces another.
func (q quickBooksConnect) Grant(ctx context.Context, c org.Connection, l org.Lease, consent connect.Consent) (account string, err error) {
	code, _ := consent.Claim.(quickbooks.Secret)
	t, err := q.oauth.Exchange(ctx, string(code), q.redirect)
	if err != nil {
		return "", err
	}
	if err := q.check(ctx, c, t); err != nil {
		return "", err
	}
	return c.Account, q.vault.Save(ctx, c, l, q.kept(t))
}

func (q quickBooksConnect) check(ctx context.Context, c org.Connection, t quickbooks.Token) error {
	once := *q.quickBooks
	once.options.Retry = httpclient.Policy{RateWaits: -1} // a person is waiting
	var used engine.Usage
	client := once.client(c, fixed(t.Access), func(call quickbooks.Call) {
		used.Calls++
		if call.Metered {
			used.Metered++
		}
	})
	_, err := client.Count(ctx, quickbooks.Query{Entity: "Customer"})
	q.count(ctx, c, used)
	switch fault.Of(err) {
	case fault.Paused: // the company is closed for now, but it is this one
		return nil
	case fault.Reconnect, fault.Forbidden:
		return fault.Wrap(fault.Forbidden, "This consent does not open company "+c.Account+". Open your link again and sign in as an admin of that company", err)
	}
	return err
}

// count adds calls that no run has made to the connection's usage.
func (q quickBooksConnect) count(ctx context.Context, c org.Connection, used engine.Usage) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countWithin)
	defer cancel()
	if err := q.db.CountCalls(ctx, c.ID, used); err != nil {
		q.log.WarnContext(ctx, "calls not counted", "connection", int64(c.ID), "calls", used.Calls, "err", err.Error())
	}
}

const countWithin = 5 * time.Second

// Revoke implements connect.Provider.
func (q quickBooksConnect) Revoke(ctx context.Context, c org.Connection, l org.Lease) error {
	return ifAny(q.end(ctx, c, l))
}

// ifAny is nil where there was nothing to end a consent with: that is no reason to stay connected.
func ifAny(err error) error {
	if errors.Is(err, tenant.ErrNoToken) {
		return nil
	}
	return err
}

// end ends a consent. Once it has ended the token opens nothing: that it could not be destroyed is told, and
// no failure. tenant.ErrNoToken: nobody has what ends it.
func (q quickBooksConnect) end(ctx context.Context, c org.Connection, l org.Lease) error {
	t, lost, err := q.newest(ctx, c, l)
	none := errors.Is(err, vault.ErrNoToken)
	if err != nil && !none {
		return err
	}
	if !none {
		if err := q.revoke(ctx, t); err != nil {
			return err
		}
	}
	if err := q.vault.Forget(ctx, c, l); err != nil {
		q.log.WarnContext(ctx, "token not destroyed, but its consent has ended", "connection", int64(c.ID), "err", err.Error())
	}
	if none || lost {
		return tenant.ErrNoToken
	}
	return nil
}

// revoke ends the consent that a token belongs to.
func (q quickBooksConnect) revoke(ctx context.Context, t vault.Token) error {
	if err := ofApp(t, q.oauth.ClientID, "QUICKBOOKS_CLIENT_ID"); err != nil {
		return err
	}
	return q.oauth.Revoke(ctx, t.Refresh)
}

// ofApp refuses a token that another app was given: its provider would say of it what it says of one that
// has ended, and the login would be taken for closed.
func ofApp(t vault.Token, app, variable string) error {
	if t.App == "" || t.App == app {
		return nil
	}
	return fault.New(fault.Forbidden, fmt.Sprintf("this login was given to the app %s, and %s is %s: set it, and the app's secret, to the app that has the login", t.App, variable, app))
}

// newest returns the token that ends a consent: it may be one that a killed process has stored without noting
// it, or one whose answer was lost and is asked for once more. lost says that the answer did not come back:
// then what is here is most likely a token that QuickBooks has replaced.
func (q quickBooksConnect) newest(ctx context.Context, c org.Connection, l org.Lease) (t vault.Token, lost bool, err error) {
	if err := q.vault.Adopt(ctx, c, l); err != nil {
		return t, false, unreadable(err)
	}
	e, err := q.vault.Ledger.Entry(ctx, c.ID)
	if err != nil {
		return t, false, err
	}
	t, err = q.vault.Current(ctx, c)
	if errors.Is(err, vault.ErrNoToken) {
		return t, false, err
	}
	if err != nil {
		return t, false, unreadable(err)
	}
	if e.Open == nil {
		return t, false, nil
	}
	_, err = q.vault.Session(c, l, q.refresh).Renew(ctx, t.Access)
	switch {
	case fault.Is(err, fault.Reconnect):
		return t, true, nil
	case err != nil:
		return t, false, err
	}
	t, err = q.vault.Current(ctx, c)
	return t, false, err
}

// fixed is a token that is tried once.
type fixed string

// Access implements quickbooks.Tokens.
func (f fixed) Access(context.Context) (string, error) { return string(f), nil }

// Renew implements quickbooks.Tokens: there is no other.
func (f fixed) Renew(context.Context, string) (string, error) {
	return "", fault.New(fault.Reconnect, "QuickBooks does not accept the new token for this company")
}

// String hides the token.
func (fixed) String() string { return "[secret]" }

// Format hides the token.
func (fixed) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[secret]") }
