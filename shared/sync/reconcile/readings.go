package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Reading is one comparison of a stream with the provider, as it is recorded.
type Reading struct {
	Stream  string
	Name    string // tells comparisons of a stream apart; see kind
	Values  bool   // every value was compared; false: the numbers of objects only
	Begun   time.Time
	Ended   time.Time // zero: not ended
	Checked int       // objects that the provider has

	Equal, Missing, Stale, Damaged int // of these
	Surplus                        int // objects that the provider does not have
	Mended                         int // of all that were not equal
	Examples                       []Example
}

// Example is an object that was not equal.
type Example struct {
	ID  string `json:"id"`
	Was string `json:"was"` // missing, stale, damaged, surplus
}

// Wrong is how many objects were not equal.
func (r Reading) Wrong() int { return r.Missing + r.Stale + r.Damaged + r.Surplus }

// The kinds of readings. A reading's name is its kind and since when: so the unfinished one of a kind
// is found again, and the next of that kind is told apart from it.
const (
	kindBackfill = "backfill" // all of a stream, because somebody asked
	kindDiffers  = "differs"  // all, because the numbers differ or say nothing
	kindFull     = "full"     // all, a round a week: "full 2026-W47"
	kindCounts   = "counts"   // nothing is read
	since        = " since "
)

func kindRange(from, to time.Time) string {
	end := "now"
	if !to.IsZero() {
		end = to.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s %s to %s", kindBackfill, from.UTC().Format(time.RFC3339), end)
}

func kindWeek(now time.Time) string {
	year, week := now.UTC().ISOWeek()
	return fmt.Sprintf("%s %d-W%02d", kindFull, year, week)
}

func name(kind string, now time.Time) string {
	return kind + since + now.UTC().Format(time.RFC3339Nano)
}

func kindOf(name string) string {
	kind, _, _ := strings.Cut(name, since)
	return kind
}

// whole reports whether a reading of that name reads all of a stream.
func whole(name string) bool {
	first, _, _ := strings.Cut(kindOf(name), " ")
	return kindOf(name) == kindBackfill || first == kindDiffers || first == kindFull
}

// underWay returns the name of the reading of a stream that has begun and not ended; empty: none.
func (s Standing) underWay(stream string) string {
	if !s.Streams[stream].Loading {
		return ""
	}
	for i := len(s.Readings) - 1; i >= 0; i-- {
		if r := s.Readings[i]; r.Stream == stream && r.Values {
			if !r.Ended.IsZero() {
				return ""
			}
			return r.Name
		}
	}
	return ""
}

// round returns the name of the latest round of a kind, and its readings by stream.
func (s Standing) round(kind string) (latest string, readings map[string]Reading) {
	readings = map[string]Reading{}
	for i := len(s.Readings) - 1; i >= 0; i-- {
		r := s.Readings[i]
		if kindOf(r.Name) != kind {
			continue
		}
		if latest == "" {
			latest = r.Name
		}
		if r.Name == latest {
			readings[r.Stream] = r
		}
	}
	return latest, readings
}

// proven returns when a stream's values were last all compared; zero: not within memory.
func (s Standing) proven(stream string) (at time.Time) {
	for _, r := range s.Readings {
		if r.Stream == stream && whole(r.Name) && r.Ended.After(at) {
			at = r.Ended
		}
	}
	return at
}

// empty reports whether the provider was found to have nothing of a stream when it was last compared.
func (s Standing) empty(stream string) bool {
	for i := len(s.Readings) - 1; i >= 0; i-- {
		if r := s.Readings[i]; r.Stream == stream && !r.Ended.IsZero() && (!r.Values || whole(r.Name)) {
			return r.Checked == 0
		}
	}
	return false
}

// ended reports whether a comparison of a stream's values under that name has come to its end.
func (s Standing) ended(stream, name string) bool {
	return slices.ContainsFunc(s.Readings, func(r Reading) bool {
		return r.Stream == stream && r.Name == name && r.Values && !r.Ended.IsZero()
	})
}
