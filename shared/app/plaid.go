package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsource"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// PlaidConfig describes the Plaid app. Without a client id there are no banks here.
type PlaidConfig struct {
	ClientID    string        `env:"PLAID_CLIENT_ID" help:"of the app, from Plaid's dashboard; empty: no banks are connected"`
	Secret      config.Secret `env:"PLAID_SECRET" help:"of the app in that environment, from Plaid's dashboard"`
	Environment string        `env:"PLAID_ENVIRONMENT" envDefault:"sandbox" help:"sandbox or production"`
	API         string        `env:"PLAID_API_URL" set:"local" help:"instead of that environment's own address"`
	Countries   []string      `env:"PLAID_COUNTRIES" envDefault:"US" help:"of the banks, such as US,CA"`
	Recurring   bool          `env:"PLAID_RECURRING" envDefault:"false" help:"read what repeats among transactions, too: Plaid bills this add-on by the bank login and month, from the first reading on"`
	LimitFactor int           `env:"PLAID_LIMIT_FACTOR" envDefault:"1" help:"Plaid's published limits of calls a minute times this, where it has granted more"`
}

// Validate implements config.Validator.
func (c PlaidConfig) Validate() error {
	var errs []error
	if (c.ClientID == "") != (c.Secret == "") {
		errs = append(errs, errors.New("PLAID_CLIENT_ID, PLAID_SECRET: want both, or neither where no banks are connected"))
	}
	if c.Environment != "sandbox" && c.Environment != "production" {
		errs = append(errs, errors.New("PLAID_ENVIRONMENT: want sandbox or production"))
	}
	for name, value := range map[string]string{"PLAID_CLIENT_ID": c.ClientID, "PLAID_SECRET": c.Secret.Reveal()} {
		errs = append(errs, fits(name, value))
	}
	if c.LimitFactor < 1 {
		errs = append(errs, errors.New("PLAID_LIMIT_FACTOR: want 1 or more"))
	}
	if len(c.Countries) == 0 {
		errs = append(errs, errors.New("PLAID_COUNTRIES: want at least one, such as US"))
	}
	if u, err := url.Parse(c.API); c.API != "" && (err != nil || u.Host == "") {
		errs = append(errs, errors.New("PLAID_API_URL: want an address such as https://example.com"))
	}
	return errors.Join(errs...)
}

// recurring is the add-on to transactions that no list of products has: its first call begins its billing.
const recurring = "recurring_transactions"

// addOns are those that are to be read.
func (c PlaidConfig) addOns() []string {
	if c.Recurring {
		return []string{recurring}
	}
	return nil
}

// fits refuses a key that holds what no key holds and no header takes: most often the line break that a
// shell has put behind it.
func fits(name, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errors.New(name + ": white space or a control character stands in it, perhaps a line break at its end")
	}
	return nil
}

// address is where the API is.
func (c PlaidConfig) address() string {
	own := plaid.Sandbox
	if c.Environment == "production" {
		own = plaid.Production
	}
	return strings.TrimRight(cmp.Or(c.API, own), "/")
}

// PlaidLinkConfig is what people are asked for when they connect a bank.
type PlaidLinkConfig struct {
	Name     string   `env:"PLAID_CLIENT_NAME" envDefault:"Countinghouse" help:"as people see it at their bank, at most 30 characters"`
	Products []string `env:"PLAID_PRODUCTS" envDefault:"transactions" help:"that each bank must offer, separated by commas"`
	Optional []string `env:"PLAID_OPTIONAL_PRODUCTS" help:"that are read where the bank offers them, such as liabilities,investments; each costs a subscription of its own"`
	Language string   `env:"PLAID_LANGUAGE" envDefault:"en" help:"of the pages at the bank"`
	Days     int      `env:"PLAID_DAYS" envDefault:"730" help:"of transactions before the day of connecting, 30 to 730; cannot be changed later"`
	Webhook  string   `env:"PLAID_WEBHOOK_URL" help:"where Plaid sends webhooks: the address of the function plaidwebhook; empty: changes are looked for every SYNC_INTERVAL only"`
}

// Validate implements config.Validator.
func (c PlaidLinkConfig) Validate() error {
	var errs []error
	if c.Name == "" || len([]rune(c.Name)) > 30 {
		errs = append(errs, errors.New("PLAID_CLIENT_NAME: want 1 to 30 characters"))
	}
	if slices.Contains(slices.Concat(c.Products, c.Optional), recurring) {
		errs = append(errs, errors.New("PLAID_PRODUCTS, PLAID_OPTIONAL_PRODUCTS: recurring_transactions cannot be asked for here: set PLAID_RECURRING=true"))
	}
	if len(c.Products) == 0 || c.Language == "" {
		errs = append(errs, errors.New("PLAID_PRODUCTS, PLAID_LANGUAGE: want at least one product and a language, such as transactions and en"))
	}
	if c.Days < 30 || c.Days > 730 {
		errs = append(errs, errors.New("PLAID_DAYS: want 30 to 730"))
	}
	if u, err := url.Parse(c.Webhook); c.Webhook != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		errs = append(errs, errors.New("PLAID_WEBHOOK_URL: want an address such as https://example.com/plaidwebhook"))
	}
	return errors.Join(errs...)
}

// banks joins Plaid's client, its limits, and the vault: one for each process.
type banks struct {
	client    *plaid.Client
	options   plaid.Options // of client; its Observe is nobody's
	vault     *vault.Vault
	db        *store.Store
	countries []string
	addOns    []string // that are paid for
	log       *slog.Logger
	now       func() time.Time
}

// newBanks returns nil where no Plaid app is set. It makes no call.
func newBanks(cfg PlaidConfig, s SyncConfig, db *store.Store, secrets vault.Secrets, log *slog.Logger, now func() time.Time) (*banks, error) {
	if cfg.ClientID == "" {
		return nil, nil //nolint:nilnil // there are no banks, which is no failure
	}
	seal, err := vault.NewSeal(cfg.Secret.Reveal())
	if err != nil {
		return nil, err
	}
	b := &banks{
		options: cfg.options(s, now), db: db, countries: cfg.Countries, addOns: cfg.addOns(), log: log, now: now,
		vault: &vault.Vault{Ledger: db.Ledger(), Secrets: secrets, Seal: seal, Buffer: s.RefreshBuffer, Patience: vaultPatience, Log: log, Now: now},
	}
	b.options.Limiter = newPlaidLimits(cfg, db).limiter
	b.client = plaid.New(b.options)
	return b, nil
}

// options are those of a client without limits.
func (c PlaidConfig) options(s SyncConfig, now func() time.Time) plaid.Options {
	return plaid.Options{
		API: c.address(), Environment: c.Environment, ClientID: c.ClientID, Secret: plaid.Secret(c.Secret.Reveal()),
		HTTP:  httpclient.New(httpclient.Options{}),
		Retry: httpclient.Policy{MaxRetries: s.MaxRetries, Delay: s.RetryDelay, RateWaits: 1}, Now: now, // one bank's limits are not for a run to sit out
	}
}

// open implements engine.Open.
func (b *banks) open(_ context.Context, c org.Connection, l org.Lease) (engine.Source, error) {
	meter := new(plaidsource.Meter)
	o := b.options
	o.Observe = meter.Observe
	client := plaid.New(o)
	return plaidsource.New(plaidsource.Options{
		Client: client, Item: client.Item(c.Account, timed{b.vault.Session(c, l, endless)}), Meter: meter,
		Tables: plaid.Catalog(), Now: b.now, Countries: b.countries, AddOns: b.addOns,
	}), nil
}

// endless implements vault.Refresh for tokens that do not end: there is nothing to renew them by.
func endless(context.Context, string) (vault.Token, error) {
	return vault.Token{}, fault.New(fault.Reconnect, "Plaid does not accept this bank's token any more: connect the bank again")
}
