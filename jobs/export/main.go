// Command export is the Cloud Run job that hands an organisation its data.
//
//	Usage  export -org onpoint [-to FOLDER]
//	Does   writes one zip file: a CSV file for each table with the organisation's rows, at one instant,
//	       and manifest.json; no token is in it
//	Ends   with status 0 when the file is whole and has its name, else 1 with words and without a file
//	Needs  EXPORT_FOLDER or -to, database
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.RunJob("export", app.Export) }
