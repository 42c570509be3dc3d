package store

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// What is kept back comes out as it went in; what is broken is never taken for something else's end.
func TestRecordsAreKeptAsTheyAre(t *testing.T) {
	t.Parallel()
	text := func(rng *rand.Rand) string {
		b := make([]byte, rng.IntN(3)*rng.IntN(300))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return string(b)
	}
	instant := func(rng *rand.Rand) time.Time {
		if rng.IntN(2) == 0 {
			return time.Time{}
		}
		return time.UnixMicro(rng.Int64N(1<<55) - 1<<54).UTC()
	}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		records := make([]engine.Record, rng.IntN(6))
		for i := range records {
			records[i] = engine.Record{
				Stream: []string{"", "Order", "Tag"}[rng.IntN(3)], ID: text(rng), Version: instant(rng), Seen: instant(rng), Deleted: rng.IntN(2) == 0,
				Raw: []byte(text(rng)), Problem: text(rng), MergedInto: text(rng),
			}
		}
		kept := appendRecords([]byte{}, records)
		got, err := readRecords(kept)
		if diff := cmp.Diff(records, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("seed %d: %v (-want +got)\n%s", seed, err, diff)
		}
		if got, err := readRecords(kept[:rng.IntN(len(kept))]); !fault.Is(err, fault.Internal) {
			t.Fatalf("seed %d: cut short: %d records, %v", seed, len(got), err)
		}
		if _, err := readRecords(append(kept, 0)); !fault.Is(err, fault.Internal) {
			t.Fatalf("seed %d: with something behind it: %v", seed, err)
		}
	}
}

func FuzzReadRecords(f *testing.F) {
	f.Add(appendRecords(nil, []engine.Record{{Stream: "Order", ID: "1", Raw: []byte("{}")}}))
	f.Fuzz(func(_ *testing.T, b []byte) { readRecords(b) }) //nolint:errcheck // it must not panic
}
