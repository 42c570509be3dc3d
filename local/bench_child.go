package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosource"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// benchChild is one of the measured processes. It prints one line of JSON.
func benchChild(ctx context.Context, command string, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	invoices := flags.Int("invoices", 0, "")
	database := flags.String("database", "", "")
	connection := flags.Int64("connection", 0, "")
	api := flags.String("api", "", "")
	token := flags.String("token", "", "")
	n := flags.Int("n", 1, "")
	slug := flags.String("org", "", "")
	port := flags.Int("port", 0, "")
	account := flags.String("account", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var answer any
	var err error
	switch command {
	case benchProvider:
		return serveProvider(ctx, *invoices, stdout)
	case benchFunctions:
		return serveFunctions(ctx, *port, flags.Args(), stdout)
	case benchLoad:
		answer, err = load(ctx, *database, org.ConnectionID(*connection), *api, *token)
	case benchBank:
		return serveBank(ctx, *invoices, stdout)
	case benchBankLoad:
		answer, err = loadBank(ctx, *database, org.ConnectionID(*connection), bankAt{*api, *token, *account})
	case benchTick:
		answer, err = tickIdle(ctx, *n, *slug, flags.Args())
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(answer)
}

const benchRealm = "9130357766900303"

// provider is how to reach the simulator of a measurement.
type provider struct{ URL, Token string }

// serveProvider runs a simulator with one company until standard input ends.
func serveProvider(_ context.Context, invoices int, stdout io.Writer) error {
	sim := qbosim.New(qbosim.Config{ClientID: clientID, ClientSecret: clientID + "-secret"})
	sim.AddCompany(qbosim.CompanySpec{Realm: benchRealm, Name: "Bench", Seed: 1, Invoices: invoices, LinesPerInvoice: 4})
	server := httptest.NewServer(sim)
	defer server.Close()
	if err := json.NewEncoder(stdout).Encode(provider{server.URL, sim.IssueTokens(benchRealm).Access}); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// loaded is what a first load took.
type loaded struct {
	Seconds, CPU, PeakRSS float64 // s, s, MiB
	Metered               int
}

// load runs the engine over a company's invoices, with everything but the vault.
func load(ctx context.Context, database string, id org.ConnectionID, api, token string) (l loaded, err error) {
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return l, err
	}
	defer pool.Close()
	s, err := store.New(pool, quickbooks.Catalog())
	if err != nil {
		return l, err
	}
	e := &engine.Engine{
		Store: s, Log: slog.New(slog.DiscardHandler), Holder: "bench", Lease: time.Minute, Budget: time.Hour,
		Open: func(context.Context, org.Connection, org.Lease) (engine.Source, error) {
			return benchSource(api, token), nil
		},
	}
	began, cpu := time.Now(), usedCPU()
	rep, err := e.Run(ctx, org.Connection{ID: id, Org: "bench", Provider: quickbooks.Provider, Account: benchRealm, State: org.Active}, engine.Order{Reason: org.Manual}, nil)
	if err == nil && rep.Result.Outcome != engine.Done {
		err = fmt.Errorf("the load is %s: %v", rep.Result.Outcome, rep.Result.Streams)
	}
	l = loaded{Seconds: time.Since(began).Seconds(), CPU: (usedCPU() - cpu).Seconds(), PeakRSS: peakRSS()}
	if err == nil {
		err = pool.QueryRow(ctx, "SELECT sum(metered_calls) FROM sync.api_usage").Scan(&l.Metered)
	}
	return l, err
}

func benchSource(api, token string) *qbosource.Source {
	meter := new(qbosource.Meter)
	return qbosource.New(qbosource.Options{
		Client: benchClient(api, token, meter.Observe), Meter: meter, Tables: []catalog.Table{*invoiceTable()},
		Now: time.Now,
	})
}

func benchClient(api, token string, observe func(quickbooks.Call)) *quickbooks.Client {
	return quickbooks.New(quickbooks.Options{
		API: api, Realm: benchRealm, Tokens: fixed(token), Observe: observe,
		HTTP: httpclient.New(httpclient.Options{DisableCompression: true}), Limiter: app.QuickBooksLimiter(),
	})
}

// fixed is a token that lasts as long as a measurement.
type fixed string

func (f fixed) Access(context.Context) (string, error)        { return string(f), nil }
func (f fixed) Renew(context.Context, string) (string, error) { return string(f), nil }

// ticked is what some ticks took together.
type ticked struct{ Seconds, CPU float64 }

// tickIdle sends n ticks to the function that answers them, in a process of its own.
func tickIdle(ctx context.Context, n int, slug string, environ []string) (t ticked, err error) {
	h, end, err := app.SyncOrg.Build(ctx, environ, slog.New(slog.DiscardHandler))
	if err != nil {
		return t, err
	}
	defer end(ctx) //nolint:errcheck // the process ends
	one := func() error {
		body := fmt.Sprintf(`{"message":{"messageId":"1","attributes":{"org":%q,"reason":"manual"}},"subscription":"bench"}`, slug) // a scheduled one that is not due does nothing
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body)))
		if w.Code/100 != 2 {
			return fmt.Errorf("the tick was answered with %d %s", w.Code, w.Body)
		}
		return nil
	}
	if err := one(); err != nil { // connections are made, the token is read
		return t, err
	}
	began, cpu := time.Now(), usedCPU()
	for range n - 1 {
		if err := one(); err != nil {
			return t, err
		}
	}
	return ticked{time.Since(began).Seconds(), (usedCPU() - cpu).Seconds()}, nil
}
