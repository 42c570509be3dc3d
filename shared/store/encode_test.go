package store

import (
	"bytes"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// How long an invoice with five lines takes from its bytes to COPY's, decoding included.
func BenchmarkEncodeInvoice(b *testing.B) {
	raw := bytes.Repeat([]byte(`,{"Id":"1","LineNum":1,"Description":"Quarterly service","Amount":100.50,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"5","name":"Services:Maintenance"},"UnitPrice":92.5633333,"Qty":3,"ItemAccountRef":{"value":"45","name":"Income"},"TaxCodeRef":{"value":"TAX"}}}`), 5)[1:]
	raw = append([]byte(`{"Id":"7","SyncToken":"0","MetaData":{"CreateTime":"2026-01-14T15:25:52-08:00","LastUpdatedTime":"2026-01-14T15:25:53-08:00"},"DocNumber":"1037","TxnDate":"2026-01-14","CurrencyRef":{"value":"USD","name":"United States Dollar"},"TotalAmt":362.07,"Balance":0,"CustomerRef":{"value":"12","name":"Jeff's Jalopies"},"BillAddr":{"Id":"95","Line1":"Jeff's Jalopies","City":"Menlo Park"},"DueDate":"2026-02-13","Line":[`), raw...)
	raw = append(raw, "]}"...)
	e := invoices(b)
	o := object{id: "7", next: state{version: at(time.Date(2026, 1, 14, 23, 25, 53, 0, time.UTC))}}
	for name, f := range map[string]func() error{
		"decode":            func() error { return e.decoder.Decode(raw, func(catalog.Row) error { return nil }) },
		"decode and encode": func() error { e.reset(owner{"onpoint", "quickbooks", 1}, time.Now()); return e.add(&o, raw) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func invoices(b *testing.B) *encoder {
	for _, t := range quickbooks.Catalog() {
		if t.Stream == "Invoice" {
			table, err := newTable(&t)
			if err != nil {
				b.Fatal(err)
			}
			return newEncoder(table)
		}
	}
	b.Fatal("no invoices")
	return nil
}

func BenchmarkNumeric(b *testing.B) {
	texts := [][]byte{[]byte("0"), []byte("362.07"), []byte("-92.5633333"), []byte("123456789012345678901234567890.5"), []byte("1.5e3")}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range texts {
			var err error
			if out, err = appendNumeric(out[:0], text); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func TestNumericAllocatesNothing(t *testing.T) {
	out, text := make([]byte, 0, 64), []byte("-123456789012345678901234567890.5633333e-10")
	if n := testing.AllocsPerRun(100, func() { appendNumeric(out[:0], text) }); n != 0 { //nolint:errcheck // it is a number
		t.Errorf("%v allocations", n)
	}
}

// A batch without a census, as nearly all are, makes no list of its ids.
func TestNoCensusNoList(t *testing.T) {
	b := engine.Batch{Records: make([]engine.Record, 1000)}
	for i := range b.Records {
		b.Records[i] = engine.Record{Stream: "Order", ID: "1"}
	}
	w := &work{parts: []*part{{table: &table{Table: &catalog.Table{Stream: "Order"}}}}}
	if n := testing.AllocsPerRun(10, func() { w.queueCensus(new(pgx.Batch), b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
