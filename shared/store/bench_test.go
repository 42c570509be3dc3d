package store_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// invoice is an invoice with five rows of lines.
func invoice(n int) []byte {
	line := func(i int) string {
		return fmt.Sprintf(`{"Id":"%d","LineNum":%d,"Description":"Quarterly service of generator %d","Amount":%d.50,"DetailType":"SalesItemLineDetail",`+
			`"SalesItemLineDetail":{"ItemRef":{"value":"%d","name":"Services:Maintenance"},"UnitPrice":92.5633333,"Qty":3,"ItemAccountRef":{"value":"45","name":"Income"},"TaxCodeRef":{"value":"TAX"}},"CustomExtensions":[]}`, i, i, i, n, i)
	}
	return fmt.Appendf(nil, `{"AllowIPNPayment":false,"AllowOnlinePayment":false,"AllowOnlineCreditCardPayment":false,"AllowOnlineACHPayment":false,"domain":"QBO","sparse":false,`+
		`"Id":"%d","SyncToken":"0","MetaData":{"CreateTime":"2026-01-14T15:25:52-08:00","LastUpdatedTime":"2026-01-14T15:25:53-08:00"},`+
		`"CustomField":[{"DefinitionId":"1","Name":"Generator Model","Type":"StringType","StringValue":"GX-%d"}],"DocNumber":"%d","TxnDate":"2026-01-14","CurrencyRef":{"value":"USD","name":"United States Dollar"},`+
		`"LinkedTxn":[{"TxnId":"%d","TxnType":"Payment"}],"Line":[%s,%s,%s,%s,{"Amount":1200.00,"DetailType":"SubTotalLineDetail","SubTotalLineDetail":{}}],`+
		`"TxnTaxDetail":{"TxnTaxCodeRef":{"value":"2"},"TotalTax":26.80,"TaxLine":[{"Amount":26.80,"DetailType":"TaxLineDetail","TaxLineDetail":{"TaxRateRef":{"value":"3"},"PercentBased":true,"TaxPercent":8,"NetAmountTaxable":335.00}}]},`+
		`"CustomerRef":{"value":"12","name":"Jeff's Jalopies"},"CustomerMemo":{"value":"Thank you for your business and have a great day!"},`+
		`"BillAddr":{"Id":"95","Line1":"Jeff's Jalopies","Line2":"12 Willow Rd.","City":"Menlo Park","CountrySubDivisionCode":"CA","PostalCode":"94305"},"FreeFormAddress":true,`+
		`"DueDate":"2026-02-13","TotalAmt":%d.80,"ApplyTaxAfterDiscount":false,"PrintStatus":"NeedToPrint","EmailStatus":"NotSet","Balance":0}`,
		n, n, n, n, line(1), line(2), line(3), line(4), n)
}

func BenchmarkApplyNewInvoices(b *testing.B) {
	s := storetest.New(b, quickbooks.Catalog()...)
	id := s.Connect(b, "onpoint", "quickbooks", "1")
	l := s.Lease(b, id)
	const batch = 1000
	updated := time.Date(2026, 1, 14, 23, 25, 53, 0, time.UTC)
	next := 0
	for b.Loop() {
		b.StopTimer()
		records := make([]engine.Record, batch)
		for i := range records {
			next++
			records[i] = engine.Record{Stream: "Invoice", ID: fmt.Sprint(next), Version: updated, Raw: invoice(next)}
		}
		b.StartTimer()
		n, err := s.Apply(b.Context(), l, 0, engine.Batch{Records: records}, engine.Usage{})
		if err != nil || n.Written != batch {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "invoices/s")
}

func BenchmarkApplyUnchangedInvoices(b *testing.B) {
	s := storetest.New(b, quickbooks.Catalog()...)
	id := s.Connect(b, "onpoint", "quickbooks", "1")
	l := s.Lease(b, id)
	records := make([]engine.Record, 1000)
	for i := range records {
		records[i] = engine.Record{Stream: "Invoice", ID: fmt.Sprint(i + 1), Version: time.Date(2026, 1, 14, 23, 25, 53, 0, time.UTC), Raw: invoice(i + 1)}
	}
	for b.Loop() {
		if _, err := s.Apply(b.Context(), l, 0, engine.Batch{Records: records}, engine.Usage{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What it costs to compare every value of objects that are as they should be.
func BenchmarkVerifyInvoices(b *testing.B) {
	for _, batch := range []int{1, 1000} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			s := storetest.New(b, quickbooks.Catalog()...)
			l := s.Lease(b, s.Connect(b, "onpoint", "quickbooks", "1"))
			records := make([]engine.Record, batch)
			for i := range records {
				records[i] = engine.Record{Stream: "Invoice", ID: fmt.Sprint(i + 1), Version: time.Date(2026, 1, 14, 23, 25, 53, 0, time.UTC), Raw: invoice(i + 1)}
			}
			if _, err := s.Apply(b.Context(), l, 0, engine.Batch{Records: records}, engine.Usage{}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				n, err := s.Apply(b.Context(), l, 0, engine.Batch{Records: records, Verify: true, Census: "all", Loading: []string{"Invoice"}}, engine.Usage{})
				if err != nil || n.Unchanged != batch {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "invoices/s")
		})
	}
}

// What COPY alone takes for the rows of as many invoices, ready made: no encoding, no checks.
func BenchmarkCopyAlone(b *testing.B) {
	s := storetest.New(b, quickbooks.Catalog()...)
	l := s.Lease(b, s.Connect(b, "onpoint", "quickbooks", "1"))
	const batch = 1000
	records := make([]engine.Record, batch)
	for i := range records {
		records[i] = engine.Record{Stream: "Invoice", ID: fmt.Sprint(i + 1), Version: time.Date(2026, 1, 14, 23, 25, 53, 0, time.UTC), Raw: invoice(i + 1)}
	}
	if _, err := s.Apply(b.Context(), l, 0, engine.Batch{Records: records}, engine.Usage{}); err != nil {
		b.Fatal(err)
	}
	conn, err := s.Pool.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	pg := conn.Conn().PgConn()
	tables := []string{"invoices", "invoice_lines", "invoice_linked_txns", "invoice_tax_lines"}
	data := make([]bytes.Buffer, len(tables))
	for i, t := range tables {
		if _, err := pg.CopyTo(b.Context(), &data[i], "COPY quickbooks."+t+" TO STDOUT (FORMAT binary)"); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Exec(b.Context(), "UPDATE quickbooks."+t+" SET connection_id = -1"); err != nil {
			b.Fatal(err)
		}
	}
	next := 0
	for b.Loop() {
		next++
		if _, err := conn.Exec(b.Context(), "BEGIN"); err != nil {
			b.Fatal(err)
		}
		for i, t := range tables {
			if _, err := pg.CopyFrom(b.Context(), bytes.NewReader(data[i].Bytes()), "COPY quickbooks."+t+" FROM STDIN (FORMAT binary)"); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := conn.Exec(b.Context(), "COMMIT"); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		for _, t := range tables {
			if _, err := conn.Exec(b.Context(), fmt.Sprintf("UPDATE quickbooks.%s SET connection_id = %d WHERE connection_id > 0", t, -1-next)); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "invoices/s")
}
