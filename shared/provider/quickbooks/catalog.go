package quickbooks

import (
	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Provider is QuickBooks Online's name in connections, ticks and the database.
const Provider org.Provider = "quickbooks"

// About says, for the data dictionary, what holds for all tables: units and what null means.
const About = `
- Amounts are in major units (dollars, not cents) and in the object's own currency, currency_ref_value,
  unless the name begins with home: those are in the company's home currency. exchange_rate is home
  currency for one unit of the other. It and home_… are null in companies that have one currency.
- Names that end in percent, discount_rate, abatement_rate and reverse_charge_rate are percentages: 8
  is 8 %. qty, quantity, qty_on_hand and reorder_point count in the item's own unit.
- A reference is the other object's id (…_value) and the name it had when QuickBooks printed the row
  (…_name), which may be out of date: join on the value. Null: it refers to nothing.
- bill_rate and cost_rate of vendors and deferred_revenue of items come only when QuickBooks is asked
  for one object; they are null in rows that were read by pages.
- total_tax and tax lines are as QuickBooks calculated them; a voided transaction stays, with amounts
  of 0 and "Voided" in private_note.
`

// Catalog returns the tables of a QuickBooks company, in the order in which a first load reads them:
// lists before the transactions that refer to them. [About] says what holds for all.
func Catalog() []catalog.Table {
	return []catalog.Table{account, customer, vendor, item, invoice, payment}
}

// activePath is what tells a list from a transaction: only lists have it, and hide their inactive
// objects unless a query asks for them.
const activePath = "Active"

// entity declares the table of one entity, with the columns that every entity has.
func entity(stream, one, many string, columns ...[]catalog.Column) catalog.Table {
	all := []catalog.Column{
		{Path: "Id", Note: "unique among the company's objects of this kind; text, up to 21 digits"},
		{Path: "SyncToken", Note: "moves when a person edits the object, not when a balance follows from elsewhere"},
		{Path: "MetaData.CreateTime", Type: catalog.Timestamp},
		{Path: "MetaData.LastUpdatedTime", Type: catalog.Timestamp, Note: "whole seconds; guards against older data"},
	}
	for _, c := range columns {
		all = append(all, c...)
	}
	return catalog.Table{
		Provider: Provider, Stream: stream, Name: many, One: one, View: many,
		ID: "Id", Version: "MetaData.LastUpdatedTime", Columns: all,
	}
}

func columns(typ catalog.Type, paths ...string) []catalog.Column {
	out := make([]catalog.Column, len(paths))
	for i, p := range paths {
		out[i] = catalog.Column{Path: p, Type: typ}
	}
	return out
}

func text(paths ...string) []catalog.Column    { return columns(catalog.Text, paths...) }
func number(paths ...string) []catalog.Column  { return columns(catalog.Numeric, paths...) }
func integer(paths ...string) []catalog.Column { return columns(catalog.Integer, paths...) }
func flag(paths ...string) []catalog.Column    { return columns(catalog.Boolean, paths...) }
func date(paths ...string) []catalog.Column    { return columns(catalog.Date, paths...) }
func instant(paths ...string) []catalog.Column { return columns(catalog.Timestamp, paths...) }
func whole(paths ...string) []catalog.Column   { return columns(catalog.JSON, paths...) }

// ref is a reference to another object: its id and the name it had when the row was read.
func ref(paths ...string) []catalog.Column {
	var out []catalog.Column
	for _, p := range paths {
		out = append(out, text(p+".value", p+".name")...)
	}
	return out
}

func address(paths ...string) []catalog.Column {
	var out []catalog.Column
	for _, p := range paths {
		for _, part := range []string{"Line1", "Line2", "Line3", "Line4", "Line5", "City", "CountrySubDivisionCode", "PostalCode", "Country"} {
			out = append(out, text(p+"."+part)...)
		}
	}
	return out
}

func join(groups ...[]catalog.Column) []catalog.Column {
	var out []catalog.Column
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

// IsList reports whether t is a name list: its objects can be made inactive, and a query leaves
// those out unless it asks for them.
func IsList(t *catalog.Table) bool {
	for _, c := range t.Columns {
		if c.Path == activePath {
			return true
		}
	}
	return false
}
