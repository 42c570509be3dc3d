package qbosim

func writeTransfer(ch *change) error { return ch.twoAccounts("FromAccountRef", "ToAccountRef") }

// writeJournalEntry: debits are credits. Lines count from "0" and the total shows 0.
func writeJournalEntry(ch *change) error {
	doc := ch.doc
	lines := doc.objects("Line")
	var balance int64
	for i, line := range lines {
		debit, err := ch.journalLine(line)
		if err != nil {
			return err
		}
		balance += debit
		line.set("Id", count(i).String()).setMissing("CustomExtensions", []any{})
		line.arrange(lineKeys)
	}
	if len(lines) < 2 || balance != 0 {
		return businessRule("Debits and credits of a journal entry must be equal")
	}
	doc.set("Line", list(lines)).set("TotalAmt", count(0)).set("CurrencyRef", dollars())
	doc.setMissing("Adjustment", false)
	doc.setMissing("TxnTaxDetail", &object{})
	return ch.dateDefault()
}

// journalLine gives what a line debits, in cents.
func (ch *change) journalLine(line *object) (debit int64, err error) {
	detail := line.child("JournalEntryLineDetail")
	if detail == nil {
		return 0, missing("JournalEntryLineDetail")
	}
	amount, err := amountOf(line)
	if err != nil {
		return 0, err
	}
	line.set("Amount", amount).set("DetailType", "JournalEntryLineDetail")
	if detail.text("AccountRef", "value") == "" {
		return 0, missing("AccountRef")
	}
	if err := ch.referAll(detail); err != nil {
		return 0, err
	}
	switch detail.text("PostingType") {
	case "Debit":
		return line.cents("Amount"), nil
	case "Credit":
		return -line.cents("Amount"), nil
	}
	return 0, missing("PostingType")
}

// writeDeposit takes payments and receipts out of the undeposited funds, and money from accounts.
func writeDeposit(ch *change) error {
	doc := ch.doc
	if err := ch.referAs(doc, "DepositToAccountRef"); err != nil {
		return err
	}
	total, err := ch.depositLines()
	if err != nil {
		return err
	}
	if back := doc.child("CashBack"); back != nil {
		if err := ch.referAs(back, "AccountRef"); err != nil {
			return err
		}
		total -= back.cents("Amount")
	}
	doc.setCents("TotalAmt", total).set("CurrencyRef", dollars())
	doc.setMissing("TxnTaxDetail", &object{})
	return ch.dateDefault()
}

// depositLines completes the lines of a deposit and gives their sum in cents.
func (ch *change) depositLines() (total int64, err error) {
	lines := ch.doc.objects("Line")
	if len(lines) == 0 {
		return 0, missing("Line")
	}
	own := 0 // lines that are not made from anything
	for _, line := range lines {
		amount, err := amountOf(line)
		if err != nil {
			return 0, err
		}
		line.set("Amount", amount)
		if key := depositedTxn(line); key.id != "" {
			err = ch.depositLine(line, key)
		} else {
			own++
			err = ch.accountLine(line, own)
		}
		if err != nil {
			return 0, err
		}
		line.arrange(lineKeys)
		total += line.cents("Amount")
	}
	ch.doc.set("Line", list(lines))
	return total, nil
}

// depositLine is made from a payment or a receipt: it has neither Id nor DetailType.
func (ch *change) depositLine(line *object, key refKey) error {
	o, ok := ch.c.load(ch.c.look(key.entity), key.id)
	if !ok {
		return badReference("LinkedTxn", key.id)
	}
	mine := false
	for _, id := range links(o, "Deposit") {
		mine = id == ch.doc.text("Id")
	}
	if err := deposited(o); err != nil && !mine {
		return err
	}
	if undeposited(o) == 0 || undeposited(o) != line.cents("Amount") {
		return businessRule("The payment is not among the undeposited funds")
	}
	line.drop("Id", "LineNum", "DetailType")
	line.set("LinkedTxn", []any{obj("TxnId", key.id, "TxnType", key.entity, "TxnLineId", "0")})
	return nil
}

func (ch *change) accountLine(line *object, n int) error {
	detail := line.child("DepositLineDetail")
	if detail == nil || !detail.has("AccountRef") {
		return missing("DepositLineDetail.AccountRef")
	}
	line.set("Id", count(n).String()).set("LineNum", count(n)).set("DetailType", "DepositLineDetail")
	line.setMissing("CustomExtensions", []any{})
	return ch.referAll(detail)
}

// Deposit takes a payment to the bank: a deposit is made that holds it. The payment gains a link to
// the deposit and cannot be changed any more; its last update and its SyncToken stay, so neither a
// query by time nor CDC tells of it but by the deposit.
func (c *Company) Deposit(paymentID string) error {
	return c.end("Payment", paymentID, func(t *table, o *object) error {
		if err := deposited(o); err != nil {
			return err
		}
		amount := undeposited(o)
		if amount == 0 {
			return businessRule("The payment is not among the undeposited funds")
		}
		link := obj("TxnId", paymentID, "TxnType", "Payment", "TxnLineId", "0")
		body := obj("DepositToAccountRef", ref("35", ""), "Line", []any{obj("Amount", money(amount), "LinkedTxn", []any{link})})
		if _, err := c.write(c.table("Deposit"), body); err != nil {
			return err
		}
		c.note(edit{Do: "deposit", Entity: t.def.name, ID: paymentID})
		return nil
	})
}

func writeInventoryAdjustment(ch *change) error {
	doc := ch.doc
	if err := ch.referAs(doc, "AdjustAccountRef"); err != nil {
		return err
	}
	lines := doc.objects("Line")
	if len(lines) == 0 {
		return missing("Line")
	}
	for i, line := range lines {
		detail := line.child("ItemAdjustmentLineDetail")
		if detail == nil || !detail.has("QtyDiff") {
			return missing("ItemAdjustmentLineDetail.QtyDiff")
		}
		item, err := ch.refer(detail, "ItemRef")
		if err != nil {
			return err
		}
		if item.text("Type") != "Inventory" {
			return businessRule("Only the stock of an inventory item can be adjusted")
		}
		detail.child("ItemRef").drop("name")
		line.set("Id", count(i+1).String())
	}
	doc.set("Line", list(lines))
	doc.setMissing("PrivateNote", "")
	doc.setMissing("DocNumber", doc.text("Id"))
	return ch.dateDefault()
}
