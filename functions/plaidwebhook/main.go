// Command plaidwebhook is the Cloud Run function PlaidWebhook.
//
//	Trigger  HTTPS from Plaid, public: POST /
//	Does     checks the JWT in Plaid-Verification over the raw body, with keys that it asks Plaid for and
//	         keeps for a day; records each webhook once, publishes a tick for the Item's connection
//	Answers  200 recorded, seen before, refused for good and noted, or too large to be read ·
//	         400 the body broke off · 401 no good signature, or older than five minutes · 405 not POST ·
//	         503 Plaid's keys or the database were away: Plaid sends it again for 24 h. Within 10 s,
//	         which is all that Plaid waits
//	Needs    database, SYNC_TOPIC, PLAID_CLIENT_ID, PLAID_SECRET, PLAID_ENVIRONMENT
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.Serve("PlaidWebhook", app.PlaidWebhook) }
