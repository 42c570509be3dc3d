package plaidsource_test

import (
	"testing"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// BenchmarkFirstLoad is the source's own share of a first load of 20,000 transactions, and the simulator's,
// in the same process: nothing is stored.
func BenchmarkFirstLoad(b *testing.B) {
	const rows = 20_000
	w := newBank(b, setting{products: []string{"transactions"}, transactions: rows, page: 500})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for batch, err := range w.source().Pull(b.Context(), engine.Task{Local: shelf{newBook(b)}, Sweep: true}) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(batch.Records)
		}
		if n < rows {
			b.Fatalf("%d records", n)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
