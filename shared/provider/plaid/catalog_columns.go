package plaid

import (
	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// What columns are made of.
var (
	texts    = declare.Texts
	numbers  = declare.Numbers
	integers = declare.Integers
	flags    = declare.Flags
	dates    = declare.Dates
	instants = declare.Instants
	wholes   = declare.Wholes
	under    = declare.Under
)

// refer is the id of an object of another stream.
func refer(path, stream string) []catalog.Column {
	return []catalog.Column{{Path: path, Refers: stream}}
}

// currency is the two columns that tell the currency of the amounts beside them.
func currency() []catalog.Column {
	return []catalog.Column{
		{Path: "iso_currency_code", Note: "ISO 4217; exactly one of this and the unofficial code is not null"},
		{Path: "unofficial_currency_code", Note: "of what has no ISO code: cryptocurrencies, miles, points"},
	}
}

// moneyCategory is Plaid's category of what a transaction was for.
func moneyCategory() []catalog.Column {
	return under("personal_finance_category", []catalog.Column{
		{Path: "primary", Note: "such as FOOD_AND_DRINK; Plaid adds to the list"},
		{Path: "detailed", Note: "such as FOOD_AND_DRINK_COFFEE: it begins with the primary one"},
		{Path: "confidence_level", Note: "how sure Plaid is: VERY_HIGH, HIGH, MEDIUM, LOW, UNKNOWN"},
		{Path: "version", Note: "of the list of categories: v1 or v2"},
	})
}

// oldCategory is the category of Plaid's former list.
func oldCategory() []catalog.Column {
	return []catalog.Column{
		{Path: "category", Type: catalog.JSON, Note: "deprecated: use personal_finance_category; from the general to the special"},
		{Path: "category_id", Note: "deprecated, as category is"},
	}
}

// address is the parts of an address that are called so everywhere.
func address(object string) []catalog.Column {
	return under(object, texts("street", "city", "region", "postal_code", "country"))
}
