package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Summary is what a check has come to.
type Summary struct {
	Counted  int       // streams whose numbers were equal
	Skipped  int       // streams of features that the company has not had for a while
	Readings []Reading // of the streams of which every value was compared
	Failed   int       // streams that could not be compared, or mended
}

// Wrong is how many objects were not equal, Mended how many of them are now.
func (s Summary) Wrong() (wrong, mended int) {
	for _, r := range s.Readings {
		wrong += r.Wrong()
		mended += r.Mended
	}
	return wrong, mended
}

// summary adds up what the items have come to.
func (k *check) summary(s Standing) (sum Summary) {
	for _, i := range k.items {
		switch {
		case i.step == skipped:
			sum.Skipped++
		case i.step == compared && kindOf(i.name) == kindCounts:
			sum.Counted++
		case i.step == compared:
			r := s.named(map[string]string{i.table.Stream: i.name})
			switch ended := len(r) == 1 && !r[0].Ended.IsZero(); {
			case !ended && i.table.Optional: // refused, as features are that a company does not have
				sum.Skipped++
			case !ended:
				k.failed[i.table.Stream] = fault.New(fault.Unavailable, "it was not read to its end")
			case r[0].Mended < r[0].Wrong():
				k.failed[i.table.Stream] = fault.New(fault.Invalid,
					fmt.Sprintf("%d objects could not be mended: the dead letters tell why", r[0].Wrong()-r[0].Mended))
				fallthrough
			default:
				sum.Readings = append(sum.Readings, r...)
			}
		}
	}
	sum.Failed = len(k.failed)
	return sum
}

// named returns the readings of these names, by stream.
func (s Standing) named(names map[string]string) []Reading {
	return slices.DeleteFunc(slices.Clone(s.Readings), func(r Reading) bool { return names[r.Stream] != r.Name })
}

// Tell logs a line for each reading that was not equal.
func (w *Worker) Tell(ctx context.Context, c org.Connection, readings []Reading) {
	for _, r := range readings {
		if r.Wrong() == 0 {
			continue
		}
		w.Log.LogAttrs(ctx, slog.LevelWarn, "the database differed", slog.String("event", "reconciled"),
			slog.String("org", string(c.Org)), slog.Int64("connection", int64(c.ID)), slog.String("stream", r.Stream),
			slog.Int("checked", r.Checked), slog.Int("equal", r.Equal), slog.Int("missing", r.Missing), slog.Int("stale", r.Stale),
			slog.Int("damaged", r.Damaged), slog.Int("surplus", r.Surplus), slog.Int("mended", r.Mended), slog.Any("examples", r.Examples))
	}
}

// Progress logs a line for each stream of a connection that is being read.
func (w *Worker) Progress(ctx context.Context, c org.Connection) error {
	s, err := w.Store.Standing(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, name := range s.loading() {
		at := s.Streams[name]
		attrs := []slog.Attr{slog.String("event", "progress"), slog.String("org", string(c.Org)), slog.Int64("connection", int64(c.ID)),
			slog.String("stream", name), slog.Int("done", at.Done)}
		if at.Total > 0 {
			attrs = append(attrs, slog.Int("total", at.Total), slog.String("share", fmt.Sprintf("%d%%", at.Share())), slog.Duration("left", at.Left()))
		}
		w.Log.LogAttrs(ctx, slog.LevelInfo, "progress", attrs...)
	}
	return nil
}
