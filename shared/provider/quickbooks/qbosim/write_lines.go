package qbosim

import (
	"encoding/json"
	"slices"
	"strconv"
)

// lineKeys is the order in which QBO prints a line.
var lineKeys = []string{"Id", "LineNum", "Description", "Amount", "LinkedTxn", "DetailType"}

// lineWriter completes the posted lines of a sale.
type lineWriter struct {
	ch      *change
	known   []string // line ids that the object has had: only these may be kept
	lastID  int
	lineNum int

	subtotal, taxable, discount int64 // cents
}

func newLineWriter(ch *change) *lineWriter {
	w := &lineWriter{ch: ch}
	if ch.old != nil {
		w.remember(ch.old.objects("Line"))
	}
	return w
}

func (w *lineWriter) remember(lines []*object) {
	for _, line := range lines {
		if id := line.text("Id"); id != "" {
			w.known = append(w.known, id)
			n, _ := strconv.Atoi(id)
			w.lastID = max(w.lastID, n)
		}
		if group := line.child("GroupLineDetail"); group != nil {
			w.remember(group.objects("Line"))
		}
	}
}

// complete numbers the lines, fills what QBO fills, and puts the computed SubTotal line with the
// discounts behind the others.
func (w *lineWriter) complete(posted []*object) ([]any, error) {
	var lines, discounts []*object
	for _, line := range posted {
		switch line.text("DetailType") {
		case "SubTotalLineDetail": // computed below
		case "DiscountLineDetail":
			discounts = append(discounts, line)
		default:
			if err := w.line(line); err != nil {
				return nil, err
			}
			w.subtotal += line.cents("Amount")
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, missing("Line")
	}
	lines = append(lines, (&object{}).setCents("Amount", w.subtotal).
		set("DetailType", "SubTotalLineDetail").set("SubTotalLineDetail", &object{}))
	for _, line := range discounts {
		w.discountLine(line)
		lines = append(lines, line)
	}
	return list(lines), nil
}

// number gives a line its LineNum, and an Id unless it keeps one that it has had.
func (w *lineWriter) number(line *object) {
	w.lineNum++
	if !slices.Contains(w.known, line.text("Id")) {
		w.lastID++
		line.set("Id", strconv.Itoa(w.lastID))
	}
	line.set("LineNum", json.Number(strconv.Itoa(w.lineNum)))
}

func (w *lineWriter) line(line *object) error {
	w.number(line)
	var err error
	switch kind := line.text("DetailType"); kind {
	case "SalesItemLineDetail":
		err = w.itemLine(line)
	case "GroupLineDetail":
		err = w.groupLine(line)
	case "DescriptionOnly":
		line.setMissing("DescriptionLineDetail", &object{})
	case "":
		return missing("Line.DetailType")
	default:
		return invalid("2170", "Invalid Enumeration", "Invalid Enumeration : "+kind)
	}
	line.setMissing("CustomExtensions", []any{})
	line.arrange(lineKeys)
	return err
}

func (w *lineWriter) itemLine(line *object) error {
	detail := line.child("SalesItemLineDetail")
	if detail == nil {
		return missing("SalesItemLineDetail")
	}
	detail.setMissing("ItemRef", ref(listID(0), ""))
	item, err := w.ch.refer(detail, "ItemRef")
	if err != nil {
		return err
	}
	if account := item.child("IncomeAccountRef"); account != nil {
		detail.set("ItemAccountRef", ref(account.text("value"), account.text("name")))
	}
	detail.setMissing("TaxCodeRef", ref("NON", ""))
	if err := priceLine(line, detail); err != nil {
		return err
	}
	if detail.text("TaxCodeRef", "value") == "TAX" {
		w.taxable += line.cents("Amount")
	}
	detail.arrange([]string{"ServiceDate", "ItemRef", "ClassRef", "UnitPrice", "MarkupInfo", "Qty", "ItemAccountRef", "TaxCodeRef"})
	return nil
}

// priceLine checks Amount = UnitPrice × Qty to the cent, or fills the Amount in.
func priceLine(line, detail *object) error {
	for _, key := range []string{"UnitPrice", "Qty"} {
		if _, ok := parseDecimal(detail.text(key)); detail.has(key) && !ok {
			return badNumber(key, detail.text(key))
		}
	}
	price, priced := parseDecimal(detail.text("UnitPrice"))
	quantity, counted := parseDecimal(detail.text("Qty"))
	if !line.has("Amount") {
		if !priced {
			return missing("Line.Amount")
		}
		if !counted {
			quantity = one
		}
		line.setCents("Amount", price.times(quantity))
		return nil
	}
	amount, ok := parseDecimal(line.text("Amount"))
	if !ok {
		return badNumber("Amount", line.text("Amount"))
	}
	if priced && counted && price.times(quantity) != amount.cents() {
		return invalid("6070", "Amount is not equal to UnitPrice * Qty",
			"Amount calculation incorrect in the request. Supplied value:"+line.text("Amount"))
	}
	line.setCents("Amount", amount.cents())
	return nil
}

func (w *lineWriter) groupLine(line *object) error {
	group := line.child("GroupLineDetail")
	if group == nil {
		return missing("GroupLineDetail")
	}
	if _, err := w.ch.refer(group, "GroupItemRef"); err != nil {
		return err
	}
	var total int64
	nested := group.objects("Line")
	for _, inner := range nested {
		if err := w.line(inner); err != nil {
			return err
		}
		total += inner.cents("Amount")
	}
	group.set("Line", list(nested))
	line.setCents("Amount", total)
	return nil
}

// discountLine has no Id; a percentage is taken of the subtotal.
func (w *lineWriter) discountLine(line *object) {
	line.drop("Id", "LineNum")
	if detail := line.child("DiscountLineDetail"); detail != nil && detail.get("PercentBased") == true {
		percent, _ := parseDecimal(detail.text("DiscountPercent"))
		line.setCents("Amount", percentOf(w.subtotal, percent))
	}
	w.discount += line.cents("Amount")
	line.arrange(lineKeys)
}

// percentOf gives that percentage of an amount in cents.
func percentOf(cents int64, percent decimal) int64 {
	return divide(cents*int64(percent/1e5), 1e4)
}
