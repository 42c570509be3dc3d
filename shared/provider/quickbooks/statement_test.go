package quickbooks

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStatement(t *testing.T) {
	from := time.Date(2026, 5, 5, 3, 11, 51, 890e6, time.FixedZone("", -7*3600))
	to := time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)
	const order = " ORDERBY MetaData.LastUpdatedTime ASC "
	tests := []struct {
		name string
		give Query
		want string
	}{
		{"everything", Query{Entity: "Invoice"}, "SELECT * FROM Invoice" + order + "STARTPOSITION 1 MAXRESULTS 1000"},
		{"window", Query{Entity: "Invoice", Updated: Range{from, to}, Start: 1001},
			"SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime >= '2026-05-05T10:11:51Z' AND MetaData.LastUpdatedTime <= '2026-05-06T00:00:00Z'" + order + "STARTPOSITION 1001 MAXRESULTS 1000"},
		{"open at the end, with inactive", Query{Entity: "Customer", Updated: Range{From: from}, Inactive: true},
			"SELECT * FROM Customer WHERE MetaData.LastUpdatedTime >= '2026-05-05T10:11:51Z' AND Active IN (true, false)" + order + "STARTPOSITION 1 MAXRESULTS 1000"},
		{"open at the start", Query{Entity: "Bill", Updated: Range{To: to}},
			"SELECT * FROM Bill WHERE MetaData.LastUpdatedTime <= '2026-05-06T00:00:00Z'" + order + "STARTPOSITION 1 MAXRESULTS 1000"},
		{"ids", Query{Entity: "Term", IDs: []string{"1", `Amy's \ Bird`}, Inactive: true},
			`SELECT * FROM Term WHERE Id IN ('1', 'Amy\'s \\ Bird') AND Active IN (true, false)` + order + "STARTPOSITION 1 MAXRESULTS 1000"},
		{"another name", Query{Entity: "CreditCardPayment"}, "SELECT * FROM creditcardpayment" + order + "STARTPOSITION 1 MAXRESULTS 1000"},
		{"that name as in JSON", Query{Entity: "CreditCardPaymentTxn"}, "SELECT * FROM creditcardpayment" + order + "STARTPOSITION 1 MAXRESULTS 1000"},
		{"without MetaData", Query{Entity: "TaxClassification", Unordered: true}, "SELECT * FROM TaxClassification STARTPOSITION 1 MAXRESULTS 1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.give.statement(1000)); diff != "" {
				t.Errorf("statement (-want +got):\n%s", diff)
			}
		})
	}
	const count = "SELECT COUNT(*) FROM Bill WHERE MetaData.LastUpdatedTime <= '2026-05-06T00:00:00Z'"
	if got := (Query{Entity: "Bill", Updated: Range{To: to}, Start: 7}).countStatement(); got != count {
		t.Errorf("count statement %s", got)
	}
}
