package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/local/broker"
	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
	"github.com/countinghouse/countinghouse/shared/platform/queue"
	"github.com/countinghouse/countinghouse/shared/platform/vault/vaulttest"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store"
)

// options say what to start.
type options struct {
	data           string // kept between starts; empty: everything is thrown away at the end
	port           int
	interval       time.Duration
	invoices       int
	stdout, stderr io.Writer
	level          slog.Level // what of the functions' log is printed
	simulated      bool       // even when the caller has named an Intuit app
	rotate         bool       // the simulated Intuit ends a refresh token whenever it is used
	environ        []string   // the caller's: see passes

	met func(*http.Request) // told of each request to the simulated Intuit before it is answered; nil: nobody is
}

// organisation is one of the demo's tenants, its company and its bank at the simulated providers.
type organisation struct {
	org.Organisation
	realm, company string
	seed           uint64
	share          int // its invoices and transactions are those of options divided by this
	bank           bank
}

func organisations() []organisation {
	return []organisation{
		{org.Organisation{Slug: "onpoint", Name: "OnPoint"}, "9130357766900101", "OnPoint Generator Service", 11, 1, bank{"ins_109508", "First Platypus Bank"}},
		{org.Organisation{Slug: "powergen", Name: "PowerGen"}, "9130357766900202", "PowerGen Standby Power", 12, 2, bank{"ins_109511", "Tartan Bank"}},
	}
}

const (
	project      = "countinghouse-local"
	topic        = "sync-ticks"
	subscription = "sync-org"
	database     = "countinghouse"
	clientID     = "local-client"
)

// platform is everything, running.
type platform struct {
	options
	url       string   // of the page and the functions
	database  string   // of PostgreSQL, for its owner
	consent   []string // origins of the providers' own pages
	key       string   // signs the connect links
	settings  []string
	log       *slog.Logger
	sim       *qbosim.Server
	hooks     *qbosim.Webhooks // what the simulator tells; nil: a real app's webhooks do not reach this machine
	banks     *plaidsim.Server // nil: a real Plaid app
	bankHooks *plaidsim.Webhooks
	saves     []func() error // keep the simulators' state; none: it is thrown away
	server    *postgres.Server
	store     *store.Store
	ticks     *queue.Publisher
	broker    *broker.Broker
	secrets   *vaulttest.Server
	closers   []func() error // called last first
	listening net.Listener
}

// start brings everything up, in the order in which it depends on each other. It tells on stderr
// what it does. What has been started is closed again when something fails.
func start(ctx context.Context, o options) (*platform, error) {
	p := newPlatform(o)
	return p, p.bring(ctx, []step{
		{"PostgreSQL", p.startPostgres},
		{"Secret Manager and Pub/Sub, in process", p.startGoogle},
		{"the address", p.listen},
		{"QuickBooks Online, or its simulator", p.startQuickBooks},
		{"Plaid, or its simulator", p.startPlaid},
		{"the database's tables", p.migrate},
		{"the functions", p.startFunctions},
	})
}

// newPlatform is one of which nothing is started yet.
func newPlatform(o options) *platform {
	return &platform{options: o, log: slog.New(slog.NewTextHandler(o.stderr, &slog.HandlerOptions{Level: o.level}))}
}

// step is one part that is started.
type step struct {
	what string
	do   func(context.Context) error
}

// bring starts the parts one after the other. When one fails everything is closed again.
func (p *platform) bring(ctx context.Context, steps []step) error {
	for _, step := range steps {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", step.what, err), p.close())
		}
		p.say("%-42s %5d ms", step.what, time.Since(began).Milliseconds())
	}
	return nil
}

func (p *platform) say(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) }

func (p *platform) onClose(f func() error) { p.closers = append(p.closers, f) }

// close stops everything, last started first.
func (p *platform) close() error {
	var errs []error
	for len(p.closers) > 0 {
		last := p.closers[len(p.closers)-1]
		p.closers = p.closers[:len(p.closers)-1]
		errs = append(errs, last())
	}
	return errors.Join(errs...)
}

func (p *platform) startPostgres(ctx context.Context) error {
	o := postgres.Options{Durable: p.data != "", Progress: func(what string) { p.say("  %s", what) }}
	if p.data != "" {
		o.Dir = filepath.Join(p.data, "postgres")
	}
	server, err := postgres.Start(ctx, o)
	if err != nil {
		return err
	}
	p.onClose(server.Stop)
	p.server, p.database = server, server.URL(database)
	return createDatabase(ctx, server.URL("postgres"), database)
}

func (p *platform) startGoogle(context.Context) error {
	o := vaulttest.Options{}
	var err error
	if p.key, err = signingKey(p.data); err != nil {
		return err
	}
	if p.data != "" {
		o.File = filepath.Join(p.data, "secrets.json")
	}
	if p.secrets, err = vaulttest.New(o); err != nil {
		return err
	}
	p.onClose(func() error { p.secrets.Close(); return nil })
	if p.broker, err = broker.New(); err != nil {
		return err
	}
	p.onClose(p.broker.Close)
	if err := p.broker.CreateTopic(project, topic); err != nil {
		return err
	}
	return p.broker.CreateSubscription(project, topic, subscription)
}

// listen takes the port early: the address of the callback must be known before anything uses it.
func (p *platform) listen(context.Context) error {
	var err error
	if p.listening, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p.port)); err != nil {
		return fmt.Errorf("port %d cannot be had, choose another with -port: %w", p.port, err)
	}
	p.url = "http://" + p.listening.Addr().String()
	return nil
}

// environment returns what the functions and jobs get to see, like in the cloud.
func (p *platform) environment() []string {
	var names, custom []string
	for _, o := range organisations() {
		names = append(names, string(o.Slug)+"="+o.Name)
		for _, view := range []string{"customers", "invoices"} {
			custom = append(custom, string(o.Slug)+"/"+view+"/Generator Model=generatormodel", string(o.Slug)+"/"+view+"/Engine Model=enginemodel")
		}
	}
	settings := append([]string{
		"DATABASE_URL=" + asFunctions(p.database),
		"GOOGLE_CLOUD_PROJECT=" + project,
		"PUBSUB_EMULATOR_HOST=" + p.broker.Addr(),
		"SECRET_MANAGER_EMULATOR_HOST=" + p.secrets.Addr(),
		"SYNC_TOPIC=" + topic,
		"PUBLIC_URL=" + p.url,
		"ORGANISATIONS=" + strings.Join(names, ","),
		"CUSTOM_FIELD_COLUMNS=" + strings.Join(custom, ","),
		"CONNECT_SIGNING_KEY=" + p.key,
		"QUICKBOOKS_ENVIRONMENT=sandbox",
		"PLAID_ENVIRONMENT=sandbox",
		"SYNC_INTERVAL=" + p.interval.String(),
	}, p.settings...)
	for _, kv := range p.environ { // the later wins
		if p.passes(kv) {
			settings = append(settings, kv)
		}
	}
	return settings
}

// ownerEnvironment is what the jobs get to see that work as the owner of the database.
func (p *platform) ownerEnvironment() []string {
	return append(p.environment(), "DATABASE_URL="+p.database, "DB_PROGRAM_USERS="+functionsLogin)
}

// passes reports whether a variable of the caller's is meant for the functions here. Others, such as
// GOOGLE_CLOUD_PROJECT or DATABASE_URL, are about another place than this machine.
func (p *platform) passes(kv string) bool {
	name, value, _ := strings.Cut(kv, "=")
	behaviour := strings.HasPrefix(name, "SYNC_") && name != "SYNC_TOPIC" || name == "TOKEN_REFRESH_BUFFER" || name == "WEBHOOK_COLLECT"
	return value != "" && (behaviour || !p.simulated && (strings.HasPrefix(name, "QUICKBOOKS_") || strings.HasPrefix(name, "PLAID_")))
}

// set reports whether the caller has given a variable that is meant for here.
func (p *platform) set(name string) bool {
	return slices.ContainsFunc(p.environ, func(kv string) bool { return strings.HasPrefix(kv, name+"=") && p.passes(kv) })
}

func (p *platform) migrate(ctx context.Context) error {
	if err := createLogin(ctx, p.database); err != nil {
		return err
	}
	if err := app.Migrate.Run(ctx, nil, p.ownerEnvironment(), io.Discard, io.Discard); err != nil {
		return err
	}
	pool, err := store.Open(ctx, store.Config{DatabaseURL: config.Secret(p.database)})
	if err != nil {
		return err
	}
	p.onClose(func() error { pool.Close(); return nil })
	p.store, err = store.New(pool, app.Tables())
	return err
}

// up runs the platform until ctx ends.
func up(ctx context.Context, o options) error {
	p, err := start(ctx, o)
	if err != nil {
		return err
	}
	p.say("\nopen   %s\npsql   %s", p.url, p.database)
	for _, o := range organisations() {
		p.say("       %s   (what %s's own login sees)", strings.Replace(p.database, "postgres@", "reader_"+string(o.Slug)+"@", 1), o.Name)
	}
	p.say("Ctrl-C stops it; data stays in %s\n", p.data)
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	p.run(running)
	<-ctx.Done()
	p.say("stopping")
	cancel()
	return p.close()
}

// keep saves the simulators' state again and again, so that an end without a stop loses little.
func (p *platform) keep(ctx context.Context) {
	if len(p.saves) == 0 {
		return
	}
	every := time.NewTicker(2 * time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			for _, save := range p.saves {
				if err := save(); err != nil {
					p.log.ErrorContext(ctx, "a simulated provider is not saved", "err", err)
				}
			}
		}
	}
}

// kept loads a simulator's state from a file of the data folder, and has it saved there from now on.
// found is false when there is none, or when all is thrown away at the end.
func (p *platform) kept(name string, load func(file string) (bool, error), save func(file string) error) (found bool, err error) {
	if p.data == "" {
		return false, nil
	}
	file := filepath.Join(p.data, name)
	if found, err = load(file); err != nil {
		return false, fmt.Errorf("%w (delete %s to begin anew)", err, p.data)
	}
	keep := func() error { return save(file) }
	p.saves = append(p.saves, keep)
	p.onClose(keep)
	return found, nil
}

// signingKey is random, and kept with the data.
func signingKey(data string) (string, error) {
	key := rand.Text() + rand.Text()
	if data == "" {
		return key, nil
	}
	file := filepath.Join(data, "connect-signing-key")
	kept, err := os.ReadFile(file)
	if err == nil && len(kept) >= len(key) {
		return string(kept), nil
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return "", err
	}
	return key, os.WriteFile(file, []byte(key), 0o600)
}
