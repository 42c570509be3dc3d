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
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// QuickBooksConfig describes the Intuit app.
type QuickBooksConfig struct {
	ClientID     string        `env:"QUICKBOOKS_CLIENT_ID,required" help:"of the app, from Intuit's developer portal"`
	ClientSecret config.Secret `env:"QUICKBOOKS_CLIENT_SECRET,required" help:"of the app, from Intuit's developer portal"`
	Environment  string        `env:"QUICKBOOKS_ENVIRONMENT" envDefault:"sandbox" help:"sandbox or production"`
	API          string        `env:"QUICKBOOKS_API_URL" set:"local" help:"instead of that environment's own address"`
	Authorize    string        `env:"QUICKBOOKS_AUTHORIZE_URL" set:"local" help:"instead of that environment's own address"`
	Token        string        `env:"QUICKBOOKS_TOKEN_URL" set:"local" help:"instead of that environment's own address"`
	Revoke       string        `env:"QUICKBOOKS_REVOKE_URL" set:"local" help:"instead of that environment's own address"`
	PerMinute    int           `env:"QUICKBOOKS_CALLS_PER_MINUTE" envDefault:"0" help:"calls for all companies together; 0: only each company's own limits"`
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
	errs = append(errs, fits("QUICKBOOKS_CLIENT_ID", c.ClientID), fits("QUICKBOOKS_CLIENT_SECRET", c.ClientSecret.Reveal()))
	if c.PerMinute < 0 {
		errs = append(errs, errors.New("QUICKBOOKS_CALLS_PER_MINUTE: want 0 or more"))
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

const (
	oauthTimeLimit = 30 * time.Second
	vaultPatience  = 5 * time.Second // a token is stored or parked within the 8 s that a stop leaves
)

// quickBooks joins the client, its limits, and the vault: one for each process.
type quickBooks struct {
	options  quickbooks.Options   // what the clients of all companies share
	limiters *httpclient.Limiters // of this process, for calls in flight
	turns    *turns               // of all processes; nil: none
	oauth    *quickbooks.OAuth
	vault    *vault.Vault
	db       *store.Store
	budget   *budget
	log      *slog.Logger
}

func newQuickBooks(cfg QuickBooksConfig, s SyncConfig, db *store.Store, secrets vault.Secrets, calls *budget, log *slog.Logger, now func() time.Time) (*quickBooks, error) {
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
		limiters: httpclient.NewLimiters(func() *httpclient.Limiter { return httpclient.NewLimiter(callsAtOnce) }),
		turns:    &turns{db, cfg.PerMinute},
		oauth: &quickbooks.OAuth{
			ClientID: cfg.ClientID, ClientSecret: quickbooks.Secret(cfg.ClientSecret.Reveal()), Endpoints: ends,
			HTTP: httpclient.New(httpclient.Options{Timeout: oauthTimeLimit}), Now: now,
		},
		vault:  &vault.Vault{Ledger: db.Ledger(), Secrets: secrets, Seal: seal, Buffer: s.RefreshBuffer, Patience: vaultPatience, Log: log, Now: now},
		budget: calls,
		db:     db,
		log:    log,
	}, nil
}

// open implements engine.Open.
func (q *quickBooks) open(_ context.Context, c org.Connection, l org.Lease) (engine.Source, error) {
	meter := new(qbosource.Meter)
	watched := q.budget.Observe(c.Account)
	observe := func(call quickbooks.Call) { meter.Observe(call); watched(call) }
	return qbosource.New(qbosource.Options{
		Client: q.client(c, timed{q.vault.Session(c, l, q.refresh)}, observe), Meter: meter,
		Tables: quickbooks.Catalog(), Now: q.options.Now,
	}), nil
}

func (q *quickBooks) client(c org.Connection, tokens quickbooks.Tokens, observe func(quickbooks.Call)) *quickbooks.Client {
	o := q.options
	o.Realm, o.Tokens, o.Observe = c.Account, tokens, observe
	o.Limiter = httpclient.NewShared(q.limiters.Get(c.Account), q.turns.gates(c.Account)...)
	return quickbooks.New(o)
}

// refresh implements vault.Refresh.
func (q *quickBooks) refresh(ctx context.Context, refreshToken string) (vault.Token, error) {
	t, err := q.oauth.Refresh(ctx, refreshToken)
	if err != nil && errors.Is(err, quickbooks.ErrAnswerLost) {
		err = answerLost{err}
	}
	return q.kept(t), err
}

// answerLost is a lost answer in the vault's terms and in QuickBooks' words.
type answerLost struct{ error }

func (e answerLost) Unwrap() []error { return []error{vault.ErrAnswerLost, e.error} }

// kept is a token in the vault's form.
func (q *quickBooks) kept(t quickbooks.Token) vault.Token {
	return vault.Token{Access: t.Access, Refresh: t.Refresh, AccessExpires: t.AccessExpires, RefreshExpires: t.RefreshExpires, App: q.oauth.ClientID}
}
