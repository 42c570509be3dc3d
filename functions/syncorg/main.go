// Command syncorg is the Cloud Run function SyncOrg.
//
//	Trigger  Pub/Sub push subscription to the topic of ticks (SYNC_TOPIC), with OIDC; POST /
//	Does     brings an organisation, or one of its connections, up to date with its providers
//	Answers  204 done, or merged into a run at work · 200 rejected: recorded, never to be sent again ·
//	         503 try again (a provider or the database was away); other failures stand in sync.runs
//	Needs    database, Secret Manager, SYNC_TOPIC (to go on after SYNC_LIMIT), QUICKBOOKS_*; for banks PLAID_*
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.Serve("SyncOrg", app.SyncOrg) }
