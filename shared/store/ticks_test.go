package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// company is one connection in a world where ticks and webhooks come at any moment, and where, unless
// it is a calm one, ticks are lost and processes die, hang and fail.
type company struct {
	*fixture
	rng    *rand.Rand
	conn   org.Connection
	calm   bool
	steps  int // how many moments are left in which something may happen
	depth  int // processes that are at work at once
	change int // how often somebody has changed the books
	wanted int // what the last sweep that was asked for must see
	events int
}

// process is one that handles ticks. Its every call to the database is a moment in which others act.
type process struct {
	engine.Store
	*company
	dead bool
}

func (p *process) moment() error {
	p.happen()
	if !p.calm && p.rng.IntN(25) == 0 {
		p.dead = true
	}
	if p.dead {
		return fault.New(fault.Unavailable, "this process is no more")
	}
	return nil
}

func (p *process) Acquire(ctx context.Context, id org.ConnectionID, r org.Reason, holder string, ttl time.Duration) (org.Lease, bool, error) {
	asked := p.change
	l, ok, err := p.Store.Acquire(ctx, id, r, holder, ttl)
	if r == org.Manual || r == org.Reconcile {
		p.wanted = max(p.wanted, asked)
	}
	return l, ok, err
}

func (p *process) Agenda(ctx context.Context, l org.Lease) (engine.Agenda, error) {
	if err := p.moment(); err != nil {
		return engine.Agenda{}, err
	}
	return p.Store.Agenda(ctx, l)
}

func (p *process) Begin(ctx context.Context, l org.Lease, streams []string, r org.Reason) (engine.RunID, error) {
	if err := p.moment(); err != nil {
		return 0, err
	}
	return p.Store.Begin(ctx, l, streams, r)
}

func (p *process) Apply(ctx context.Context, l org.Lease, run engine.RunID, b engine.Batch, u engine.Usage) (engine.Applied, error) {
	if err := p.moment(); err != nil {
		return engine.Applied{}, err
	}
	return p.Store.Apply(ctx, l, run, b, u)
}

func (p *process) Finish(ctx context.Context, l org.Lease, run engine.RunID, r engine.Result) error {
	if err := p.moment(); err != nil {
		return err
	}
	return p.Store.Finish(ctx, l, run, r)
}

func (p *process) Release(ctx context.Context, l org.Lease) (bool, error) {
	if err := p.moment(); err != nil {
		return false, err
	}
	return p.Store.Release(ctx, l)
}

func (p *process) Abandon(ctx context.Context, l org.Lease) (bool, error) {
	if err := p.moment(); err != nil {
		return false, err
	}
	return p.Store.Abandon(ctx, l)
}

// The process is also the source of its runs: what a sweep sees is kept as its checkpoint.

func (*process) Streams() []string   { return []string{"Order"} }
func (*process) Usage() engine.Usage { return engine.Usage{} }

func (p *process) Pull(_ context.Context, t engine.Task) iter.Seq2[engine.Batch, error] {
	return func(yield func(engine.Batch, error) bool) {
		var b engine.Batch
		for _, n := range t.Notices {
			b.Settled = append(b.Settled, n.ID)
		}
		if len(b.Settled) > 0 && !yield(b, nil) {
			return
		}
		if !t.Sweep {
			return
		}
		seen := json.RawMessage(strconv.Itoa(p.change))
		if !p.calm && p.rng.IntN(8) == 0 {
			yield(engine.Batch{}, fault.New(fault.Unavailable, "the provider is down"))
			return
		}
		yield(engine.Batch{Checkpoints: engine.Checkpoints{"Order": seen}}, nil)
	}
}

// tick hands a tick to a process, which works until it is done.
func (c *company) tick(reason org.Reason) {
	if c.depth > 3 {
		return
	}
	c.depth++
	defer func() { c.depth-- }()
	p := &process{Store: c.Store.Store, company: c}
	e := engine.Engine{
		Store: p, Log: slog.New(slog.DiscardHandler), Holder: fmt.Sprint("process ", c.depth), Lease: time.Minute, Budget: 8 * time.Minute,
		Open: func(context.Context, org.Connection, org.Lease) (engine.Source, error) { return p, nil },
		Pace: func(engine.Pace, engine.Swept, engine.Allowance) engine.Pace {
			return engine.Pace{Every: 4 * time.Hour}
		},
	}
	_, err := e.Run(c.ctx, c.conn, engine.Order{Reason: reason}, nil)
	if err != nil && c.calm {
		c.Errorf("a calm run: %v", err)
	}
}

// happen lets one thing happen, or nothing.
func (c *company) happen() {
	if c.steps--; c.steps <= 0 {
		return
	}
	lost := !c.calm && c.rng.IntN(3) == 0
	switch c.rng.IntN(12) {
	case 0, 1:
		c.change++
	case 2, 3, 4:
		c.events++
		e := event(fmt.Sprint(c.conn.ID, "-", c.events), "1")
		e.Account = c.conn.Account
		if r := c.tell(e); len(r.Connections) == 1 && !lost {
			c.tick(org.Webhook)
		}
	case 5, 6:
		if !lost {
			c.change++
			c.tick(org.Manual)
		}
	case 7:
		c.tick(org.Schedule)
	case 8:
		c.tick(org.Reconcile)
	case 9:
		c.exec(`UPDATE sync.connections SET next_sync_at = now() WHERE id = $1`, c.conn.ID) // time has passed
	case 10:
		if !c.calm { // its owner hangs
			c.exec(`UPDATE sync.connections SET lease_until = now() - interval '1 s' WHERE id = $1 AND lease_until IS NOT NULL`, c.conn.ID)
		}
	}
}

func (c *company) open() string {
	return c.value(`SELECT count(*) FROM sync.notices WHERE connection_id = $1 AND settled_at IS NULL`, c.conn.ID)
}

func (c *company) seen() (n int) {
	at, err := c.Checkpoints(c.ctx, c.conn.ID)
	if err == nil && at["Order"] != nil {
		err = json.Unmarshal(at["Order"], &n)
	}
	if err != nil {
		c.Fatal(err)
	}
	return n
}

// Whatever the order in which ticks of webhooks, people, jobs and the schedule meet runs: no open
// notice and no sweep that was asked for is left without somebody who will see to it.
func TestNothingAskedForIsLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range 45 {
		account := fmt.Sprint("seed-", seed)
		c := &company{fixture: f, rng: rand.New(rand.NewPCG(3, uint64(seed))), calm: seed%3 == 0, steps: 60}
		c.conn = org.Connection{ID: f.Connect(t, "onpoint", books, account), Org: "onpoint", Provider: books, Account: account, State: org.Active}
		for c.steps > 0 {
			c.happen()
		}
		if c.calm && (c.open() != "0" || c.seen() < c.wanted) {
			t.Errorf("seed %d: with no tick lost %s notices are open, and the sweep that was asked for at %d saw %d", seed, c.open(), c.wanted, c.seen())
		}
		// From now on there is nothing but the schedule, once the leases of the dead have ended.
		c.calm = true
		f.exec(`UPDATE sync.connections SET lease_until = now() - interval '1 s' WHERE id = $1 AND lease_until IS NOT NULL`, c.conn.ID)
		c.tick(org.Schedule)
		if c.open() != "0" || c.seen() < c.wanted {
			t.Errorf("seed %d: after the schedule's tick %s notices are open, and the sweep that was asked for at %d saw %d", seed, c.open(), c.wanted, c.seen())
		}
	}
}
