package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Backfill says what is to be read again.
type Backfill struct {
	Streams []string
	From    time.Time
	To      time.Time // objects last changed between the two; zero: now; both zero: all
	Restart bool      // from the beginning, also what is under way
}

// Backfill reads streams of a connection again, compares every value with what is stored, and mends
// what differs. Of a range of time nothing is marked deleted; of all, what the provider no longer has.
//
// It returns when all is read. A reading that was begun before, and a first load, go on from where
// they are. Its error names the streams that could not be read to their end.
func (w *Worker) Backfill(ctx context.Context, c org.Connection, b Backfill) ([]Reading, error) {
	k := &backfill{Worker: w, conn: c, Backfill: b, since: w.Now(), names: map[string]string{}, later: b.Streams}
	failed := map[string]error{}
	for len(k.later) > 0 {
		k.streams = k.later
		more, err := w.again(ctx, c, org.Backfill, k.streams, k.begin)
		if err != nil {
			return nil, err
		}
		maps.Copy(failed, more)
		k.later = slices.DeleteFunc(k.later, func(name string) bool { return failed[name] != nil })
	}
	s, err := w.Store.Standing(ctx, c.ID)
	return s.named(k.names), errors.Join(failures(failed), err)
}

// backfill is one in the making.
type backfill struct {
	*Worker
	Backfill
	conn    org.Connection
	since   time.Time
	names   map[string]string // of the readings, by stream
	streams []string          // whose turn it is
	later   []string          // those that somebody else is reading now
}

// begin says what is to be read. It may be asked again when what it has said was not kept.
func (k *backfill) begin(ctx context.Context, _ engine.Rereader) (map[string]engine.Reading, error) {
	s, err := k.Store.Standing(ctx, k.conn.ID)
	if err != nil {
		return nil, err
	}
	readings := map[string]engine.Reading{}
	k.later = nil
	for _, stream := range k.streams {
		switch r, ok := k.reading(s, stream); {
		case ok:
			readings[stream], k.names[stream] = r, r.Name
		case s.Streams[stream].Ever:
			k.later = append(k.later, stream)
		}
	}
	return readings, nil
}

// reading is what of a stream is to be read; not ok: the load that it is in comes first.
func (k *backfill) reading(s Standing, stream string) (r engine.Reading, ok bool) {
	kind, to := kindBackfill, k.To
	if !k.From.IsZero() {
		kind = kindRange(k.From, k.To)
		if to.IsZero() {
			to = k.since
		}
	}
	r = engine.Reading{Name: name(kind, k.since), From: k.From, To: to, Verify: true}
	switch under := s.underWay(stream); {
	case k.Restart || !s.Streams[stream].Loading || k.names[stream] == r.Name:
		return r, true
	case whole(under):
		return engine.Reading{Name: under, Verify: true}, true // more than enough
	case kindOf(under) == kind:
		r.Name = under
		return r, true
	default:
		return r, false
	}
}

// failures puts the failures of streams into one error, in the order of their names.
func failures(failed map[string]error) error {
	var all []error
	for _, stream := range slices.Sorted(maps.Keys(failed)) {
		all = append(all, &engine.StreamError{Stream: stream, Err: failed[stream]})
	}
	return errors.Join(all...)
}
