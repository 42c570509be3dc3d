package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
)

// The processes that bench measures run apart from it, so that CPU and memory are theirs alone.
const (
	benchProvider = "bench-provider" // the simulator
	benchLoad     = "bench-load"     // a first load
	benchTick     = "bench-tick"     // ticks with nothing new

	benchFunctions = "bench-functions" // all functions on one port
)

// figures is the last line of bench.
type figures struct {
	Backfill backfill `json:"backfill"`
	IdleTick idleTick `json:"idle_tick"`
	Webhook  webhooks `json:"webhook"`
	Fleet    fleet    `json:"fleet"`
	Month    month    `json:"month"`

	Plaid bankFigures `json:"plaid"`

	ColdStart coldStart `json:"cold_start"`
}

type backfill struct {
	Invoices     int     `json:"invoices"`
	InvoicesPerS float64 `json:"invoices_per_s"`
	CopyRatio    float64 `json:"copy_ratio"` // of the speed of a plain COPY of the same rows
	CPUPer100k   float64 `json:"cpu_s_per_100k"`
	PeakRSS      float64 `json:"peak_rss_mib"`
	Metered      int     `json:"metered_calls"`
	LostRows     int     `json:"lost_rows"`
}

type idleTick struct {
	Metered   float64 `json:"metered_calls"`
	CPU       float64 `json:"cpu_ms"`
	Refreshes int     `json:"token_refreshes"`
}

// bench measures and prints a table while it does, then one JSON object.
func bench(ctx context.Context, flags *flag.FlagSet, args []string, stdout, stderr io.Writer) error {
	sizes := flags.String("sizes", "10000,100000", "numbers of invoices, and of bank transactions, to load, separated by commas; the last one's figures are reported")
	ticks := flags.Int("ticks", 50, "idle ticks to measure")
	blow := flags.Duration("webhooks", time.Minute, "how long webhooks come in; a storm of half that follows")
	orgs := flags.Int("orgs", 1000, "organisations on a tick of three minutes")
	fleetTime := flags.Duration("fleet", 10*time.Minute, "how long they tick, at least 6m")
	monthDays := flags.Int("days", 30, "days of a company's simulated month")
	starts := flags.Int("starts", 15, "starts of each function to measure")
	only := flags.String("only", "", "measure these alone: backfill, idle, plaid, cold_start, webhook, fleet, month, separated by commas; empty: all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *fleetTime < 6*time.Minute || *orgs < 1 || *monthDays < 1 || *blow < time.Second {
		return errors.New("-fleet: want 6m or more; -orgs, -days: 1 or more; -webhooks: 1s or more")
	}
	server, err := postgres.Start(ctx, postgres.Options{Progress: func(s string) { fmt.Fprintln(stderr, s) }, Settings: map[string]string{
		"shared_buffers": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "wal_level": "minimal", "max_wal_senders": "0", "track_commit_timestamp": "on",
	}})
	if err != nil {
		return err
	}
	defer server.Stop() //nolint:errcheck // the figures are what counts
	var f figures
	for _, part := range []struct {
		name string
		do   func() error
	}{
		{"backfill", func() (err error) { f.Backfill, err = measureLoads(ctx, stdout, server, *sizes); return err }},
		{"idle", func() (err error) { f.IdleTick, err = measureTicks(ctx, stdout, *ticks); return err }},
		{"plaid", func() (err error) { f.Plaid, err = measureBank(ctx, stdout, server, *sizes); return err }},
		{"cold_start", func() (err error) { f.ColdStart, err = measureStarts(ctx, stdout, server, *starts); return err }},
		{"webhook", func() (err error) { f.Webhook, err = measureWebhooks(ctx, stdout, server, *blow); return err }},
		{"month", func() (err error) { f.Month, err = measureMonth(ctx, stdout, server, *monthDays); return err }},
		{"fleet", func() (err error) { f.Fleet, err = measureFleet(ctx, stdout, server, *orgs, *fleetTime); return err }},
	} {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), part.name) {
			continue
		}
		if err := part.do(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	line, err := json.Marshal(f)
	if err == nil {
		_, err = fmt.Fprintln(stdout, string(line))
	}
	return err
}

// measureLoads measures a first load of each size, and returns the last one's figures.
func measureLoads(ctx context.Context, stdout io.Writer, server *postgres.Server, sizes string) (b backfill, err error) {
	fmt.Fprintf(stdout, "%-10s %12s %12s %12s %14s %12s %10s %8s\n", "invoices", "seconds", "invoices/s", "COPY, s", "of COPY speed", "CPU s/100k", "RSS MiB", "calls")
	for i, size := range strings.Split(sizes, ",") {
		var n int
		if _, err := fmt.Sscan(size, &n); err != nil || n < 1 {
			return b, fmt.Errorf("-sizes: %q is not a number of invoices", size)
		}
		l := loading{stdout: stdout, server: server, invoices: n, database: fmt.Sprintf("bench%d", i)}
		if b, err = l.measure(ctx); err != nil {
			return b, fmt.Errorf("load %d invoices: %w", n, err)
		}
	}
	return b, nil
}

// loading is one measured first load.
type loading struct {
	stdout   io.Writer
	server   *postgres.Server
	invoices int
	database string
}

func (l loading) measure(ctx context.Context) (b backfill, err error) {
	sim, err := startChild(ctx, benchProvider, "-invoices", fmt.Sprint(l.invoices))
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, sim.stop()) }()
	var at provider
	if err := sim.read(&at); err != nil {
		return b, err
	}
	if err := createDatabase(ctx, l.server.URL("postgres"), l.database); err != nil {
		return b, err
	}
	url := l.server.URL(l.database)
	connection, pool, err := prepare(ctx, url, org.Connection{Provider: quickbooks.Provider, Account: benchRealm}, quickbooks.Catalog())
	if err != nil {
		return b, err
	}
	defer pool.Close()

	client, err := startChild(ctx, benchLoad, "-database", asFunctions(url), "-connection", connection.ID.String(), "-api", at.URL, "-token", at.Token)
	if err != nil {
		return b, err
	}
	var r loaded
	if err := errors.Join(client.read(&r), client.stop()); err != nil {
		return b, err
	}
	copied, err := plainCopy(ctx, pool, invoiceTable())
	if err != nil {
		return b, fmt.Errorf("plain COPY: %w", err)
	}
	b = backfill{
		Invoices: l.invoices, InvoicesPerS: round(float64(l.invoices)/r.Seconds, 0), CopyRatio: round(copied.Seconds()/r.Seconds, 2),
		CPUPer100k: round(r.CPU*100_000/float64(l.invoices), 2), PeakRSS: round(r.PeakRSS, 1), Metered: r.Metered,
	}
	if b.LostRows, err = lost(ctx, pool, connection.ID, at); err != nil {
		return b, fmt.Errorf("compare: %w", err)
	}
	fmt.Fprintf(l.stdout, "%-10d %12.2f %12.0f %12.2f %14.2f %12.2f %10.1f %8d   lost rows: %d\n",
		l.invoices, r.Seconds, b.InvoicesPerS, copied.Seconds(), b.CopyRatio, b.CPUPer100k, b.PeakRSS, b.Metered, b.LostRows)
	return b, nil
}

func round(x float64, digits int) float64 {
	p := 1.0
	for range digits {
		p *= 10
	}
	return float64(int(x*p+0.5)) / p
}

// invoiceTable is what the load measures: one stream alone, because the others' rows would count
// for nothing in a figure that says invoices.
func invoiceTable() *catalog.Table {
	for _, t := range quickbooks.Catalog() {
		if t.Stream == "Invoice" {
			return &t
		}
	}
	panic("the catalog has no invoices")
}

// child is a process of this very program.
type child struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Scanner
}

func startChild(ctx context.Context, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, self, args...)}
	c.cmd.Stderr = os.Stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.out = in, bufio.NewScanner(out)
	return c, c.cmd.Start()
}

// read takes one line of JSON from the child.
func (c *child) read(v any) error {
	if !c.out.Scan() {
		return errors.Join(fmt.Errorf("%s ended without an answer", c.cmd.Args[1]), c.out.Err())
	}
	return json.Unmarshal(c.out.Bytes(), v)
}

// stop closes the child's standard input, which tells it to end.
func (c *child) stop() error {
	c.in.Close()
	return c.cmd.Wait()
}

// measureTicks measures ticks with nothing new, through the function that answers them.
func measureTicks(ctx context.Context, stdout io.Writer, n int) (t idleTick, err error) {
	p, err := start(ctx, options{stdout: io.Discard, stderr: io.Discard, invoices: 1000, interval: time.Hour, simulated: true})
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	p.run(running)
	o := organisations()[0]
	if err := p.consentTo(ctx, o); err != nil {
		return t, err
	}
	if err := p.syncAll(ctx, o); err != nil {
		return t, err
	}
	select { // what this process has just called counts against the limits of the next
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
		return t, ctx.Err()
	}
	before := p.sim.Stats()
	c, err := startChild(ctx, append([]string{benchTick, "-n", fmt.Sprint(n), "-org", string(o.Slug)}, p.environment()...)...)
	if err != nil {
		return t, err
	}
	var r ticked
	if err := errors.Join(c.read(&r), c.stop()); err != nil {
		return t, err
	}
	after := p.sim.Stats()
	t = idleTick{
		Metered: round(float64(after.Metered-before.Metered)/float64(n), 2), CPU: round(r.CPU*1000/float64(n), 2),
		Refreshes: after.Refreshes - before.Refreshes,
	}
	fmt.Fprintf(stdout, "\nidle tick: %.2f metered calls, %.2f ms of CPU, %.2f ms from request to answer, %d token refreshes in %d ticks\n",
		t.Metered, t.CPU, r.Seconds*1000/float64(n), t.Refreshes, n)
	return t, nil
}
