// Command dispatch is the Cloud Run function Dispatch, for fleets that are too big for a job of Cloud
// Scheduler for each organisation.
//
//	Trigger  Cloud Scheduler, once a minute: HTTPS with OIDC, or through Pub/Sub; POST / with any body
//	Does     for DISPATCH_WINDOW sends each second a tick for every connection that has come due, the
//	         longest due first and at most DISPATCH_RATE of them
//	Answers  204 the window is over, or the process stops · 503 try again (the database or Pub/Sub was away)
//	Needs    database, SYNC_TOPIC
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.Serve("Dispatch", app.Dispatch) }
