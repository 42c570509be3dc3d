// Command backfill is the Cloud Run job that reads companies again.
//
//	Usage  backfill -org onpoint,powergen | -all [-connection N] [-streams Invoice,Bill]
//	       [-from 2026-01-01 -to 2026-02-01] [-parallel 4] [-restart]
//	Does   reads the streams again, of a range of time or all of them, compares every value with what
//	       is stored, and mends what differs; tells its progress in the log and in sync.streams
//	Ends   with status 0 when all is done, else 1 with words; killed, its next start goes on
//	Needs  what SyncOrg needs
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.RunJob("backfill", app.Backfill) }
