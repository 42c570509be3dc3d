package catalog_test

import (
	"bytes"
	"testing"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// How long an object with five lines takes from its bytes to rows, and to its id and version alone.
func BenchmarkDecode(b *testing.B) {
	raw := []byte(`{"Id":"7","Meta":{"Created":"2026-01-14T15:25:52-08:00","Changed":"2026-01-14T15:25:53-08:00"},"Total":362.07,"Count":5,"Day":"2026-01-14","Open":true,"Buyer":{"Name":"Jeff's Jalopies","City":"Menlo Park"},"Line":[`)
	raw = append(raw, bytes.Repeat([]byte(`,{"Text":"Quarterly service","Amount":100.50,"Detail":{"Item":{"value":"5","name":"Services:Maintenance"},"Qty":3}}`), 5)[1:]...)
	raw = append(raw, "]}"...)
	d := catalog.NewDecoder(&sale)
	for name, f := range map[string]func() error{
		"decode":   func() error { return d.Decode(raw, func(catalog.Row) error { return nil }) },
		"identify": func() error { _, _, err := sale.Identify(raw); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
