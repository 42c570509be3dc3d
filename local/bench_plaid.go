package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsource"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// The processes of the bank's measurement.
const (
	benchBank     = "bench-bank"      // the simulator
	benchBankLoad = "bench-bank-load" // a first load, then ticks with nothing new
)

// bankFigures are those of a bank's first load and of idle ticks.
type bankFigures struct {
	Transactions int     `json:"transactions"`
	RowsPerS     float64 `json:"rows_per_s"` // transactions; their counterparties come on top
	IdleCalls    float64 `json:"idle_calls"`
	CPUPer100k   float64 `json:"cpu_s_per_100k"`
	PeakRSS      float64 `json:"peak_rss_mib"`
	LostRows     int     `json:"lost_rows"`
}

// bankAt is how to reach a bank's simulator.
type bankAt struct{ URL, Token, Item string }

// bankLoaded is what a first load took.
type bankLoad struct {
	Seconds, CPU, PeakRSS, IdleCalls float64 // s, s, MiB, calls a tick
}

// measureBank measures a bank's first load of each size, and returns the last one's figures. Its
// processes share the machine's cores with PostgreSQL.
func measureBank(ctx context.Context, stdout io.Writer, server *postgres.Server, sizes string) (b bankFigures, err error) {
	fmt.Fprintf(stdout, "\n%-13s %10s %16s %12s %10s %12s\n", "transactions", "seconds", "transactions/s", "CPU s/100k", "RSS MiB", "idle calls")
	for i, size := range strings.Split(sizes, ",") {
		var n int
		if _, err := fmt.Sscan(size, &n); err != nil || n < 1 {
			return b, fmt.Errorf("-sizes: %q is not a number of transactions", size)
		}
		if b, err = measureBankLoad(ctx, stdout, server, fmt.Sprintf("bank%d", i), n); err != nil {
			return b, fmt.Errorf("load %d transactions: %w", n, err)
		}
	}
	return b, nil
}

func measureBankLoad(ctx context.Context, stdout io.Writer, server *postgres.Server, database string, n int) (b bankFigures, err error) {
	sim, err := startChild(ctx, benchBank, "-invoices", fmt.Sprint(n))
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, sim.stop()) }()
	var at bankAt
	if err := sim.read(&at); err != nil {
		return b, err
	}
	if err := createDatabase(ctx, server.URL("postgres"), database); err != nil {
		return b, err
	}
	url := server.URL(database)
	connection, pool, err := prepare(ctx, url, org.Connection{Provider: plaid.Provider, Account: at.Item}, plaid.Catalog())
	if err != nil {
		return b, err
	}
	defer pool.Close()
	client, err := startChild(ctx, benchBankLoad, "-database", asFunctions(url), "-connection", connection.ID.String(), "-api", at.URL, "-token", at.Token, "-account", at.Item)
	if err != nil {
		return b, err
	}
	var r bankLoad
	if err := errors.Join(client.read(&r), client.stop()); err != nil {
		return b, err
	}
	b = bankFigures{
		Transactions: n, RowsPerS: round(float64(n)/r.Seconds, 0), IdleCalls: round(r.IdleCalls, 2),
		CPUPer100k: round(r.CPU*100_000/float64(n), 2), PeakRSS: round(r.PeakRSS, 1),
	}
	if b.LostRows, err = bankLost(ctx, pool, connection.ID, at); err != nil {
		return b, fmt.Errorf("compare: %w", err)
	}
	fmt.Fprintf(stdout, "%-13d %10.2f %16.0f %12.2f %10.1f %12.2f   lost rows: %d\n", n, r.Seconds, b.RowsPerS, b.CPUPer100k, b.PeakRSS, b.IdleCalls, b.LostRows)
	return b, nil
}

// serveBank runs a simulator with one bank login until standard input ends.
func serveBank(_ context.Context, transactions int, stdout io.Writer) error {
	sim := plaidsim.New(plaidsim.Config{ClientID: clientID, Secret: clientID + "-secret", NoLimits: true})
	login := sim.AddLogin(plaidsim.LoginSpec{Institution: "ins_109508", InstitutionName: "First Platypus Bank", Username: "bench", Seed: 1, Transactions: transactions, Days: 730})
	server := httptest.NewServer(sim)
	defer server.Close()
	at, err := linked(sim, login, server.URL)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(at); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// linked makes an Item of a login.
func linked(sim *plaidsim.Server, login *plaidsim.Login, url string) (bankAt, error) {
	public := sim.Link(login, []string{"transactions"}, "")
	grant, err := bankClient(url, nil).Exchange(context.Background(), plaid.Secret(public))
	return bankAt{url, string(grant.Access), grant.Item}, err
}

func bankClient(api string, observe func(plaid.Call)) *plaid.Client {
	return plaid.New(plaid.Options{API: api, ClientID: clientID, Secret: clientID + "-secret", HTTP: httpclient.New(httpclient.Options{}), Observe: observe})
}

// idleTicks are as many ticks with nothing new as follow a measured load.
const idleTicks = 20

// loadBank runs the engine over a bank login, with everything but the vault: a first load, then ticks.
func loadBank(ctx context.Context, database string, id org.ConnectionID, at bankAt) (l bankLoad, err error) {
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return l, err
	}
	defer pool.Close()
	s, err := store.New(pool, plaid.Catalog())
	if err != nil {
		return l, err
	}
	e := &engine.Engine{
		Store: s, Log: slog.New(slog.DiscardHandler), Holder: "bench", Lease: time.Minute, Budget: time.Hour,
		Open: func(context.Context, org.Connection, org.Lease) (engine.Source, error) {
			meter := new(plaidsource.Meter)
			client := bankClient(at.URL, meter.Observe)
			return plaidsource.New(plaidsource.Options{
				Client: client, Item: client.Item(at.Item, fixed(at.Token)), Meter: meter, Tables: plaid.Catalog(), Now: time.Now, Countries: []string{"US"},
			}), nil
		},
	}
	c := org.Connection{ID: id, Org: "bench", Provider: plaid.Provider, Account: at.Item, State: org.Active}
	run := func() error {
		rep, err := e.Run(ctx, c, engine.Order{Reason: org.Manual}, nil)
		if err == nil && rep.Result.Outcome != engine.Done {
			err = fmt.Errorf("the run is %s: %v", rep.Result.Outcome, rep.Result.Streams)
		}
		return err
	}
	calls := func() (n int, err error) {
		err = pool.QueryRow(ctx, "SELECT sum(calls) FROM sync.api_usage").Scan(&n)
		return n, err
	}
	began, cpu := time.Now(), usedCPU()
	if err := run(); err != nil {
		return l, err
	}
	l = bankLoad{Seconds: time.Since(began).Seconds(), CPU: (usedCPU() - cpu).Seconds(), PeakRSS: peakRSS()}
	before, err := calls()
	if err != nil {
		return l, err
	}
	for range idleTicks {
		if err := run(); err != nil {
			return l, err
		}
	}
	after, err := calls()
	l.IdleCalls = float64(after-before) / idleTicks
	return l, err
}

// bankLost compares every transaction of the bank with the database and returns how many differ.
func bankLost(ctx context.Context, pool *pgxpool.Pool, id org.ConnectionID, at bankAt) (int, error) {
	if _, err := pool.Exec(ctx, "ANALYZE"); err != nil { // else the comparison reads whole tables for each page
		return 0, err
	}
	item := bankClient(at.URL, nil).Item(at.Item, fixed(at.Token))
	var failed error
	live := iter.Seq[json.RawMessage](func(yield func(json.RawMessage) bool) {
		for cursor, more := "", true; more; {
			page, err := item.Sync(ctx, cursor, 500)
			if err != nil {
				failed = err
				return
			}
			for _, raw := range page.Added {
				if !yield(raw) {
					return
				}
			}
			cursor, more = page.Next, page.More
		}
	})
	diff, err := storetest.Compare(ctx, pool, id, bankTable("transactions"), live)
	if err == nil && failed != nil {
		err = fmt.Errorf("read the bank: %w", failed)
	}
	return len(diff.Missing) + len(diff.Stale) + len(diff.Surplus) + len(diff.WrongColumns), err
}

// bankTable returns the table of a stream of Plaid's.
func bankTable(stream string) *catalog.Table {
	for _, t := range plaid.Catalog() {
		if t.Stream == stream {
			return &t
		}
	}
	panic("the catalog has no " + stream)
}
