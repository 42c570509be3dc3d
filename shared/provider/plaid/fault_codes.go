package plaid

import (
	"cmp"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// meaning is what a failure of Plaid's is to us.
type meaning struct {
	kind    fault.Kind
	after   time.Duration // before another attempt makes sense
	effect  effect
	product bool   // it may be about one product only: see addOn
	says    string // what happened and what to do, for people
}

// How long to leave Plaid alone.
const (
	window     = time.Minute      // the one that it counts calls in; it doesn't say when that began
	minutes    = 5 * time.Minute  // in which it reads a new product
	quarter    = 15 * time.Minute // when nothing at all goes
	outOfHours = time.Hour        // when a bank is down, or people have to act
)

// The codes that are named elsewhere.
const (
	codeField    = "INVALID_FIELD"
	codeBankGone = "INSTITUTION_NO_LONGER_SUPPORTED"
)

// throttled is Plaid's wish for fewer calls.
var throttled = meaning{kind: fault.RateLimited, after: window, says: "Plaid asks for fewer calls"}

// bankDown is a bank that does not answer Plaid.
var bankDown = meaning{kind: fault.Unavailable, after: outOfHours,
	says: "the bank is out of order, or does not let Plaid in at the moment: nothing to do, it is tried again every hour"}

// person is what somebody mends by signing in, in Link's update mode.
func person(says string) meaning { return meaning{kind: fault.Reconnect, says: says} }

// gone is an Item that is no more.
func gone(says string) meaning { return meaning{kind: fault.Reconnect, effect: ended, says: says} }

// lacking is a product or an account that an Item does not have.
func lacking(says string) meaning {
	return meaning{kind: fault.Forbidden, effect: unsupported, says: says}
}

// operator is what whoever runs us has to settle with Plaid.
func operator(says string) meaning {
	return meaning{kind: fault.Forbidden, after: outOfHours, says: says}
}

// wrong is a request or a configuration that Plaid does not take.
func wrong(says string) meaning { return meaning{kind: fault.Invalid, says: says} }

// barred is what keeps the app from making any call at all.
func barred(kind fault.Kind, after time.Duration, says string) meaning {
	return meaning{kind: kind, after: after, effect: appRefused, says: says}
}

const misunderstood = "Plaid does not understand the request, which is a mistake of this program: report it"

// meanings has every code that Plaid documents for what is called here.
// Source: Plaid, Errors; Rate limits.
var meanings = map[string]meaning{
	"TRANSACTIONS_SYNC_LIMIT":       throttled,
	"TRANSACTIONS_LIMIT":            throttled,
	"ACCOUNTS_LIMIT":                throttled,
	"ACCOUNTS_BALANCE_GET_LIMIT":    throttled,
	"BALANCE_LIMIT":                 throttled,
	"ITEM_GET_LIMIT":                throttled,
	"INVESTMENT_HOLDINGS_GET_LIMIT": throttled,
	"INVESTMENT_TRANSACTIONS_LIMIT": throttled,
	"INSTITUTIONS_GET_LIMIT":        throttled,
	"INSTITUTIONS_GET_BY_ID_LIMIT":  throttled,
	"INSTITUTION_RATE_LIMIT":        throttled,
	"AUTH_LIMIT":                    throttled,
	"IDENTITY_LIMIT":                throttled,
	"RATE_LIMIT":                    throttled,

	"TRIAL_CONNECTION_LIMIT": operator("Plaid's trial allows no more banks: ask Plaid for full access to production, in its dashboard"),
	"CREDITS_EXHAUSTED":      operator("Plaid's free calls are used up: ask Plaid for full access to production, in its dashboard"),
	"ADDITION_LIMIT":         operator("Plaid lets no more banks be connected for now: ask Plaid to raise the limit, in its dashboard"),

	"INTERNAL_SERVER_ERROR": {kind: fault.Unavailable, says: "Plaid is out of order at the moment"},
	"PLANNED_MAINTENANCE":   {kind: fault.Unavailable, says: "Plaid is being maintained: status.plaid.com tells until when"},

	"INSTITUTION_DOWN":           bankDown,
	"INSTITUTION_NOT_RESPONDING": bankDown,
	"INSTITUTION_NOT_AVAILABLE":  bankDown,
	"UNSUPPORTED_RESPONSE":       {kind: fault.Unavailable, after: outOfHours, says: "the bank gave Plaid an answer that it can't read: nothing to do, it is tried again every hour"},
	"LAST_UPDATED_DATETIME_OUT_OF_RANGE": {kind: fault.Unavailable, after: outOfHours,
		says: "the bank has no balance as new as was asked for: nothing to do, it is tried again every hour"},

	"INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT": operator("Plaid does not offer this bank in this environment: check PLAID_ENVIRONMENT"),
	"UNAUTHORIZED_INSTITUTION":               operator("Plaid does not let this app connect to this bank: ask for it in Plaid's dashboard"),
	"INSTITUTION_REGISTRATION_REQUIRED":      operator("this bank wants apps to be registered: register in Plaid's dashboard, under OAuth institutions"),

	"PRODUCT_NOT_READY":                            {kind: fault.Unavailable, after: minutes, effect: notReady, says: "Plaid is still reading this from the bank: nothing to do, it comes within minutes or hours"},
	"TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": {kind: fault.Unavailable, effect: mutated, says: "transactions changed at Plaid while they were read: they are read again from where the last sync ended"},

	"ITEM_LOGIN_REQUIRED":      person("the bank wants somebody to sign in again: sign in at the bank from here"),
	"INVALID_CREDENTIALS":      person("the bank did not take the user name or the password: sign in at the bank again from here"),
	"INVALID_MFA":              person("the bank did not take the answer to its security question: sign in at the bank again from here"),
	"INVALID_OTP":              person("the bank did not take the one-time password: sign in at the bank again from here"),
	"INVALID_SEND_METHOD":      person("the bank could not send its code that way: sign in at the bank again from here and choose another"),
	"INVALID_PHONE_NUMBER":     person("the bank did not take the phone number: sign in at the bank again from here"),
	"INVALID_UPDATED_USERNAME": person("that is not the user name that the bank was connected with: sign in at the bank again from here with the same one"),
	"ITEM_LOCKED":              person("the bank has locked the login: unlock it on the bank's own site, then sign in from here"),
	"PASSWORD_RESET_REQUIRED":  person("the bank wants a new password: set it on the bank's own site, then sign in from here"),
	"USER_SETUP_REQUIRED":      person("the bank waits for something, such as new terms to be accepted: go through it on the bank's own site, then sign in from here"),
	"USER_INPUT_TIMEOUT":       person("nobody answered the bank's question in time: sign in at the bank again from here"),
	"INSUFFICIENT_CREDENTIALS": person("signing in at the bank was not finished: sign in again from here"),
	"MFA_NOT_SUPPORTED":        person("the bank asks for a second factor that Plaid does not know: choose another one on the bank's own site, then sign in from here"),
	"NO_ACCOUNTS":              person("the bank shows no open account for this login: check that on the bank's own site, then sign in from here and choose the accounts"),
	"ACCESS_NOT_GRANTED": {kind: fault.Reconnect, product: true,
		says: "the accounts were shared without the right to read this: sign in at the bank from here and allow it"},
	"ADDITIONAL_CONSENT_REQUIRED": {kind: fault.Reconnect, product: true,
		says: "nobody has agreed to this being read yet: sign in at the bank from here and agree"},

	"ITEM_NOT_FOUND":            gone("Plaid does not have this bank connection any more, it was removed: connect the bank anew"),
	"ITEM_CONCURRENTLY_DELETED": gone("this bank connection has just been removed at Plaid: connect the bank anew"),
	"INVALID_ACCESS_TOKEN":      gone("Plaid does not know this bank connection, it was removed or belongs to another PLAID_ENVIRONMENT: connect the bank anew"),
	"USER_PERMISSION_REVOKED":   gone("the permission to read this bank was taken back, at the bank or at my.plaid.com: connect the bank anew"),
	codeBankGone:                gone("Plaid does not work with this bank connection any more: connect the bank anew, under its present name"),

	"PRODUCTS_NOT_SUPPORTED":      lacking("this bank, or these accounts, do not offer this through Plaid"),
	"PRODUCT_NOT_ENABLED":         lacking("the bank was connected without this: name it in PLAID_PRODUCTS or PLAID_OPTIONAL_PRODUCTS and connect the bank anew"),
	"PRODUCT_UNAVAILABLE":         lacking("this cannot be added to this bank connection"),
	"NO_LIABILITY_ACCOUNTS":       lacking("the bank shows no credit card or loan for this login"),
	"NO_INVESTMENT_ACCOUNTS":      lacking("the bank shows no investment account for this login"),
	"NO_INVESTMENT_AUTH_ACCOUNTS": lacking("the bank shows no investment account for this login"),
	"NO_AUTH_ACCOUNTS":            lacking("the bank shows no checking or savings account for this login"),
	"ITEM_NOT_SUPPORTED":          lacking("Plaid cannot read this kind of account at this bank"),
	"INSTANT_MATCH_FAILED":        lacking("Plaid cannot confirm these accounts at once"),
	"INVALID_PRODUCT":             lacking("Plaid has not allowed this app to read this: ask for the product in Plaid's dashboard, or leave it out of PLAID_PRODUCTS and PLAID_OPTIONAL_PRODUCTS"),

	"INVALID_API_KEYS": barred(fault.Forbidden, quarter,
		"Plaid does not accept the app's keys, so all banks stop: check PLAID_CLIENT_ID and PLAID_SECRET, and that they belong to PLAID_ENVIRONMENT"),
	"UNAUTHORIZED_ENVIRONMENT": barred(fault.Forbidden, outOfHours,
		"Plaid does not let this app into this environment: check PLAID_ENVIRONMENT, or ask for access in Plaid's dashboard"),
	"DIRECT_INTEGRATION_NOT_ENABLED": barred(fault.Forbidden, outOfHours, "Plaid lets this app use Link only: ask for access in Plaid's dashboard"),
	"UNAUTHORIZED_ROUTE_ACCESS": {kind: fault.Forbidden, after: outOfHours, product: true,
		says: "Plaid does not let this app make this call: ask for the product in Plaid's dashboard"},

	"MISSING_FIELDS":                      wrong(misunderstood),
	"UNKNOWN_FIELDS":                      wrong(misunderstood),
	codeField:                             wrong("Plaid does not take a value of the request: where PLAID_ settings were changed just now check them, else report it"),
	"INVALID_BODY":                        wrong(misunderstood),
	"INVALID_HEADERS":                     barred(fault.Invalid, quarter, "Plaid does not take the headers of any call: check PLAID_CLIENT_ID and PLAID_SECRET, else report it"),
	"INVALID_ACCOUNT_NUMBER":              wrong(misunderstood),
	"INVALID_CONFIGURATION":               wrong("Plaid does not take the settings of its sign-in page: check them in Plaid's dashboard"),
	"INVALID_LINK_CUSTOMIZATION":          wrong("Plaid's sign-in page is not set up for choosing accounts: set its Account Select in Plaid's dashboard"),
	"NOT_FOUND":                           wrong("Plaid has no such address: check PLAID_ENVIRONMENT and PLAID_API_URL"),
	"NO_LONGER_AVAILABLE":                 wrong("Plaid has given up this call: this program has to be brought up to date"),
	"INCOMPATIBLE_API_VERSION":            barred(fault.Invalid, outOfHours, "Plaid does not serve this version of its API any more: this program has to be brought up to date"),
	"SANDBOX_ONLY":                        wrong("Plaid does this in its sandbox only: check PLAID_ENVIRONMENT"),
	"INVALID_ACCOUNT_ID":                  wrong("the bank connection has no such account any more"),
	"INVALID_PUBLIC_TOKEN":                wrong("this sign-in at the bank was used already, is older than 30 minutes, or belongs to another PLAID_ENVIRONMENT: sign in again"),
	"INVALID_LINK_TOKEN":                  wrong("this sign-in page is too old, or belongs to another PLAID_ENVIRONMENT: start again"),
	"INVALID_INSTITUTION":                 wrong("Plaid does not have this bank in this environment"),
	"INVALID_PRODUCTS":                    wrong("Plaid does not take this choice of products: check PLAID_PRODUCTS and PLAID_OPTIONAL_PRODUCTS"),
	"INVALID_WEBHOOK_VERIFICATION_KEY_ID": {kind: fault.NotFound, says: "Plaid has no such webhook key in this environment"},
}

// reasons say more about a bank that wants somebody to sign in again: error_code_reason, of banks with OAuth.
var reasons = map[string]string{
	"OAUTH_INVALID_TOKEN":   "the bank has ended the access that it had given: sign in at the bank from here and allow it again",
	"OAUTH_CONSENT_EXPIRED": "the consent to read this bank has run out: sign in at the bank from here and give it again",
	"OAUTH_USER_REVOKED":    "somebody has taken back the access on the bank's own site: if that was not meant, sign in at the bank from here and allow it again",
}

// unknown is what a code that the table does not have means, by its type. One about an Item is taken for an outage: to ask people to
// sign in, or to give up, on the strength of a word that nobody here has read would stop a bank that may be well tomorrow. It
// shows as failing, with its code, until somebody has read it.
func unknown(kind, code string) meaning {
	named := " (" + cmp.Or(code, "no code") + ", which this program does not know)"
	switch kind {
	case "RATE_LIMIT_EXCEEDED":
		return throttled
	case "API_ERROR", "TRANSACTIONS_ERROR":
		return meaning{kind: fault.Unavailable, says: "Plaid is out of order at the moment" + named}
	case "INSTITUTION_ERROR":
		return meaning{kind: fault.Unavailable, after: outOfHours, says: "something is wrong at the bank" + named + ": it is tried again every hour"}
	case "ITEM_ERROR":
		return meaning{kind: fault.Unavailable, after: outOfHours, says: "something is wrong with this bank connection" + named +
			": it is tried again every hour; if it lasts, sign in at the bank from here"}
	default:
		return wrong("Plaid refused the request, for a reason that this program does not know")
	}
}
