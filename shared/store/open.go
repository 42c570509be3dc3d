package store

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/config"
)

// Config says where the database is: its address, or the Cloud SQL instance and the account that
// signs in to it through IAM. The address wins.
type Config struct {
	DatabaseURL config.Secret `env:"DATABASE_URL" set:"local" help:"address of PostgreSQL, postgres://user:password@host/database"`
	Instance    string        `env:"INSTANCE_CONNECTION_NAME" help:"Cloud SQL instance, project:region:name"`
	User        string        `env:"DB_IAM_USER" help:"database user of the service account, without .gserviceaccount.com"`
	Name        string        `env:"DB_NAME" help:"database in the instance"`
	Connections int32         `env:"DB_MAX_CONNECTIONS" envDefault:"4" help:"connections to the database that one process makes at most"`
}

// Validate names the variables that are missing or wrong, and shows no address.
func (c Config) Validate() error {
	if c.Connections < 0 {
		return errors.New("DB_MAX_CONNECTIONS: want 1 or more")
	}
	if c.DatabaseURL != "" {
		if _, err := pgxpool.ParseConfig(c.DatabaseURL.Reveal()); err != nil { // whose text may hold the address
			return errors.New("DATABASE_URL: want an address such as postgres://user:password@host/database")
		}
		return nil
	}
	if c.Instance != "" && c.User != "" && c.Name != "" {
		return nil
	}
	return errors.New("DATABASE_URL is not set, nor are all of INSTANCE_CONNECTION_NAME, DB_IAM_USER and DB_NAME")
}

// usual is how many connections a process makes that names no number: a function's instance serves
// few requests at a time, and there are many instances.
const usual = 4

// Times after which the server gives up for us, so that nothing of a killed process lingers.
const (
	statementTimeout = 60 * time.Second
	lockTimeout      = 20 * time.Second
	idleTimeout      = 60 * time.Second // in a transaction
	connectTimeout   = 10 * time.Second
)

// Open returns a pool of connections that are made when they are first needed: it asks the
// database nothing. Whoever calls it closes it. Errors: fault.Invalid for settings that cannot be.
func Open(ctx context.Context, c Config) (*pgxpool.Pool, error) {
	if err := c.Validate(); err != nil {
		return nil, fault.New(fault.Invalid, err.Error())
	}
	pool, err := c.pool()
	if err != nil {
		return nil, err
	}
	if c.DatabaseURL == "" {
		if err := throughCloudSQL(ctx, pool, c.Instance); err != nil {
			return nil, err
		}
	}
	opened, err := pgxpool.NewWithConfig(ctx, pool)
	return opened, failure("open the database", err)
}

func (c Config) pool() (*pgxpool.Config, error) {
	address := "sslmode=disable" // the connector encrypts
	if c.DatabaseURL != "" {
		address = c.DatabaseURL.Reveal()
	}
	pool, err := pgxpool.ParseConfig(address)
	if err != nil { // Validate has tried; the text may hold the address
		return nil, fault.New(fault.Invalid, "the address of the database cannot be read")
	}
	if c.DatabaseURL == "" {
		pool.ConnConfig.User, pool.ConnConfig.Database = c.User, c.Name
	}
	pool.MaxConns = cmp.Or(c.Connections, usual)
	pool.MinConns = 0
	pool.MaxConnIdleTime = 5 * time.Minute
	pool.ConnConfig.ConnectTimeout = connectTimeout
	settings := pool.ConnConfig.RuntimeParams
	for name, value := range map[string]string{
		"application_name":                    "countinghouse",
		"timezone":                            "UTC",
		"plan_cache_mode":                     "force_custom_plan", // a plan made for a small table is kept when it has grown
		"jit":                                 "off",               // compiling takes longer than any statement here
		"statement_timeout":                   millis(statementTimeout),
		"lock_timeout":                        millis(lockTimeout),
		"idle_in_transaction_session_timeout": millis(idleTimeout),
	} {
		if settings[name] == "" {
			settings[name] = value
		}
	}
	return pool, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// throughCloudSQL makes pool dial the instance's private address, signed in by IAM. Certificates are
// renewed when a connection needs one: between requests a function has no processor to do it.
func throughCloudSQL(ctx context.Context, pool *pgxpool.Config, instance string) error {
	dialer, err := cloudsqlconn.NewDialer(ctx,
		cloudsqlconn.WithIAMAuthN(),
		cloudsqlconn.WithLazyRefresh(),
		cloudsqlconn.WithBuiltInMetrics(false),
		cloudsqlconn.WithDefaultDialOptions(cloudsqlconn.WithPrivateIP()),
	)
	if err != nil {
		return fault.Wrap(fault.Invalid, "sign in to Cloud SQL", err)
	}
	pool.ConnConfig.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.Dial(ctx, instance)
	}
	return nil
}
