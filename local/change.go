package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// books is a person at work in a company's QuickBooks. The first thing that goes wrong ends the day.
type books struct {
	company *qbosim.Company
	err     error
}

// id of what was just made.
type id string

func (b *books) create(entity, format string, args ...any) id {
	if b.err != nil {
		return ""
	}
	raw, err := b.company.Create(entity, fmt.Sprintf(format, args...))
	if err != nil {
		b.err = fmt.Errorf("create %s: %w", entity, err)
		return ""
	}
	var made struct {
		ID id `json:"Id"`
	}
	b.err = json.Unmarshal(raw, &made)
	return made.ID
}

func (b *books) update(entity, format string, args ...any) {
	if b.err != nil {
		return
	}
	if _, err := b.company.Update(entity, fmt.Sprintf(format, args...)); err != nil {
		b.err = fmt.Errorf("update %s: %w", entity, err)
	}
}

func (b *books) do(what string, err func() error) {
	if b.err != nil {
		return
	}
	if err := err(); err != nil {
		b.err = fmt.Errorf("%s: %w", what, err)
	}
}

// untouched returns an invoice that nothing has been paid on.
func (b *books) untouched() id {
	for raw := range b.company.All("Invoice") {
		var i struct {
			ID                id `json:"Id"`
			TotalAmt, Balance json.Number
			LinkedTxn         []json.RawMessage
			PrivateNote       string
		}
		if json.Unmarshal(raw, &i) == nil && len(i.LinkedTxn) == 0 && i.TotalAmt == i.Balance && i.TotalAmt != "0" && i.PrivateNote == "" {
			return i.ID
		}
	}
	b.err = fmt.Errorf("no invoice without a payment is left")
	return ""
}

// item returns the first service that is sold.
func (b *books) item() id {
	for raw := range b.company.All("Item") {
		var i struct {
			ID     id `json:"Id"`
			Type   string
			Active bool
		}
		if json.Unmarshal(raw, &i) == nil && i.Active && i.Type == "Service" {
			return i.ID
		}
	}
	b.err = fmt.Errorf("no service is sold")
	return ""
}

// change is a day's work: each kind of change that QuickBooks knows.
func (p *platform) change(_ context.Context, o organisation) error {
	b := &books{company: p.sim.Company(o.realm)}
	stamp := time.Now().UTC().Format("150405.000")
	item := b.item()

	customer := b.create("Customer", `{"DisplayName":"Walk-in %s","PrimaryEmailAddr":{"Address":"walkin@example.com"}}`, stamp)
	invoice := b.create("Invoice", `{"CustomerRef":{"value":%q},"Line":[
		{"Amount":92.57,"DetailType":"SalesItemLineDetail","Description":"Load test","SalesItemLineDetail":{"ItemRef":{"value":%q},"Qty":1,"UnitPrice":92.57}},
		{"Amount":-10.00,"DetailType":"SalesItemLineDetail","Description":"Goodwill","SalesItemLineDetail":{"ItemRef":{"value":%q},"Qty":1,"UnitPrice":-10.00}}]}`,
		customer, item, item)
	b.create("Payment", `{"CustomerRef":{"value":%q},"TotalAmt":50.00,"Line":[{"Amount":50.00,"LinkedTxn":[{"TxnId":%q,"TxnType":"Invoice"}]}]}`, customer, invoice)
	b.update("Invoice", `{"Id":%q,"sparse":true,"PrivateNote":"Customer asked for a copy"}`, b.untouched())
	b.update("Customer", `{"Id":%q,"sparse":true,"Notes":"Pays in two parts"}`, customer)

	voided, deleted := b.untouched(), id("")
	b.do("void an invoice", func() error { return b.company.Void("Invoice", string(voided)) })
	deleted = b.untouched()
	b.do("delete an invoice", func() error { return b.company.Delete("Invoice", string(deleted)) })

	leaver := b.create("Customer", `{"DisplayName":"Moved away %s"}`, stamp)
	b.do("deactivate a customer", func() error { return b.company.Deactivate("Customer", string(leaver)) })
	vendor := b.create("Vendor", `{"DisplayName":"Parts by post %s"}`, stamp)
	b.update("Vendor", `{"Id":%q,"sparse":true,"AcctNum":"A-77"}`, vendor)
	return b.err
}

// edit is one small change, for the page's button.
func (p *platform) edit(slug string) error {
	for _, o := range organisations() {
		if string(o.Slug) == slug && p.sim != nil {
			b := &books{company: p.sim.Company(o.realm)}
			b.update("Invoice", `{"Id":%q,"sparse":true,"PrivateNote":"Edited at %s"}`, b.untouched(), time.Now().Format(time.TimeOnly))
			return b.err
		}
	}
	return fmt.Errorf("there is no simulated company for %q", slug)
}

// field returns the text at a place in an object, or "".
func field(raw json.RawMessage, path ...string) string {
	for _, key := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return ""
		}
		raw = object[key]
	}
	var text string
	json.Unmarshal(raw, &text) //nolint:errcheck // then it is none
	return text
}
