package plaid

import "github.com/countinghouse/countinghouse/shared/catalog"

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
).succeeding("pending_transaction_id", []string{"account_id", "date", "amount", "name"}).
	indexed("account_id, date", "date", "pending_transaction_id").
	about("a pending transaction goes when it is posted, and comes again under a new id: the old row is deleted and its merged_into names the new one, "+
		"whose origin_id is the old id. What people attach to a transaction hangs on coalesce(origin_id, id)").
	noted("amount", outIsPositive+". So when a card is paid off, the payment is positive on the account that pays and negative on the card's").
	noted("date", "pending: when it occurred; posted: when it was posted").
	noted("authorized_date", "when the buyer bought: the date to match receipts by").
	noted("datetime", "as date, to the second, where the bank tells; 00:00:00 may stand for an unknown time").
	noted("authorized_datetime", "as authorized_date, to the second, where the bank tells").
	noted("pending", "true: not settled yet, so amount, name and date may change, and it may vanish").
	noted("pending_transaction_id", "of the pending one whose place this posted one has taken; null: there was none, or the bank does not tell").
	noted("name", "the bank's description, tidied; Plaid calls it legacy and keeps it").
	noted("merchant_name", "who, as Plaid makes it out").
	noted("merchant_entity_id", "the same for all of a merchant's places and spellings").
	noted("original_description", "the bank's own text, as it came").
	noted("payment_channel", "online, in store or other").
	noted("transaction_code", "such as purchase, transfer or atm; mostly in Europe").
	noted("transaction_type", "deprecated: use payment_channel").
	noted("account_owner", "where several cards share one account: whose card it was, a name or the card's last digits").
	noted("business_finance_category.primary", "this and those that begin so: Plaid's categories for companies, which not all customers have").
	noted("location.lat", "degrees").
	noted("location.lon", "degrees").
	noted("payment_meta.ppd_id", "of the payer, in the American ACH").
	noted("client_customization.custom_entity_id", "of a merchant, by rules of our own at Plaid").
	holding(catalog.Child{
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
func recurring(one, many, what string) declaration {
	amounts := func(object string) []catalog.Column { return under(object, numbers("amount"), currency()) }
	return stream(one, many, "stream_id",
		texts("stream_id"), refer("account_id", "accounts"),
		texts("description", "merchant_name", "frequency", "status"), flags("is_active"),
		dates("first_date", "last_date", "predicted_next_date"),
		amounts("average_amount"), amounts("last_amount"),
		moneyCategory(), wholes("transaction_ids"), oldCategory(),
		flags("is_user_modified"), instants("last_user_modified_datetime"),
	).every(daily).optional().indexed("account_id").
		about(what+": transactions that repeat, as Plaid finds them").
		noted("average_amount.amount", outIsPositive).
		noted("last_amount.amount", outIsPositive).
		noted("frequency", "WEEKLY, BIWEEKLY, SEMI_MONTHLY, MONTHLY, ANNUALLY or UNKNOWN").
		noted("status", "MATURE: three times or more; EARLY_DETECTION: fewer; TOMBSTONED: it has ended; UNKNOWN").
		noted("first_date", "posted, as last_date is").
		noted("predicted_next_date", "null: nobody can tell").
		noted("transaction_ids", "a list of ids of transactions, by date").
		noted("is_user_modified", "deprecated: false").
		noted("last_user_modified_datetime", "deprecated: null")
}
