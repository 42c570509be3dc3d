package quickbooks_test

import (
	"encoding/json"
	"testing"
)

// documented are bodies of what no recording holds: entities, kinds of lines and spellings that
// Intuit documents. Ids are made up.
const documented = `{
"Transfer": [
	{"Id":"184","SyncToken":"1","MetaData":{"CreateTime":"2026-05-05T03:20:11-07:00","LastUpdatedTime":"2026-05-05T03:20:12-07:00"},
	 "TxnDate":"2026-05-05","Amount":120.00,"FromAccountRef":{"value":"35","name":"Checking"},"ToAccountRef":{"value":"36","name":"Savings"},
	 "PrivateNote":"to savings","CurrencyRef":{"value":"USD","name":"United States Dollar"},"ExchangeRate":1,"ClassRef":{"value":"5000000000000007195"},"TransactionLocationType":"WithinFrance"},
	{"Id":"185","SyncToken":"2","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:13-07:00"},"TxnDate":"2026-05-05","Amount":0,"PrivateNote":"Voided - to savings"}],
"RecurringTransaction": [
	{"SalesReceipt":{"Id":"900","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:14-07:00"},"TotalAmt":31.50,
	 "RecurringInfo":{"Name":"Rent","RecurType":"Reminder","Active":false,"ScheduleInfo":{"IntervalType":"Yearly","MonthOfYear":"May","RemindDays":3,"MaxOccurrences":12,"StartDate":"2026-06-01","EndDate":"2027-05-01"}},
	 "Line":[{"Id":"1","Amount":0,"DetailType":"GroupLineDetail","GroupLineDetail":{"GroupItemRef":{"value":"9"},"Quantity":2,
	  "Line":[{"Id":"2","Amount":31.50,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"5"},"Qty":null,"UnitPrice":"10.5"}}]}}]}},
	{"JournalEntry":{"Id":"901","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:15-07:00"},
	 "Line":[{"Id":"0","Amount":7.25,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":{"PostingType":"Debit","AccountRef":{"value":7},
	  "Entity":{"Type":"Vendor","EntityRef":{"value":"56"}},"BillableStatus":"NotBillable"}}]}}],
"TaxRate": [
	{"Id":"8","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:16-07:00"},"Name":"old rate","Active":"false","RateValue":"8%","OriginalTaxRate":{"value":"3"},
	 "EffectiveTaxRate":[{"RateValue":"7.75%","EffectiveDate":"2010-07-01T00:00:00-07:00","EndDate":"2014-06-30T00:00:00-07:00"},{"RateValue":8,"EffectiveDate":"2014-07-01T00:00:00-07:00"}]}],
"TaxCode": [
	{"Id":"9","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:17-07:00"},"Name":"both","TaxGroup":true,
	 "SalesTaxRateList":{"TaxRateDetail":[{"TaxRateRef":{"value":"3"},"TaxTypeApplicable":"TaxOnAmount","TaxOrder":0}]},
	 "PurchaseTaxRateList":{"TaxRateDetail":[{"TaxRateRef":{"value":"4"},"TaxTypeApplicable":"TaxOnTax","TaxOrder":1,"TaxOnTaxOrder":0}]},
	 "AdjustmentTaxRateList":{"TaxRateDetail":[{"TaxRateRef":{"value":"5"}}]}}],
"Item": [
	{"Id":"30","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:18-07:00"},"Name":"Kit","Type":"Group",
	 "ItemGroupDetail":{"ItemGroupLine":[{"ItemRef":{"value":"5","name":"Pump"},"Qty":2.50},{"ItemRef":{"value":"6"},"Qty":1,"UOMRef":{"value":"1"}}]}}],
"Invoice": [
	{"Id":"910","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:19-07:00"},"TotalAmt":106.50,"ExchangeRate":1.12345678901,"HomeTotalAmt":119.65,
	 "Line":[{"Id":"1","Amount":103.55,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"MarkupInfo":{"PercentBased":true,"Value":103.55,"Percent":12.5,
	  "PriceLevelRef":{"value":"2"},"MarkUpIncomeAccountRef":{"value":"1"}}}},{"DetailType":"DescriptionOnly","Description":"two lines","DescriptionLineDetail":{"ServiceDate":"2026-05-01"}}]}],
"Deposit": [
	{"Id":"920","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:20-07:00"},"TotalAmt":80.00,"CashBack":{"AccountRef":{"value":"36"},"Amount":20.00},
	 "Line":[{"Amount":100.00,"DetailType":"DepositLineDetail","DepositLineDetail":{"Entity":{"value":"3","name":"Cool Cars","type":"CUSTOMER"},"AccountRef":{"value":"1"},"CheckNum":"17"}}]}],
"TimeActivity": [
	{"Id":"930","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:21-07:00"},"TxnDate":"2026-05-05","NameOf":"Vendor","VendorRef":{"value":"56"},
	 "StartTime":"2026-05-05T08:00:00-07:00","EndTime":"2026-05-05T10:15:00-07:00","BreakMinutes":15,"HourlyRate":35.00,"CostRate":"20.5"}],
"Budget": [
	{"Id":"2","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05T03:20:22-07:00"},"Name":"2026","Active":true,
	 "BudgetDetail":[{"BudgetDate":"2026-01-01","Amount":1500.00,"AccountRef":{"value":"1"},"ClassRef":{"value":"2"},"DepartmentRef":{"value":"3"},"CustomerRef":{"value":"4"}}]}],
"InventoryAdjustment": [
	{"Id":"940","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-05-05"},"Line":[{"Id":"1","DetailType":"ItemAdjustmentLineDetail","ItemAdjustmentLineDetail":{"ItemRef":{"value":"5"},"QtyDiff":-0.250,"NewQty":9.75,"SalesPrice":3.10}}]}]
}`

// TestUnrecordedObjects stores bodies that follow Intuit's documentation, of what no recording
// holds, and compares all of what comes back.
func TestUnrecordedObjects(t *testing.T) {
	t.Parallel()
	c := newComparison(t)
	c.file(t, "documented", json.RawMessage(documented), nil)
	t.Logf("compared %+v", c.got)
	for _, entity := range unrecorded {
		if c.got.Of[entity] == 0 {
			t.Errorf("there is no body of %s", entity)
		}
	}
	if least := (figures{Objects: 12, Voided: 1, Lines: 9, Nested: 1, Rows: 27, Values: 150, Amounts: 29}); !c.got.reach(least) {
		t.Errorf("compared %+v, want at least %+v", c.got, least)
	}
}
