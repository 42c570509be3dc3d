package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosource"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// QuickBooksConfig describes the Intuit app.
type QuickBooksConfig struct {
	ClientID     string        `env:"QUICKBOOKS_CLIENT_ID,required" help:"of the app, from Intuit's developer portal"`
	ClientSecret config.Secret `env:"QUICKBOOKS_CLIENT_SECRET,required" help:"of the app, from Intuit's developer portal"`
	Environment  string        `env:"QUICKBOOKS_ENVIRONMENT" envDefault:"sandbox" help:"sandbox or production"`
	API          string        `env:"QUICKBOOKS_API_URL" help:"instead of that environment's own address"`
	Authorize    string        `env:"QUICKBOOKS_AUTHORIZE_URL" help:"instead of that environment's own address"`
	Token        string        `env:"QUICKBOOKS_TOKEN_URL" help:"instead of that environment's own address"`
	Revoke       string        `env:"QUICKBOOKS_REVOKE_URL" help:"instead of that environment's own address"`
}

// Validate implements config.Validator.
func (c QuickBooksConfig) Validate() error {
	var errs []error
	if c.Environment != "sandbox" && c.Environment != "production" {
		errs = append(errs, errors.New("QUICKBOOKS_ENVIRONMENT: want sandbox or production"))
	}
	for _, v := range []struct{ name, address string }{{"API", c.API}, {"AUTHORIZE", c.Authorize}, {"TOKEN", c.Token}, {"REVOKE", c.Revoke}} {
		if u, err := url.Parse(v.address); v.address != "" && (err != nil || u.Host == "") {
			errs = append(errs, errors.New("QUICKBOOKS_"+v.name+"_URL: want an address such as https://example.com/path"))
		}
	}
	return errors.Join(errs...)
}

func (c QuickBooksConfig) endpoints() quickbooks.Endpoints {
	e := quickbooks.Sandbox()
	if c.Environment == "production" {
		e = quickbooks.Production()
	}
	return quickbooks.Endpoints{
		API: cmp.Or(c.API, e.API), Authorize: cmp.Or(c.Authorize, e.Authorize),
		Token: cmp.Or(c.Token, e.Token), Revoke: cmp.Or(c.Revoke, e.Revoke),
	}
}

// Intuit allows 10 calls at once, 10 a second and 500 a minute for each company; a refusal costs a
// minute. The margins are for calls that arrive closer together than they left.
const (
	callsAtOnce    = 9
	callsASecond   = 10
	callsAMinute   = 490
	secondsMargin  = 50 * time.Millisecond
	minutesMargin  = time.Second
	oauthTimeLimit = 30 * time.Second
	vaultPatience  = 15 * time.Second
)

// quickBooks joins the client, its limits, and the vault: one for each process.
type quickBooks struct {
	options  quickbooks.Options // what the clients of all companies share
	limiters *httpclient.Limiters
	oauth    *quickbooks.OAuth
	vault    *vault.Vault
	log      *slog.Logger
}

// QuickBooksLimiter returns a limiter that keeps one company's calls to what Intuit allows.
//
// A new one begins with one call spent: the process that has just connected the company, or that had
// it before us, may have made one this very second.
func QuickBooksLimiter() *httpclient.Limiter {
	l := httpclient.NewLimiter(callsAtOnce,
		httpclient.Window{N: callsASecond, Per: time.Second, Margin: secondsMargin},
		httpclient.Window{N: callsAMinute, Per: time.Minute, Margin: minutesMargin})
	if release, err := l.Wait(context.Background()); err == nil { // a new limiter lets the first one through
		release()
	}
	return l
}

func newQuickBooks(cfg QuickBooksConfig, s SyncConfig, ledger vault.Ledger, secrets vault.Secrets, log *slog.Logger, now func() time.Time) (*quickBooks, error) {
	seal, err := vault.NewSeal(cfg.ClientSecret.Reveal())
	if err != nil {
		return nil, err
	}
	ends := cfg.endpoints()
	return &quickBooks{
		options: quickbooks.Options{
			API: ends.API, HTTP: httpclient.New(httpclient.Options{DisableCompression: true}),
			Retry: httpclient.Policy{MaxRetries: s.MaxRetries, Delay: s.RetryDelay}, Now: now,
		},
		limiters: httpclient.NewLimiters(QuickBooksLimiter),
		oauth: &quickbooks.OAuth{
			ClientID: cfg.ClientID, ClientSecret: quickbooks.Secret(cfg.ClientSecret.Reveal()), Endpoints: ends,
			HTTP: httpclient.New(httpclient.Options{Timeout: oauthTimeLimit}), Now: now,
		},
		vault: &vault.Vault{Ledger: ledger, Secrets: secrets, Seal: seal, Buffer: s.RefreshBuffer, Patience: vaultPatience, Log: log, Now: now},
		log:   log,
	}, nil
}

// open implements engine.Open.
func (q *quickBooks) open(_ context.Context, c org.Connection, l org.Lease) (engine.Source, error) {
	meter := new(qbosource.Meter)
	return qbosource.New(qbosource.Options{
		Client: q.client(c, q.vault.Session(c, l, q.refresh), meter.Observe), Meter: meter,
		Tables: quickbooks.Catalog(), Now: q.options.Now,
	}), nil
}

func (q *quickBooks) client(c org.Connection, tokens quickbooks.Tokens, observe func(quickbooks.Call)) *quickbooks.Client {
	o := q.options
	o.Realm, o.Tokens, o.Observe = c.Account, tokens, observe
	o.Limiter = q.limiters.Get(c.Account)
	return quickbooks.New(o)
}

// refresh implements vault.Refresh.
func (q *quickBooks) refresh(ctx context.Context, refreshToken string) (vault.Token, error) {
	t, err := q.oauth.Refresh(ctx, refreshToken)
	if err != nil && errors.Is(err, quickbooks.ErrAnswerLost) {
		err = answerLost{err}
	}
	return kept(t), err
}

// answerLost is a lost answer in the vault's terms and in QuickBooks' words.
type answerLost struct{ error }

func (e answerLost) Unwrap() []error { return []error{vault.ErrAnswerLost, e.error} }

// kept is a token in the vault's form.
func kept(t quickbooks.Token) vault.Token {
	return vault.Token{Access: t.Access, Refresh: t.Refresh, AccessExpires: t.AccessExpires, RefreshExpires: t.RefreshExpires}
}
