package qbosim

import "slices"

func writeTimeActivity(ch *change) error {
	doc := ch.doc
	who := doc.text("NameOf")
	if who != "Employee" && who != "Vendor" {
		return missing("NameOf")
	}
	if !doc.has(who + "Ref") {
		return missing(who + "Ref")
	}
	if !doc.has("StartTime") && !doc.has("Hours") && !doc.has("Minutes") {
		return missing("Hours, Minutes")
	}
	if !doc.has("StartTime") {
		doc.setMissing("Hours", count(0))
		doc.setMissing("Minutes", count(0))
	}
	doc.setMissing("BillableStatus", "NotBillable")
	doc.setMissing("Taxable", false)
	doc.setMissing("HourlyRate", count(0))
	if err := ch.referAll(doc); err != nil {
		return err
	}
	return ch.dateDefault()
}

func writeReimburseCharge(ch *change) error {
	doc := ch.doc
	if _, err := ch.refer(doc, "CustomerRef"); err != nil {
		return err
	}
	amount, err := amountOf(doc)
	if err != nil {
		return err
	}
	doc.set("Amount", amount).set("CurrencyRef", dollars())
	doc.setMissing("HasBeenInvoiced", false)
	doc.setMissing("LinkedTxn", []any{})
	doc.setMissing("Line", []any{})
	if err := ch.referAll(doc); err != nil {
		return err
	}
	return ch.dateDefault()
}

// writeAttachable: only what is told of a file can be written here, not the file.
func writeAttachable(ch *change) error {
	doc := ch.doc
	if doc.text("FileName") == "" && doc.text("Note") == "" {
		return missing("FileName, Note")
	}
	for _, to := range doc.objects("AttachableRef") {
		t, id := ch.c.look(to.text("EntityRef", "type")), to.text("EntityRef", "value")
		if t == nil {
			return badReference("AttachableRef", id)
		}
		if _, ok := t.find(id); !ok {
			return badReference("AttachableRef", id)
		}
		to.setMissing("IncludeOnSend", false)
	}
	if name := doc.text("FileName"); name != "" && ch.creating() {
		id := doc.text("Id")
		doc.set("FileAccessUri", "/v3/company/"+ch.c.spec.Realm+"/download/"+id).set("TempDownloadUri", "https://files.example/"+id+"/"+name)
		doc.set("Size", count(len(name)*1000))
		doc.setMissing("ContentType", "application/pdf")
	}
	return nil
}

// writeRecurringTransaction keeps a template. Its total is that of its lines.
func writeRecurringTransaction(ch *change) error {
	if len(ch.doc.members) != 1 {
		return missing("one transaction in the wrapper")
	}
	kind := ch.doc.members[0].key
	doc, def := ch.t.def.core(ch.doc), ch.c.kinds[kind]
	for _, m := range doc.members {
		if !slices.Contains(def.properties, m.key) && m.key != "RecurringInfo" && m.key != "RecurDataRef" {
			return unknownProperty(kind, m.key)
		}
	}
	info := doc.child("RecurringInfo")
	if info == nil || info.text("Name") == "" {
		return missing("RecurringInfo.Name")
	}
	info.setMissing("RecurType", "UnScheduled")
	info.setMissing("Active", true)
	var total int64
	for i, line := range doc.objects("Line") {
		line.setMissing("Id", count(i+1).String())
		line.setMissing("LineNum", count(i+1))
		total += line.cents("Amount")
	}
	doc.setCents("TotalAmt", total).set("CurrencyRef", dollars())
	if def.posts != nil || kind == "Invoice" {
		doc.setCents("Balance", total)
	}
	doc.setMissing("RecurDataRef", ref(doc.text("Id"), ""))
	return ch.referAll(doc)
}
