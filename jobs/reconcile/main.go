// Command reconcile is the Cloud Run job that proves that the database has what the providers have.
//
//	Usage  reconcile -org onpoint,powergen | -all [-connection N] [-streams Invoice,Bill]
//	       [-full [-restart] | -replay] [-parallel 4]
//	Does   counts each stream at the provider and here; where the numbers differ, or with -full, reads
//	       it again, compares every value, mends what differs and records it in sync.reconciliations
//	       with -replay only tries again to store what lies in sync.dead_letters
//	Ends   with status 0 when all was compared, else 1 with words; killed, its next start goes on
//	When   every week, and with -full every month: counting costs 39 metered calls a company
//	Needs  what SyncOrg needs
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.RunJob("reconcile", app.Reconcile) }
