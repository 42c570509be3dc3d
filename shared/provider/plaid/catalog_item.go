package plaid

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// The Item itself, its bank, its accounts and what was in them day by day.

// itemTable leaves out the first step of the paths in its columns' names, because it is ours.
var itemTable = func() declare.Table {
	d := stream("item", "items", "item.item_id",
		under("item",
			texts("item_id"), refer("institution_id", "institutions"), texts("institution_name", "webhook", "auth_method", "update_type"),
			instants("created_at", "consent_expiration_time"),
			wholes("products", "billed_products", "available_products", "consented_products", "consented_use_cases", "consented_data_scopes"),
			itemError()),
		under("status",
			instants("transactions.last_successful_update", "transactions.last_failed_update",
				"investments.last_successful_update", "investments.last_failed_update", "last_webhook.sent_at"),
			texts("last_webhook.code_sent")),
	)
	for i, c := range d.Columns {
		if rest := c.Path[len("item."):]; c.Name == "" && c.Path[:len("item.")] == "item." {
			d.Columns[i].Name = catalog.Snake(rest)
		}
	}
	return d
}().ReadEvery(sixHourly).
	About("one row a connection: the login at the bank, and how it is doing").
	Noted("item.update_type", "background, or user_present_required: nothing new comes without the customer").
	Noted("item.products", "what the Item has; a list of names, as are the lists beside it").
	Noted("item.billed_products", "what Plaid bills for").
	Noted("item.webhook", "where Plaid sends this Item's webhooks").
	Noted("item.consent_expiration_time", "the customer must renew the consent before; null: it does not end").
	Noted("status.transactions.last_successful_update", "when Plaid last had transactions from the bank, which is not when they were copied").
	Noted("status.investments.last_successful_update", "when Plaid last had investments from the bank")

// itemError is the error that an Item is in.
func itemError() []catalog.Column {
	return under("error",
		[]catalog.Column{
			{Path: "error_type", Name: "error_type"},
			{Path: "error_code", Name: "error_code", Note: "such as ITEM_LOGIN_REQUIRED; null, like all that begins with error: the login works"},
			{Path: "error_code_reason", Name: "error_code_reason"}, {Path: "error_message", Name: "error_message"},
		},
		texts("display_message", "suggested_action", "documentation_url", "request_id"), integers("status"),
		wholes("causes", "required_account_subtypes", "provided_account_subtypes"))
}

var institutionTable = stream("institution", "institutions", "institution_id",
	texts("institution_id", "name", "url", "primary_color", "logo"), flags("oauth"),
	wholes("products", "country_codes", "routing_numbers", "dtc_numbers", "status", "auth_metadata", "payment_initiation_metadata"),
).ReadEvery(weekly).
	About("the bank of the Item. One bank may have several of these").
	Noted("logo", "a PNG of 152 by 152 pixels in base64").
	Noted("primary_color", "such as #1f1f1f").
	Noted("oauth", "customers sign in on the bank's own pages").
	Noted("status", "how logins and updates went when this was read; null where that was not asked for")

var accountTable = stream("account", "accounts", "account_id",
	texts("account_id", "name", "official_name", "mask", "type", "subtype", "holder_category"),
	balances(),
	texts("persistent_account_id", "verification_status", "verification_name"),
	under("verification_insights",
		integers("name_match_score"), flags("network_status.has_numbers_match", "network_status.is_numbers_match_verified"),
		texts("account_number_format")),
	[]catalog.Column{{ // its path makes a name that is too long
		Path: "verification_insights.previous_returns.has_previous_administrative_return", Type: catalog.Boolean,
		Name: "verification_insights_has_previous_administrative_return",
	}},
).ReadEvery(sixHourly).
	Succeeding("", []string{"persistent_account_id"}, []string{"type", "subtype", "mask", "name"},
		[]string{"type", "subtype", "mask", "official_name"}, []string{"type", "subtype", "mask"}).Alone().
	Indexed("persistent_account_id").
	About("an account that was closed, or that the customer has taken out, is deleted here; its transactions stay. "+
		"Where the bank renames an account Plaid may give it a new id: merged_into then names the new row").
	Noted("account_id", "Plaid's; another one wherever the same account is linked again").
	Noted("mask", "the last two to four characters of the number; two accounts may have the same").
	Noted("type", "depository, credit, loan, investment, brokerage or other").
	Noted("subtype", "such as checking or credit card").
	Noted("holder_category", "business, personal or unrecognized").
	Noted("persistent_account_id", "the same wherever the account is linked; at a few banks only").
	Noted("verification_insights.name_match_score", "0 to 100").
	Noted("verification_status", "this and the rest that begins so: of accounts that were linked by small deposits or by their number")

// balanceTable is a history that Plaid does not keep.
var balanceTable = stream("balance", "balances", "account_id,date",
	refer("account_id", "accounts"), dates("date"), balances(),
).ReadEvery(sixHourly).NeverRemoved().Indexed("date", "account_id, date").
	About("what an account's balances were, a row for each account and day. The last reading of a day counts").
	Noted("date", "the day in UTC on which the balances were read")

// balances is the amounts that an account shows.
func balances() []catalog.Column {
	return under("balances", slices.Concat(
		[]catalog.Column{
			{Path: "available", Type: catalog.Numeric, Note: "what can be drawn: of depository accounts current less what is pending, without an overdraft; " +
				"of cards about the limit less current and pending; of investments the cash. null: the bank does not tell"},
			{Path: "current", Type: catalog.Numeric, Note: "of depository accounts what is in them, of cards and loans what is OWED (below 0: the lender owes), " +
				"of investments what they are worth"},
			{Path: "limit", Type: catalog.Numeric, Note: "of cards the credit limit, of depository accounts the agreed overdraft"},
			{Path: "margin_loan_amount", Type: catalog.Numeric, Note: "of investments what is borrowed against them; rarely told"},
		},
		currency(),
		[]catalog.Column{{Path: "last_updated_datetime", Type: catalog.Timestamp, Note: "when the bank last changed the balances; Capital One only"}},
	))
}
