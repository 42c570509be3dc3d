package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Check says what is to be compared.
type Check struct {
	Tables  []catalog.Table // of the streams
	Full    bool            // every value of every stream
	Restart bool            // with Full: also what this week's round has compared already
}

// Check compares streams of a connection with the provider, and mends what differs. By default it
// counts, which costs a call a stream, and reads again where the numbers differ or say nothing.
//
// The summary holds what has been compared, also with an error, which names what could not be.
func (w *Worker) Check(ctx context.Context, c org.Connection, o Check) (Summary, error) {
	k := &check{Worker: w, conn: c, Check: o, since: w.Now(), failed: map[string]error{}}
	for i := range o.Tables {
		k.items = append(k.items, &item{table: &o.Tables[i]})
	}
	err := k.compare(ctx)
	s, errStanding := w.Store.Standing(context.WithoutCancel(ctx), c.ID)
	if err == nil {
		err = errStanding
	}
	sum := k.summary(s)
	return sum, errors.Join(err, failures(k.failed))
}

// check is one in the making.
type check struct {
	*Worker
	Check
	conn   org.Connection
	since  time.Time
	items  []*item
	failed map[string]error
}

// item is one stream's check.
type item struct {
	table        *catalog.Table
	step         step
	name         string // of the reading that tells how it ended
	live         int    // objects stored when the check began
	passes       int    // how often it was its turn
	begun        bool   // its reading has begun in this pass
	counts       int    // how often it was counted
	theirs, ours int    // what came of the last count
}

type step int

const (
	counting step = iota
	reading
	compared
	skipped
	failing
)

const (
	// maxCounts is how often a stream is counted before numbers that differ are believed. Between two
	// counts there is a look for changes, so that those in flight are not taken for damage.
	maxCounts = 3
	// maxPasses bounds how often a stream's turn comes before it is given up.
	maxPasses = maxCounts + 3
	// portion is how many objects are read again at a time: of what a killed full check has begun
	// not much is left half done.
	portion = 20_000
	// aPage is how many objects can be read again at the price of counting them: one call.
	aPage = 1000
)

// compare brings every item to its end.
func (k *check) compare(ctx context.Context) error {
	if err := k.plan(ctx); err != nil {
		return err
	}
	for _, items := range k.portions() {
		for {
			items = slices.DeleteFunc(items, func(i *item) bool { return i.step >= compared })
			if len(items) == 0 {
				break
			}
			if err := k.pass(ctx, items); err != nil {
				return err
			}
		}
	}
	return nil
}

// plan decides what is to be done with each stream.
func (k *check) plan(ctx context.Context) error {
	s, err := k.Store.Standing(ctx, k.conn.ID)
	if err != nil {
		return err
	}
	week, readings := k.week(s)
	for _, i := range k.items {
		if i.live, err = k.Store.Live(ctx, k.conn.ID, i.table.Stream); err != nil {
			return err
		}
		under := s.underWay(i.table.Stream)
		switch {
		case k.Full && !readings[i.table.Stream].Ended.IsZero():
			i.step, i.name = compared, week
		case k.Full:
			i.step, i.name = reading, week
		case whole(under): // killed half-way
			i.step, i.name = reading, under
		case i.table.Optional && i.live == 0 && s.empty(i.table.Stream):
			i.step = skipped
		case i.table.Permanent, i.table.Every > 0 && i.live < aPage:
			i.step, i.name = reading, name(kindDiffers, k.since)
		}
	}
	if k.Full {
		oldestFirst(k.items, s)
	}
	return nil
}

// week returns the name of this week's round of full checks and its readings. A round that has no
// more to read of what is asked for is followed by another.
func (k *check) week(s Standing) (string, map[string]Reading) {
	kind := kindWeek(k.since)
	latest, readings := s.round(kind)
	left := slices.ContainsFunc(k.items, func(i *item) bool {
		r, begun := readings[i.table.Stream]
		// Of a feature that the company does not have the reading never ends.
		refused := begun && i.table.Optional && !s.Streams[i.table.Stream].Loading
		return r.Ended.IsZero() && !refused
	})
	if !left || k.Restart {
		return name(kind, k.since), nil
	}
	if latest == "" {
		latest = name(kind, k.since)
	}
	return latest, readings
}

// oldestFirst puts the streams first that have not been proven for longest.
func oldestFirst(items []*item, s Standing) {
	slices.SortStableFunc(items, func(a, b *item) int {
		return s.proven(a.table.Stream).Compare(s.proven(b.table.Stream))
	})
}

// portions splits a full check into parts.
func (k *check) portions() (all [][]*item) {
	sum := portion
	for _, i := range k.items {
		if k.Full && sum+i.live > portion || len(all) == 0 {
			all, sum = append(all, nil), 0
		}
		all[len(all)-1] = append(all[len(all)-1], i)
		sum += i.live
	}
	return all
}

// pass takes each item one step on.
func (k *check) pass(ctx context.Context, items []*item) error {
	streams := make([]string, len(items))
	for n, i := range items {
		streams[n] = i.table.Stream
		i.passes++
	}
	failed, err := k.again(ctx, k.conn, org.Reconcile, streams, func(ctx context.Context, src engine.Rereader) (map[string]engine.Reading, error) {
		return k.begin(ctx, src, items)
	})
	if err != nil {
		return err
	}
	maps.Copy(k.failed, failed)
	for _, i := range items {
		switch {
		case k.failed[i.table.Stream] != nil:
			i.step = failing
		case i.begun:
			i.step = compared
		case i.step < compared && i.passes == maxPasses:
			i.step = failing
			k.failed[i.table.Stream] = fault.New(fault.Unavailable, "it is still being read for the first time, or by somebody else")
		}
	}
	return nil
}

// begin counts, and says what is to be read again. It may be asked again when what it has said was
// not kept.
func (k *check) begin(ctx context.Context, src engine.Rereader, items []*item) (map[string]engine.Reading, error) {
	s, err := k.Store.Standing(ctx, k.conn.ID)
	if err != nil {
		return nil, err
	}
	readings, anew := map[string]engine.Reading{}, k.Full && k.Restart
	for _, i := range items {
		if i.step == reading && !i.begun && !anew && s.ended(i.table.Stream, i.name) {
			i.step = compared // another job of the same name was faster: to begin again would wipe out what it has found
			continue
		}
		at, under := s.Streams[i.table.Stream], s.underWay(i.table.Stream)
		quiet := at.Ever && !at.Loading
		if i.step == counting && quiet {
			if err := k.count(ctx, src, i); err != nil {
				return nil, err
			}
		}
		if whole(under) && i.step <= reading && !anew {
			i.step, i.name = reading, under
		}
		mine := i.begun || under != "" && under == i.name || anew
		if i.begun = i.step == reading && (quiet || mine); i.begun {
			readings[i.table.Stream] = engine.Reading{Name: i.name, Verify: true}
		}
	}
	return readings, nil
}

// count compares numbers. Those that differ are believed when they do so twice in the same way, or
// once too often.
func (k *check) count(ctx context.Context, src engine.Rereader, i *item) error {
	theirs, err := src.Count(ctx, i.table.Stream)
	switch kind := fault.Of(err); {
	case i.table.Optional && (kind == fault.Invalid || kind == fault.Forbidden || kind == fault.NotFound):
		theirs = 0 // a feature that the company does not have
	case kind == fault.Invalid || kind == fault.Forbidden || kind == fault.NotFound:
		k.failed[i.table.Stream], i.step = err, failing
		return nil
	case err != nil:
		return err
	}
	ours, err := k.Store.Live(ctx, k.conn.ID, i.table.Stream)
	if err != nil {
		return err
	}
	same := i.counts > 0 && theirs == i.theirs && ours == i.ours
	i.counts++
	i.theirs, i.ours = theirs, ours
	switch {
	case theirs == ours:
		i.step, i.name = compared, name(kindCounts, k.since)
		return k.Store.Counted(ctx, k.conn.ID, i.table.Stream, i.name, theirs, ours)
	case same || i.counts >= maxCounts:
		i.step, i.name = reading, name(kindDiffers, k.since)
	}
	return nil
}
