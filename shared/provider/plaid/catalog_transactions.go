package plaid

import (
	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// What moved on accounts, and what moves regularly.

// outIsPositive is Plaid's sign, for all kinds of accounts.
const outIsPositive = "POSITIVE: money leaves the account (a purchase, a fee, a transfer out); negative: it comes in (a deposit, a refund, a payment received on a card)"

var transactionTable = stream("transaction", "transactions", "transaction_id",
	texts("transaction_id"), refer("account_id", "accounts"),
	numbers("amount"), currency(),
	dates("date", "authorized_date"), instants("datetime", "authorized_datetime"),
	flags("pending"), refer("pending_transaction_id", "transactions"),
	texts("name", "merchant_name", "merchant_entity_id", "original_description"),
	moneyCategory(), texts("personal_finance_category_icon_url"),
	under("business_finance_category", texts("primary", "detailed", "confidence_level")),
	texts("payment_channel", "transaction_code", "transaction_type", "check_number", "account_owner", "logo_url", "website"),
	under("location", texts("address", "city", "region", "postal_code", "country", "store_number"), numbers("lat", "lon")),
	under("payment_meta", texts("reference_number", "ppd_id", "payee", "by_order_of", "payer", "payment_method", "payment_processor", "reason")),
	oldCategory(), texts("client_customization.custom_entity_id"),
).Succeeding("pending_transaction_id", []string{"account_id", "date", "amount", "name"}).
	Indexed("account_id, date", "date", "pending_transaction_id").
	About("a pending transaction goes when it is posted, and comes again under a new id: the old row is deleted and its merged_into names the new one, "+
		"whose origin_id is the old id. What people attach to a transaction hangs on coalesce(origin_id, id)").
	Noted("amount", outIsPositive+". So when a card is paid off, the payment is positive on the account that pays and negative on the card's").
	Noted("date", "pending: when it occurred; posted: when it was posted").
	Noted("authorized_date", "when the buyer bought: the date to match receipts by").
	Noted("datetime", "as date, to the second, where the bank tells; 00:00:00 may stand for an unknown time").
	Noted("authorized_datetime", "as authorized_date, to the second, where the bank tells").
	Noted("pending", "true: not settled yet, so amount, name and date may change, and it may vanish").
	Noted("pending_transaction_id", "of the pending one whose place this posted one has taken; null: there was none, or the bank does not tell").
	Noted("name", "the bank's description, tidied; Plaid calls it legacy and keeps it").
	Noted("merchant_name", "who, as Plaid makes it out").
	Noted("merchant_entity_id", "the same for all of a merchant's places and spellings").
	Noted("original_description", "the bank's own text, as it came").
	Noted("payment_channel", "online, in store or other").
	Noted("transaction_code", "such as purchase, transfer or atm; mostly in Europe").
	Noted("transaction_type", "deprecated: use payment_channel").
	Noted("account_owner", "where several cards share one account: whose card it was, a name or the card's last digits").
	Noted("business_finance_category.primary", "this and those that begin so: Plaid's categories for companies, which not all customers have").
	Noted("location.lat", "degrees").
	Noted("location.lon", "degrees").
	Noted("payment_meta.ppd_id", "of the payer, in the American ACH").
	Noted("client_customization.custom_entity_id", "of a merchant, by rules of our own at Plaid").
	Holding(catalog.Child{
		Path: "counterparties", Name: "transaction_counterparties",
		Note: "who took part, as Plaid makes it out of the description: a transaction may have none or several",
		Columns: []catalog.Column{
			{Path: "name"}, {Path: "entity_id", Note: "the same for all of a counterparty's spellings"},
			{Path: "type", Note: "merchant, financial_institution, payment_app, marketplace, payment_terminal or income_source"},
			{Path: "website"}, {Path: "logo_url"}, {Path: "confidence_level", Note: "how sure Plaid is: VERY_HIGH, HIGH, MEDIUM, LOW, UNKNOWN"},
			{Path: "account_numbers.bacs.account", Note: "in Great Britain"}, {Path: "account_numbers.bacs.sort_code"},
			{Path: "account_numbers.international.iban"}, {Path: "account_numbers.international.bic"},
		},
	})

// recurring is a table of streams of transactions. Which table a stream is in is all that tells its direction.
func recurring(one, many, what string) declare.Table {
	amounts := func(object string) []catalog.Column { return under(object, numbers("amount"), currency()) }
	return stream(one, many, "stream_id",
		texts("stream_id"), refer("account_id", "accounts"),
		texts("description", "merchant_name", "frequency", "status"), flags("is_active"),
		dates("first_date", "last_date", "predicted_next_date"),
		amounts("average_amount"), amounts("last_amount"),
		moneyCategory(), wholes("transaction_ids"), oldCategory(),
		flags("is_user_modified"), instants("last_user_modified_datetime"),
	).ReadEvery(daily).IfOffered().Indexed("account_id").
		About(what+": transactions that repeat, as Plaid finds them").
		Noted("average_amount.amount", outIsPositive).
		Noted("last_amount.amount", outIsPositive).
		Noted("frequency", "WEEKLY, BIWEEKLY, SEMI_MONTHLY, MONTHLY, ANNUALLY or UNKNOWN").
		Noted("status", "MATURE: three times or more; EARLY_DETECTION: fewer; TOMBSTONED: it has ended; UNKNOWN").
		Noted("first_date", "posted, as last_date is").
		Noted("predicted_next_date", "null: nobody can tell").
		Noted("transaction_ids", "a list of ids of transactions, by date").
		Noted("is_user_modified", "deprecated: false").
		Noted("last_user_modified_datetime", "deprecated: null")
}
