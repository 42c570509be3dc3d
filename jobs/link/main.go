// Command link prints a one-time link that lets a person connect an organisation to a provider.
//
//	Usage  link -org SLUG -provider quickbooks|plaid [-connection N] [-add] [-disconnect] [-valid 24h]
//	Does   signs a link; the address alone goes to standard output, words to standard error
//	Needs  PUBLIC_URL, CONNECT_SIGNING_KEY; no database
package main

import "github.com/countinghouse/countinghouse/shared/app"

func main() { app.RunJob("link", app.Link) }
