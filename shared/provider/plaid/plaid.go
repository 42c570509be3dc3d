// Package plaid speaks with Plaid, which reads people's banks for us: its API ([Client], [Item]), its failures
// ([Problem] and the predicates), its webhooks ([Verifier], [ParseWebhook]); and it declares its tables. It knows
// nothing of Countinghouse's own matters.
//
// An Item is one login at one bank. Every call about it carries the Item's access token, and there is no call that
// lists the Items: whoever connects a bank keeps both.
//
// Source: Plaid, API reference, version 2020-09-14; its OpenAPI description 1.697.4.
package plaid

import "github.com/countinghouse/countinghouse/shared/org"

// Provider is Plaid's name in connections, ticks and the database.
const Provider org.Provider = "plaid"

// The addresses of Plaid's environments. Each has its own secret, Items and webhook keys.
const (
	Sandbox    = "https://sandbox.plaid.com"
	Production = "https://production.plaid.com"
)

// version is the version of the API that is asked for, its latest.
const version = "2020-09-14"
