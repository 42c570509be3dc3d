package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/local/broker"
	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
	"github.com/countinghouse/countinghouse/shared/platform/queue"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/platform/vault/vaulttest"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store"
)

// crowd is many organisations with a small simulated company each, connected without a browser, and
// all that they run on but the functions: those are a process of their own.
type crowd struct {
	server  *postgres.Server
	name    string // of the database
	pool    *pgxpool.Pool
	store   *store.Store
	broker  *broker.Broker
	secrets *vaulttest.Server
	sim     *qbosim.Server
	intuit  *httptest.Server
	vault   *vault.Vault
	conns   []org.Connection
	queue   *queue.Publisher
	environ []string
	closers []func() error
}

const verifier = "local-webhook-verifier"

// newCrowd makes n organisations with companies of some invoices each.
func newCrowd(ctx context.Context, server *postgres.Server, name string, n, invoices int, intuit qbosim.Config) (*crowd, error) {
	c := &crowd{server: server, name: name}
	intuit.ClientID, intuit.ClientSecret, intuit.AccessTTL = clientID, clientID+"-secret", 10_000*time.Hour
	c.sim = qbosim.New(intuit)
	for _, step := range []func(context.Context) error{c.startGoogle, c.startIntuit, c.migrate} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	if err := c.populate(ctx, n, invoices); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *crowd) close() error {
	var errs []error
	for i := len(c.closers) - 1; i >= 0; i-- {
		errs = append(errs, c.closers[i]())
	}
	return errors.Join(errs...)
}

func (c *crowd) onClose(f func() error) { c.closers = append(c.closers, f) }

func (c *crowd) startGoogle(ctx context.Context) (err error) {
	if c.secrets, err = vaulttest.New(vaulttest.Options{}); err != nil {
		return err
	}
	c.onClose(func() error { c.secrets.Close(); return nil })
	if c.broker, err = broker.New(); err != nil {
		return err
	}
	c.onClose(c.broker.Close)
	if err := errors.Join(c.broker.CreateTopic(project, topic), c.broker.CreateSubscription(project, topic, subscription)); err != nil {
		return err
	}
	client, err := queue.New(ctx, queue.Config{Project: project, Emulator: c.broker.Addr()})
	if err != nil {
		return err
	}
	c.onClose(client.Close)
	c.queue = client.Publisher(topic)
	return nil
}

// tick asks for a sync.
func (c *crowd) tick(ctx context.Context, t org.Tick) error {
	_, err := c.queue.Publish(ctx, t.Attributes(), nil)
	return err
}

func (c *crowd) startIntuit(context.Context) error {
	c.intuit = httptest.NewServer(c.sim)
	c.onClose(func() error { c.intuit.Close(); return nil })
	return nil
}

func (c *crowd) migrate(ctx context.Context) (err error) {
	if err := createDatabase(ctx, c.server.URL("postgres"), c.name); err != nil {
		return err
	}
	c.environ = []string{
		"DATABASE_URL=" + asFunctions(c.server.URL(c.name)), "GOOGLE_CLOUD_PROJECT=" + project,
		"PUBSUB_EMULATOR_HOST=" + c.broker.Addr(), "SECRET_MANAGER_EMULATOR_HOST=" + c.secrets.Addr(), "SYNC_TOPIC=" + topic,
		"QUICKBOOKS_CLIENT_ID=" + clientID, "QUICKBOOKS_CLIENT_SECRET=" + clientID + "-secret", "QUICKBOOKS_ENVIRONMENT=sandbox",
		"QUICKBOOKS_API_URL=" + c.intuit.URL, "QUICKBOOKS_TOKEN_URL=" + c.intuit.URL + "/oauth2/v1/tokens/bearer",
		"QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN=" + verifier, "QUICKBOOKS_MONTHLY_CALLS=0", "LOG_LEVEL=error", "DB_MAX_CONNECTIONS=16",
	}
	if c.pool, err = pgxpool.New(ctx, c.server.URL(c.name)); err != nil {
		return err
	}
	c.onClose(func() error { c.pool.Close(); return nil })
	if c.store, err = store.New(c.pool, app.Tables()); err != nil {
		return err
	}
	if err := migrateFor(ctx, c.store, c.server.URL(c.name)); err != nil {
		return err
	}
	secrets, err := vault.OpenSecretManager(ctx, vault.Config{Project: project, Emulator: c.secrets.Addr()})
	if err != nil {
		return err
	}
	c.onClose(secrets.Close)
	seal, err := vault.NewSeal(clientID + "-secret")
	c.vault = &vault.Vault{
		Ledger: c.store.Ledger(), Secrets: secrets, Seal: seal, Patience: 10 * time.Second, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	return err
}

// populate makes organisations, companies and connections, several at a time.
func (c *crowd) populate(ctx context.Context, n, invoices int) error {
	c.conns = make([]org.Connection, n)
	return parallel(4*runtime.NumCPU(), n, func(i int) error {
		slug := fmt.Sprintf("org%05d", i)
		realm := fmt.Sprintf("9130357%09d", i)
		c.sim.AddCompany(qbosim.CompanySpec{Realm: realm, Name: "Company " + slug, Seed: uint64(i), Invoices: invoices})
		return c.connect(ctx, i, slug, realm)
	})
}

func (c *crowd) connect(ctx context.Context, i int, slug, realm string) error {
	if _, err := c.pool.Exec(ctx, `INSERT INTO sync.organisations (slug, name) VALUES ($1, $1)`, slug); err != nil {
		return err
	}
	conn := org.Connection{Org: org.Slug(slug), Provider: quickbooks.Provider, Account: realm, State: org.Active}
	err := c.pool.QueryRow(ctx, `INSERT INTO sync.connections (org_id, provider, account, state) VALUES ($1, $2, $3, 'active') RETURNING id`,
		slug, conn.Provider, realm).Scan(&conn.ID)
	if err != nil {
		return err
	}
	c.conns[i] = conn
	lease, ok, err := c.store.Acquire(ctx, conn.ID, org.Manual, "bench", time.Minute)
	if err != nil || !ok {
		return fmt.Errorf("take the lease of %s: %w", slug, err)
	}
	t := c.sim.IssueTokens(realm)
	now := time.Now()
	err = c.vault.Save(ctx, conn, lease, vault.Token{
		Access: t.Access, Refresh: t.Refresh, AccessExpires: now.Add(9000 * time.Hour), RefreshExpires: now.Add(9000 * time.Hour),
	})
	if err != nil {
		return err
	}
	_, err = c.store.Abandon(ctx, lease)
	return err
}

// parallel calls f for 0 to n-1, at most so many at a time. It returns the first error.
func parallel(at, n int, f func(int) error) error {
	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, at)
	for w := range at {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				errs[w] = f(i)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// functions is the process that is measured: all functions on one port.
type functions struct {
	*child
	URL string
}

// serve starts the functions; port 0: any.
func (c *crowd) serve(ctx context.Context, port int, settings ...string) (*functions, error) {
	args := append([]string{benchFunctions, "-port", fmt.Sprint(port)}, c.environ...)
	p, err := startChild(ctx, append(args, settings...)...)
	if err != nil {
		return nil, err
	}
	f := &functions{child: p}
	if err := p.read(f); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return f, nil
}

// push delivers ticks to the functions until ctx ends.
func (c *crowd) push(ctx context.Context, to string, at int) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.broker.Push(ctx, project, subscription, to+"/functions/syncorg/", broker.PushOptions{Concurrency: at, Log: slog.New(slog.DiscardHandler)}) //nolint:errcheck // ends with ctx
	}()
	return func() { <-done }
}
