// Command daily is the Cloud Run job that keeps house for all organisations.
//
//	Usage  daily
//	Does   drops bookkeeping that nobody looks at any more; ends what attempts to connect have left at
//	       the providers; destroys versions of secrets that hold replaced tokens; tells of tokens that
//	       still wait for Secret Manager and of secrets that no connection has
//	Ends   with status 0 when all was done, else 1 with words; killed, its next start goes on
//	When   every day; 10,000 connections take some 34 minutes, for Secret Manager's sake
//	Needs  what SyncOrg needs, and the right to list secrets
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.RunJob("daily", app.Daily) }
