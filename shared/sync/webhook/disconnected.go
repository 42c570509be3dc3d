package webhook

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// rest is how long a connection is left alone after a sweep, whoever says that it has been
// disconnected. It bounds what a stranger can cost: four metered calls an hour for a company.
const rest = 15 * time.Minute

// disconnectWithin is how long a person waits for the page at most.
const disconnectWithin = 2 * time.Second

// Disconnected answers the browser of a person who has ended the connection at the provider, at any
// path. All fields are required.
//
// The call is not signed: anybody can send it. So it decides nothing; it only has the connection
// looked at soon, and that look finds the consent ended. The page is the same for everybody, so that
// it tells nobody which accounts are known.
type Disconnected struct {
	Provider org.Provider
	Account  func(url.Values) string // reads the account from the query; empty: it can be none
	Store    Hastener
	Ticks    Ticker
	Log      *slog.Logger
}

// Hastener brings sweeps forward.
type Hastener interface {
	// Hasten makes the sweep of the account's connections that are synced due at the latest once rest
	// has passed since the last one, whatever the pace. It returns those that have become due now by
	// this call; one that was due before is left to the tick that is on its way.
	Hasten(ctx context.Context, p org.Provider, account string, rest time.Duration) ([]org.Connection, error)
}

// ServeHTTP implements http.Handler.
func (d *Disconnected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if account := d.Account(r.URL.Query()); account != "" {
		ctx, cancel := context.WithTimeout(r.Context(), disconnectWithin)
		defer cancel()
		d.look(ctx, account)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address names the account
	h.Set("Content-Security-Policy", policy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	io.WriteString(w, page())
}

// look has the account's connection looked at. What fails is no matter for the person: the next
// sweep, hours later at the worst, finds the same.
func (d *Disconnected) look(ctx context.Context, account string) {
	due, err := d.Store.Hasten(ctx, d.Provider, account, rest)
	if err != nil {
		d.Log.WarnContext(ctx, "disconnect call not followed up", "event", "disconnect_call", "provider", string(d.Provider), "err", err.Error())
		return
	}
	for _, c := range due {
		err := d.Ticks.Tick(ctx, org.Tick{Org: c.Org, Connection: c.ID, Reason: org.Schedule})
		if err != nil { // the scheduled one comes soon
			d.Log.WarnContext(ctx, "disconnect call's tick not sent", "event", "disconnect_call", "provider", string(d.Provider), "connection", int64(c.ID), "err", err.Error())
			continue
		}
		d.Log.InfoContext(ctx, "disconnect call: the connection is looked at", "event", "disconnect_call", "org", string(c.Org), "provider", string(d.Provider), "connection", int64(c.ID))
	}
}

//go:embed disconnected.html
var html string

//go:embed disconnected.css
var css string

func page() string { return strings.Replace(html, "{{style}}", css, 1) }

// policy lets the page load nothing but its own style.
func policy() string {
	sum := sha256.Sum256([]byte(css))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
}
