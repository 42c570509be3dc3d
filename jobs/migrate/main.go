// Command migrate is the Cloud Run job that brings the database up to date, before each deployment.
//
//	Usage  migrate [-restored [-secrets-lost]]
//	Does   runs the migrations, creates the organisations of ORGANISATIONS that are not there yet,
//	       applies CUSTOM_FIELD_COLUMNS, makes the views anew; running it again changes nothing
//	       with -restored, once after a backup was restored: makes every connection due, and keeps numbers
//	       of lost connections from being used again
//	Fails  with words; what has been done by then stays, and the next run goes on from there
//	Needs  database, as a login that may create tables and roles
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.RunJob("migrate", app.Migrate) }
