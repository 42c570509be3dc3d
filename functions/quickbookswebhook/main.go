// Command quickbookswebhook is the Cloud Run function QuickBooksWebhook.
//
//	Trigger  HTTPS from Intuit, public: POST / with events; GET /disconnect?realmId=… in the browser
//	         of a person who has ended a connection in QuickBooks
//	Does     checks intuit-signature over the raw body, records each event once, publishes a tick for
//	         each company; has a disconnected company looked at soon
//	Answers  200 recorded, seen before, refused for good and kept, or too large to be read ·
//	         400 the body broke off · 401 no good signature · 405 not POST ·
//	         503 the database was away: Intuit sends it again. Within 3 s, which is all that Intuit waits
//	Needs    database, SYNC_TOPIC, QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.Serve("QuickBooksWebhook", app.QuickBooksWebhook) }
