package qbosim

var journalGenerator = perRound(journalPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, journalPlace)
	cents := int64(1 + r.Below(900_000))
	line := func(id, posting, account string) *object {
		detail := obj("PostingType", posting, "AccountRef", accountRef(account))
		return obj("Id", id, "Description", "Month end", "Amount", money(cents), "DetailType", "JournalEntryLineDetail",
			"JournalEntryLineDetail", b.tagged(&r, detail, "ClassRef"), "CustomExtensions", []any{})
	}
	credit := line("1", "Credit", "44")
	if round%3 == 1 {
		who := b.buyer(&r)
		credit.child("JournalEntryLineDetail").set("Entity", obj("Type", "Customer", "EntityRef", buyerRef(who)))
	}
	return obj("Adjustment", round%4 == 3, "TotalAmt", count(0), "DocNumber", "JE-"+count(round+1).String(), "TxnDate", b.day(round, journalPlace),
		"CurrencyRef", dollars(), "PrivateNote", "Depreciation and interest", "Line", []any{line("0", "Debit", "40"), credit}, "TxnTaxDetail", &object{})
})

var depositGenerator = perRound(depositPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, depositPlace)
	var lines []any
	var total int64
	if banked(round) {
		receipt := receiptGenerator.make(b, round)
		total = receipt.cents("TotalAmt")
		link := obj("TxnId", b.roundTxn(round, receiptPlace), "TxnType", "SalesReceipt", "TxnLineId", "0")
		lines = append(lines, obj("Amount", money(total), "LinkedTxn", []any{link}, "DepositLineDetail", obj("PaymentMethodRef", ref("2", ""))))
	}
	interest := int64(1 + r.Below(5000))
	lines = append(lines, obj("Id", "1", "LineNum", count(1), "Amount", money(interest), "DetailType", "DepositLineDetail",
		"DepositLineDetail", obj("AccountRef", accountRef("25")), "CustomExtensions", []any{}))
	o := obj("DepositToAccountRef", accountRef("35"))
	if total += interest; banked(round) && total > 50_00 {
		o.set("CashBack", obj("AccountRef", accountRef("36"), "Amount", money(20_00), "Memo", "To savings"))
		total -= 20_00
	}
	return o.set("TotalAmt", money(total)).set("TxnDate", b.day(round, depositPlace)).set("CurrencyRef", dollars()).
		set("PrivateNote", "Bank run").set("Line", lines).set("TxnTaxDetail", &object{})
})

var transferGenerator = perRound(transferPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, transferPlace)
	from, to := "35", "36"
	if r.OneIn(2) {
		from, to = to, from
	}
	return obj("TxnDate", b.day(round, transferPlace), "CurrencyRef", dollars(), "FromAccountRef", accountRef(from), "ToAccountRef", accountRef(to),
		"Amount", money(int64(1+r.Below(500))*25_00), "PrivateNote", "Sweep")
})

var cardPaymentGenerator = perRound(cardPaymentPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, cardPaymentPlace)
	return obj("TxnDate", b.day(round, cardPaymentPlace), "CurrencyRef", dollars(), "Amount", money(int64(1+r.Below(20_000))*5),
		"CreditCardAccountRef", accountRef("41"), "BankAccountRef", accountRef("35"), "PrivateNote", "Card statement")
})

var adjustmentGenerator = perRound(adjustmentPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, adjustmentPlace)
	detail := obj("ItemRef", ref(listID(4), ""), "QtyDiff", count(r.Below(9)-4))
	return obj("DocNumber", count(20+round).String(), "TxnDate", b.day(round, adjustmentPlace), "PrivateNote", "",
		"AdjustAccountRef", accountRef("80"), "Line", []any{obj("Id", "1", "ItemAdjustmentLineDetail", detail)})
}).byDay()

var timeGenerator = perRound(timePlace, func(b *books, round int) *object {
	r := b.roundDraw(round, timePlace)
	who := r.Below(employees - 1)
	return obj("TxnDate", b.day(round, timePlace), "NameOf", "Employee", "EmployeeRef", ref(count(55+who).String(), employeeName(who)),
		"CustomerRef", buyerRef(b.buyer(&r)), "ItemRef", ref(listID(0), catalogue[0].name), "BillableStatus", [...]string{"Billable", "NotBillable", "HasBeenBilled"}[round%3],
		"Taxable", false, "HourlyRate", count(95), "Hours", count(1+r.Below(8)), "Minutes", count(15*r.Below(4)), "Description", "On site")
})

var chargeGenerator = perRound(chargePlace, func(b *books, round int) *object {
	r := b.roundDraw(round, chargePlace)
	cents := int64(1+r.Below(400)) * 25
	detail := obj("ItemRef", ref(listID(0), catalogue[0].name), "UnitPrice", money(cents), "Qty", count(1),
		"ItemAccountRef", accountRef("1"), "TaxCodeRef", ref("NON", ""))
	line := obj("Id", "1", "LineNum", count(1), "Amount", money(cents), "DetailType", "ReimburseLineDetail", "ReimburseLineDetail", detail)
	return obj("HasBeenInvoiced", false, "TxnDate", b.day(round, chargePlace), "CurrencyRef", dollars(), "LinkedTxn", []any{}, "Amount", money(cents),
		"Line", []any{line}, "CustomerRef", buyerRef(b.buyer(&r)))
})

// recurringGenerator makes templates: a bill or an invoice in a wrapper.
var recurringGenerator = perRound(recurringPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, recurringPlace)
	day := b.roundTime(round, recurringPlace)
	schedule := obj("IntervalType", "Monthly", "NumInterval", count(1), "DayOfMonth", count(1), "NextDate", string(appendDate(nil, day+30*24*3600)))
	info := obj("Name", "Template "+count(round+1).String(), "RecurType", "Automated", "Active", round%4 != 3, "ScheduleInfo", schedule)
	if round%2 == 1 {
		o := b.sale(&r, round, recurringPlace)
		o.drop("DocNumber", "TxnDate", "CustomerMemo", "BillAddr", "FreeFormAddress", "BillEmail", "PrivateNote")
		for _, flag := range []string{"AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment"} {
			o.set(flag, false)
		}
		o.set("LinkedTxn", []any{}).set("Balance", o.get("TotalAmt"))
		return obj("Invoice", o.set("RecurringInfo", info).set("RecurDataRef", ref(count(round+1).String(), "")))
	}
	o := b.bill(round, billPlace)
	o.drop("TxnDate", "DueDate", "DocNumber", "LinkedTxn", "VendorAddr", "DepartmentRef")
	return obj("Bill", o.set("RecurringInfo", info).set("RecurDataRef", ref(count(round+1).String(), "")))
})

var attachableGenerator = perRound(attachablePlace, func(b *books, round int) *object {
	name := "site-" + count(round+1).String() + ".jpg"
	id := attachableID(b, round)
	to := obj("EntityRef", obj("value", b.roundTxn(round, billPlace), "type", "Bill"), "IncludeOnSend", false)
	if round%3 == 2 { // a note, not a file
		return obj("Note", oddNotes[round%len(oddNotes)], "AttachableRef", []any{to})
	}
	return obj("FileName", name, "FileAccessUri", "/v3/company/"+b.spec.Realm+"/download/"+id, "TempDownloadUri", "https://files.example/"+id+"/"+name,
		"Size", count(40_000+round), "ContentType", "image/jpeg", "AttachableRef", []any{to})
}).under(attachableID)

func attachableID(_ *books, i int) string { return "500000000000050362" + count(i).String() }

var budgetGenerator = perRound(budgetPlace, func(b *books, round int) *object {
	r := b.roundDraw(round, budgetPlace)
	year := b.day(round, budgetPlace)[:4]
	var details []any
	for month := range 12 {
		for _, account := range []string{"7", "17"} {
			details = append(details, obj("BudgetDate", year+"-"+twoDigits(month+1)+"-01", "Amount", money(int64(r.Below(4000))*100), "AccountRef", accountRef(account)))
		}
	}
	return obj("Name", "Plan "+count(round+1).String(), "StartDate", year+"-01-01", "EndDate", year+"-12-31", "BudgetType", "ProfitAndLoss",
		"BudgetEntryType", "Monthly", "Active", true, "BudgetDetail", details)
}).under(numbered)

func twoDigits(n int) string {
	if n < 10 {
		return "0" + count(n).String()
	}
	return count(n).String()
}
