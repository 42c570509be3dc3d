package store

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/config"
)

// Config says where the database is: its address, or the Cloud SQL instance, the database in it, and how
// to sign in there: as an account through IAM, or with a password as the owner of the tables does. The
// address wins.
type Config struct {
	DatabaseURL config.Secret `env:"DATABASE_URL" set:"local" help:"address of PostgreSQL, postgres://user:password@host/database"`
	Instance    string        `env:"INSTANCE_CONNECTION_NAME" help:"Cloud SQL instance, project:region:name"`
	Name        string        `env:"DB_NAME" help:"database in the instance"`
	IAMUser     string        `env:"DB_IAM_USER" help:"database user of the service account, without .gserviceaccount.com"`
	User        string        `env:"DB_USER" help:"database user with a password, instead of DB_IAM_USER: for the jobs that work as the owner"`
	Password    config.Secret `env:"DB_PASSWORD" help:"of DB_USER"`
	Connections int32         `env:"DB_MAX_CONNECTIONS" envDefault:"4" help:"connections to the database that one process makes at most"`
	Service     string        `env:"K_SERVICE" set:"platform"`     // names the function in the list of connections
	Job         string        `env:"CLOUD_RUN_JOB" set:"platform"` // the same for a job
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
	return c.validateInstance()
}

// validateInstance allows one way to sign in: with two, nobody could tell whose rights a program has.
func (c Config) validateInstance() error {
	byPassword := c.User != "" || c.Password != ""
	switch {
	case c.IAMUser != "" && byPassword:
		return errors.New("DB_IAM_USER is set, and so is DB_USER or DB_PASSWORD: want one way to sign in, through IAM or with a password")
	case byPassword && c.missing() != "":
		return errors.New("DB_USER and DB_PASSWORD go together, and with INSTANCE_CONNECTION_NAME and DB_NAME: missing " + c.missing())
	case !byPassword && (c.Instance == "" || c.Name == "" || c.IAMUser == ""):
		return errors.New("DATABASE_URL is not set, nor are all of INSTANCE_CONNECTION_NAME, DB_NAME and DB_IAM_USER (or DB_USER and DB_PASSWORD)")
	}
	return nil
}

// missing lists what signing in with a password lacks.
func (c Config) missing() string {
	var names []string
	for _, v := range [...]struct {
		name string
		set  bool
	}{
		{"INSTANCE_CONNECTION_NAME", c.Instance != ""}, {"DB_NAME", c.Name != ""}, {"DB_USER", c.User != ""}, {"DB_PASSWORD", c.Password != ""},
	} {
		if !v.set {
			names = append(names, v.name)
		}
	}
	return strings.Join(names, ", ")
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
		if err := c.throughCloudSQL(ctx, pool); err != nil {
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
		pool.ConnConfig.Database = c.Name
		pool.ConnConfig.User, pool.ConnConfig.Password = cmp.Or(c.IAMUser, c.User), c.Password.Reveal()
	}
	pool.MaxConns = cmp.Or(c.Connections, usual)
	pool.MinConns = 0
	pool.MaxConnIdleTime = 5 * time.Minute
	pool.ConnConfig.ConnectTimeout = connectTimeout
	settings := pool.ConnConfig.RuntimeParams
	for name, value := range map[string]string{
		"application_name":                    cmp.Or(c.Service, c.Job, "countinghouse"),
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

// throughCloudSQL makes pool dial the instance's private address. Certificates are renewed when a
// connection needs one: between requests a function has no processor to do it.
func (c Config) throughCloudSQL(ctx context.Context, pool *pgxpool.Config) error {
	options := []cloudsqlconn.Option{
		cloudsqlconn.WithLazyRefresh(),
		cloudsqlconn.WithBuiltInMetrics(false),
		cloudsqlconn.WithDefaultDialOptions(cloudsqlconn.WithPrivateIP()),
	}
	if c.IAMUser != "" {
		options = append(options, cloudsqlconn.WithIAMAuthN())
	}
	dialer, err := cloudsqlconn.NewDialer(ctx, options...)
	if err != nil {
		return fault.Wrap(fault.Invalid, "sign in to Cloud SQL", err)
	}
	pool.ConnConfig.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.Dial(ctx, c.Instance)
	}
	return nil
}
