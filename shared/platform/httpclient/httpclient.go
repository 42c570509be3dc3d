// Package httpclient is how Countinghouse calls other people's servers: one [http.Client] with
// limits on everything that can hang, one [Limiter] for what a provider allows, and one way to try again, [Do].
package httpclient

import (
	"net"
	"net/http"
	"time"
)

// Options says how an http.Client behaves. The zero value is ready to use.
type Options struct {
	// Timeout limits a whole call: connection, request and reading the answer to its end.
	// It should be slightly above the provider's own limit, so that its answer is seen. Zero means
	// 125 s: Intuit gives up after 120 s.
	Timeout time.Duration
	// Connections is how many idle connections to one host are kept. Zero means 16.
	Connections int
	// DisableCompression asks for plain answers. A cloud function pays for its CPU and not for
	// what it receives, and unpacking a page costs as much CPU as splitting it into objects.
	DisableCompression bool
}

// New returns a client of its own connections. It follows no redirect, since a redirected call
// would carry its credentials to an address that nobody configured: the 3xx is the answer.
func New(o Options) *http.Client {
	if o.Timeout <= 0 {
		o.Timeout = 125 * time.Second
	}
	if o.Connections <= 0 {
		o.Connections = 16
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Timeout: o.Timeout,
		Transport: traced{&http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  o.Timeout, // a query is thought over before its first byte comes
			ExpectContinueTimeout:  time.Second,
			IdleConnTimeout:        90 * time.Second,
			MaxIdleConns:           4 * o.Connections,
			MaxIdleConnsPerHost:    o.Connections,
			MaxResponseHeaderBytes: 256 << 10,
			ReadBufferSize:         32 << 10, // answers are megabytes: fewer, larger reads
			DisableCompression:     o.DisableCompression,
			ForceAttemptHTTP2:      true,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
