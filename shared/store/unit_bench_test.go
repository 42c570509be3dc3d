package store_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// bankTransaction is a posted transaction of some 1.5 kB; every other one was pending before.
func bankTransaction(n int) []byte {
	pending := "null"
	if n%2 == 0 {
		pending = fmt.Sprintf(`"pending-%032d"`, n)
	}
	return fmt.Appendf(nil, `{"transaction_id":"%s","account_id":"BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv%d","account_owner":null,"amount":%d.%02d,"iso_currency_code":"USD","unofficial_currency_code":null,`+
		`"category":["Food and Drink","Restaurants","Fast Food"],"category_id":"13005032","check_number":null,"date":"2026-%02d-%02d","datetime":null,"authorized_date":"2026-01-14","authorized_datetime":null,`+
		`"location":{"address":"300 Post St","city":"San Francisco","region":"CA","postal_code":"94108","country":"US","lat":40.740352,"lon":-74.001761,"store_number":"1235"},`+
		`"name":"Apple Store %d","merchant_name":"Apple","merchant_entity_id":"Pg0vXVJq7R0DRqBEKJ8MzJgLbVXo8Vo8aP1Qz","original_description":"APPLE STORE #%d SAN FRANCISCO CA","logo_url":"https://plaid-merchant-logos.plaid.com/apple_1.png","website":"apple.com",`+
		`"payment_meta":{"by_order_of":null,"payee":null,"payer":null,"payment_method":null,"payment_processor":null,"ppd_id":null,"reason":null,"reference_number":null},"payment_channel":"in store","pending":false,"pending_transaction_id":%s,`+
		`"personal_finance_category":{"primary":"GENERAL_MERCHANDISE","detailed":"GENERAL_MERCHANDISE_ELECTRONICS","confidence_level":"VERY_HIGH"},"personal_finance_category_icon_url":"https://plaid-category-icons.plaid.com/PFC_GENERAL_MERCHANDISE.png",`+
		`"transaction_code":null,"transaction_type":"place","counterparties":[{"name":"Apple","type":"merchant","logo_url":"https://plaid-merchant-logos.plaid.com/apple_1.png","website":"apple.com","entity_id":"Pg0vXVJq7R0DRqBEKJ8MzJgLbVXo8Vo8aP1Qz","confidence_level":"VERY_HIGH"}]}`,
		bankID(n), n%7, n%1000, n%100, 1+n%12, 1+n%28, n, n, pending)
}

// bankID is an id whose order is not the one in which transactions come.
func bankID(n int) string { return fmt.Sprintf("%08x%029d", uint32(n)*2654435761, n) }

// A first load of 100,000 transactions in parts of 500: keeping back and storing. The memory in use is
// looked at when half of it is kept back, and again when all is stored.
func BenchmarkApplyUnit(b *testing.B) {
	const records, part = 100_000, 500
	s := storetest.New(b, plaid.Catalog()...)
	for b.Loop() {
		b.StopTimer()
		id := s.Connect(b, "onpoint", "plaid", fmt.Sprint("item-", b.N))
		l := s.Lease(b, id)
		run, err := s.Begin(b.Context(), l, []string{"transactions"}, org.Schedule)
		if err != nil {
			b.Fatal(err)
		}
		var peak uint64
		allocated := allocations()
		batch := engine.Batch{Records: make([]engine.Record, part)}
		b.StartTimer()
		for n := 0; n < records; n += part {
			b.StopTimer()
			for i := range batch.Records {
				batch.Records[i] = engine.Record{Stream: "transactions", ID: bankID(n + i), Raw: bankTransaction(n + i)}
			}
			if n%(10*part) == 0 {
				peak = max(peak, inUse())
			}
			b.StartTimer()
			batch.Part = n+part < records
			if !batch.Part {
				b.ReportMetric(float64(b.Elapsed().Microseconds())/records, "keeping-us/row")
				batch.Checkpoints = engine.Checkpoints{"transactions": []byte(`{"cursor":"c"}`)}
			}
			if _, err := s.Apply(b.Context(), l, run, batch, engine.Usage{Calls: 1}); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		b.ReportMetric(float64(allocations()-allocated)/records, "B-allocated/row")
		b.ReportMetric(float64(max(peak, inUse()))/(1<<20), "peak-MiB")
		b.StartTimer()
	}
	b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func allocations() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// The same transactions in batches of their own.
func BenchmarkApplyTransactions(b *testing.B) {
	const records, part = 100_000, 500
	s := storetest.New(b, plaid.Catalog()...)
	for b.Loop() {
		b.StopTimer()
		id := s.Connect(b, "onpoint", "plaid", fmt.Sprint("item-", b.N))
		l := s.Lease(b, id)
		batch := engine.Batch{Records: make([]engine.Record, part)}
		for n := 0; n < records; n += part {
			for i := range batch.Records {
				batch.Records[i] = engine.Record{Stream: "transactions", ID: bankID(n + i), Raw: bankTransaction(n + i)}
			}
			b.StartTimer()
			if _, err := s.Apply(b.Context(), l, 0, batch, engine.Usage{Calls: 1}); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
		}
		b.StartTimer()
	}
	b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
