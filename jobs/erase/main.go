// Command erase is the Cloud Run job that forgets an organisation.
//
//	Usage  erase -org onpoint -confirm onpoint [-keep-logins]
//	Does   ends its logins at the providers; deletes its secrets, its rows, the login that reads them, and
//	       itself; leaves a line in sync.erasures that names nobody
//	Ends   with status 0 when all is gone, else 1 with words; killed, its next start goes on
//	Needs  database as its owner; secrets of the prefix connection- to read, list, destroy and delete; the
//	       providers' apps
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.RunJob("erase", app.Erase) }
