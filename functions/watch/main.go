// Command watch is the Cloud Run function Watch, by which somebody finds out.
//
//	Trigger  Cloud Scheduler, every 5 minutes: HTTPS with OIDC; POST / with any body
//	Does     looks at all connections and tells, a log line each, what is behind, what has to be
//	         connected again, where records could not be stored, and how the month's calls stand
//	Answers  204 it has looked · 503 the database was away: then the line event=watch is missing
//	Needs    database, QUICKBOOKS_MONTHLY_CALLS as SyncOrg has it, WATCH_BEHIND
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.Serve("Watch", app.Watch) }
