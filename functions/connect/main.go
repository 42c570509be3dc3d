// Command connect is the Cloud Run function Connect.
//
//	Trigger  HTTPS from browsers, public; jobs/link makes the links that people open
//	Does     attaches provider accounts to organisations, connects them again, disconnects them
//	Answers  303 to the provider's page or to a result in words · 403 forged link ·
//	         409 used link · 410 expired link · 503 try again
//	Needs    database, Secret Manager, SYNC_TOPIC, PUBLIC_URL, CONNECT_SIGNING_KEY, QUICKBOOKS_*; for banks PLAID_*
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.Serve("Connect", app.Connect) }
