package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosource"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/schedule"
)

// month is what a company costs in thirty days, and how old its rows can get.
type month struct {
	MeteredLive     int     `json:"metered_calls_live"`
	MeteredPolling  int     `json:"metered_calls_polling"`
	MeteredOneByOne int     `json:"metered_calls_live_one_by_one"` // the same changes, minutes apart, so that no call brings two
	Worst           float64 `json:"worst_staleness_s"`             // of what webhooks tell of, or of any row without webhooks
	WorstDerived    float64 `json:"worst_derived_staleness_s"`     // of balances that follow from elsewhere, with webhooks
	WorstSilent     float64 `json:"worst_silent_staleness_s"`      // of any row, where webhooks fall silent in the middle of the month
}

// measureMonth plays thirty days: without webhooks, with them, with changes minutes apart, and with
// webhooks that fall silent half-way.
func measureMonth(ctx context.Context, stdout io.Writer, server *postgres.Server, days int) (m month, err error) {
	fmt.Fprintf(stdout, "\n%-34s %14s %12s %12s %12s\n", "month of a company", "metered calls", "changes", "told, s", "derived, s")
	for i, life := range []struct {
		name   string
		hooks  bool
		silent time.Duration // webhooks stop after; 0: never
		pause  time.Duration // between the changes of a burst, at most
	}{
		{"without webhooks", false, 0, time.Minute},
		{"with webhooks", true, 0, 4 * time.Second},
		{"with webhooks, changes one by one", true, 0, 2 * time.Minute},
		{"webhooks fall silent half-way", true, time.Duration(days) * 12 * time.Hour, 4 * time.Second},
	} {
		d, err := newDays(ctx, server, fmt.Sprintf("month%d", i), life.hooks)
		if err != nil {
			return m, err
		}
		d.silence, d.pause = life.silent, life.pause
		if err := errors.Join(d.live(ctx, days), d.close()); err != nil {
			return m, fmt.Errorf("%s: %w", life.name, err)
		}
		fmt.Fprintf(stdout, "%-34s %14d %12d %12.0f %12.0f\n", life.name, d.metered(), d.changes, d.told.Seconds(), d.derived.Seconds())
		switch i {
		case 0:
			m.MeteredPolling, m.Worst = d.metered(), max(d.told, d.derived).Seconds()
		case 1:
			m.MeteredLive, m.Worst, m.WorstDerived = d.metered(), max(m.Worst, d.told.Seconds()), d.derived.Seconds()
		case 2:
			m.MeteredOneByOne = d.metered()
		case 3:
			m.WorstSilent = max(d.told, d.derived).Seconds()
		}
	}
	return m, nil
}

// days is a company on a simulated clock.
type days struct {
	*crowd
	conn    org.Connection
	company *qbosim.Company
	engine  *engine.Engine
	token   string
	http    *http.Client
	sender  *qbosim.Webhooks
	before  int // calls that making it has cost
	random  *rand.Rand

	mu  sync.Mutex
	now time.Time

	due     time.Time // of the next sweep
	silence time.Duration
	pause   time.Duration
	began   time.Time
	waiting []change
	changes int
	told    time.Duration // the oldest that a row got before it was stored
	derived time.Duration
}

// change is an object that was changed in QuickBooks and is not here yet.
type change struct {
	table, id string
	at        time.Time
	derived   bool // nobody edited it: its balance follows
}

func newDays(ctx context.Context, server *postgres.Server, name string, hooks bool) (d *days, err error) {
	d = &days{http: httpclient.New(httpclient.Options{}), random: rand.New(rand.NewPCG(1, 2)), now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
	d.crowd, err = newCrowd(ctx, server, name, 1, 60, qbosim.Config{Now: d.clock, NoLimits: true})
	if err != nil {
		return nil, err
	}
	d.conn, d.company = d.conns[0], d.sim.Company(d.conns[0].Account)
	d.token = d.sim.IssueTokens(d.conn.Account).Access
	d.engine = &engine.Engine{
		Store: d.store, Log: slog.New(slog.DiscardHandler), Holder: "bench", Lease: time.Minute, Budget: time.Hour, Open: d.open, Soon: schedule.Soon,
		Pace: func(p engine.Pace, s engine.Swept, a engine.Allowance) engine.Pace {
			return schedule.Next(p, s, a, d.clock())
		},
	}
	if !hooks {
		return d, nil
	}
	receiver, end, err := app.QuickBooksWebhook.Build(ctx, d.environ, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	listening := httptest.NewServer(receiver)
	d.onClose(func() error { listening.Close(); return end(context.WithoutCancel(ctx)) })
	d.sender = d.sim.Webhooks(qbosim.WebhookConfig{URL: listening.URL + "/", VerifierToken: verifier, Format: qbosim.CloudEvents})
	return d, nil
}

func (d *days) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *days) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = t
}

func (d *days) open(context.Context, org.Connection, org.Lease) (engine.Source, error) {
	meter := new(qbosource.Meter)
	client := quickbooks.New(quickbooks.Options{
		API: d.intuit.URL, Realm: d.conn.Account, Tokens: fixed(d.token), Observe: meter.Observe, Now: d.clock, HTTP: d.http,
	})
	return qbosource.New(qbosource.Options{Client: client, Meter: meter, Tables: quickbooks.Catalog(), Now: d.clock}), nil
}

func (d *days) metered() int { return d.sim.Stats().Metered - d.before }

// live plays so many days: ticks every three minutes, people at work on working days.
func (d *days) live(ctx context.Context, n int) error {
	d.began = d.clock()
	for day := range n {
		start := d.began.Add(time.Duration(day) * 24 * time.Hour)
		at := d.workday(start)
		for tick := range 480 {
			next := start.Add(time.Duration(tick) * every)
			for len(at) > 0 && at[0].Before(next) {
				var err error
				if at, err = d.burst(ctx, at); err != nil {
					return err
				}
			}
			d.set(next)
			if next.Add(10 * time.Second).Before(d.due) { // the tolerance of a scheduled tick
				continue
			}
			if err := d.run(ctx, org.Schedule); err != nil {
				return err
			}
			if day == 0 && tick == 0 {
				d.before = d.sim.Stats().Metered // the first load is once in a life
			}
		}
	}
	return nil
}

// workday says when people do something: six bursts of five changes on a working day.
func (d *days) workday(start time.Time) (at []time.Time) {
	if w := start.Weekday(); w == time.Saturday || w == time.Sunday {
		return nil
	}
	for range 6 {
		burst := start.Add(8*time.Hour + time.Duration(d.random.Int64N(int64(10*time.Hour))))
		for range 5 {
			burst = burst.Add(d.pause/4 + time.Duration(d.random.Int64N(int64(d.pause*3/4))))
			at = append(at, burst)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// burst is a change, those that follow while its webhook is waiting for others, and the run that reads them.
func (d *days) burst(ctx context.Context, at []time.Time) (left []time.Time, err error) {
	read := at[0].Add(3 * time.Second) // WEBHOOK_COLLECT
	for len(at) > 0 && !at[0].After(read) {
		d.set(at[0])
		at = at[1:]
		if err := d.work(ctx); err != nil {
			return nil, err
		}
	}
	if d.sender == nil {
		return at, nil
	}
	d.set(read)
	return at, d.run(ctx, org.Webhook)
}

// work is one change, and the webhook that tells of it.
func (d *days) work(ctx context.Context) error {
	b := &books{company: d.company}
	d.changes++
	switch d.random.IntN(4) {
	case 0:
		d.note("invoices", b.create("Invoice", `{"CustomerRef":{"value":%q},"Line":[{"Amount":75.00,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":%q},"Qty":1,"UnitPrice":75.00}}]}`,
			b.any("Customer", d.changes), b.item()), false)
	case 1:
		customer, invoice := b.open()
		d.note("payments", b.create("Payment", `{"CustomerRef":{"value":%q},"TotalAmt":1.00,"Line":[{"Amount":1.00,"LinkedTxn":[{"TxnId":%q,"TxnType":"Invoice"}]}]}`, customer, invoice), false)
		d.note("invoices", invoice, true)
		d.note("customers", customer, true)
	case 2:
		customer := b.any("Customer", d.changes)
		b.update("Customer", `{"Id":%q,"sparse":true,"Notes":"Called %d times"}`, customer, d.changes)
		d.note("customers", customer, false)
	default:
		invoice := b.untouched()
		b.update("Invoice", `{"Id":%q,"sparse":true,"PrivateNote":""}`, invoice)
		d.note("invoices", invoice, false)
	}
	if b.err != nil || d.sender == nil || d.silence > 0 && d.clock().Sub(d.began) > d.silence {
		return b.err
	}
	_, err := d.sender.Deliver(ctx)
	return err
}

func (d *days) note(table string, object id, derived bool) {
	d.waiting = append(d.waiting, change{table, string(object), d.clock(), derived})
}

// run does what a tick does, by the simulated clock: a sweep is due for the database when it is for us.
func (d *days) run(ctx context.Context, reason org.Reason) error {
	due := "infinity"
	if !d.clock().Add(10 * time.Second).Before(d.due) {
		due = "-infinity"
	}
	if _, err := d.pool.Exec(ctx, `UPDATE sync.connections SET next_sync_at = $2::timestamptz WHERE id = $1`, d.conn.ID, due); err != nil {
		return err
	}
	rep, err := d.engine.Run(ctx, d.conn, engine.Order{Reason: reason}, nil)
	if err == nil && rep.Runs > 0 && rep.Result.Outcome != engine.Done {
		err = fmt.Errorf("the run is %s: %v", rep.Result.Outcome, rep.Result.Streams)
	}
	if err != nil {
		return err
	}
	switch r := rep.Result; {
	case rep.Runs > 0 && r.Swept:
		d.due = schedule.After(d.conn.ID, r.Pace.Every, d.clock().Add(10*time.Second))
	case rep.Runs > 0 && r.Soon > 0 && d.clock().Add(r.Soon).Before(d.due):
		d.due = d.clock().Add(r.Soon)
	}
	return d.arrived(ctx)
}

// arrived strikes out what the database has by now, and notes how old the oldest had got.
func (d *days) arrived(ctx context.Context) error {
	kept := d.waiting[:0]
	for _, c := range d.waiting {
		var here bool
		err := d.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM quickbooks.`+c.table+` WHERE connection_id = $1 AND id = $2 AND meta_data_last_updated_time >= date_trunc('second', $3::timestamptz))`,
			d.conn.ID, c.id, c.at).Scan(&here)
		switch age := d.clock().Sub(c.at); {
		case err != nil:
			return err
		case !here:
			kept = append(kept, c)
		case c.derived:
			d.derived = max(d.derived, age)
		default:
			d.told = max(d.told, age)
		}
	}
	d.waiting = kept
	return nil
}

// open returns an invoice that is not paid, and its customer.
func (b *books) open() (customer, invoice id) {
	invoice = b.untouched()
	raw, ok := b.company.Get("Invoice", string(invoice))
	if !ok {
		return "", ""
	}
	return id(field(raw, "CustomerRef", "value")), invoice
}
