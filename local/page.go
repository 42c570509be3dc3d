package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/web"
	"github.com/countinghouse/countinghouse/shared/store"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS []byte

// view is what the page shows.
type view struct {
	Now         time.Time
	Interval    time.Duration
	Connections []store.ConnectionStatus
	Database    string
	Simulated   bool
}

func (p *platform) routes(mux *http.ServeMux) {
	page := template.Must(template.New("page").Funcs(template.FuncMap{
		"ago": ago, "state": stateWords, "took": took, "interval": interval, "until": until,
	}).Parse(pageHTML))

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		all, err := p.store.Overview(r.Context())
		var b bytes.Buffer
		if err == nil {
			err = page.Execute(&b, view{time.Now(), p.interval, all, p.database, p.sim != nil})
		}
		if err != nil {
			http.Error(w, "the database does not answer: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		web.PageHeaders(w.Header(), web.Policy{Forms: []string{p.consent}})
		w.Write(b.Bytes()) //nolint:errcheck // a closed browser is no error
	})
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Write(pageCSS) //nolint:errcheck // a closed browser is no error
	})
	mux.HandleFunc("POST /local/connect/{org}", func(w http.ResponseWriter, r *http.Request) {
		link, err := p.link(r.PathValue("org"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, link, http.StatusSeeOther)
	})
	mux.HandleFunc("POST /local/sync/{org}", func(w http.ResponseWriter, r *http.Request) {
		slug, err := org.ParseSlug(r.PathValue("org"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.tick(r.Context(), org.Tick{Org: slug, Reason: org.Manual})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /local/edit/{org}", func(w http.ResponseWriter, r *http.Request) {
		if err := p.edit(r.PathValue("org")); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

// link makes a one-time link that connects an organisation, like jobs/link does.
func (p *platform) link(slug string, flags ...string) (string, error) {
	var out bytes.Buffer
	err := app.Link(append([]string{"-org", slug, "-provider", "quickbooks"}, flags...), p.environment(), &out, io.Discard)
	return string(bytes.TrimSpace(out.Bytes())), err
}

// ago says how long before now t was, in the largest unit that fits.
func ago(now time.Time, t *time.Time) string {
	if t == nil {
		return "never"
	}
	d := now.Sub(*t).Round(time.Second)
	switch {
	case d < 2*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	default:
		return t.Format("2 Jan 15:04")
	}
}

// until says how far ahead t is.
func until(now time.Time, t *time.Time) string {
	if t == nil || !t.After(now) {
		return "at the next tick"
	}
	return "in " + interval(max(t.Sub(now).Round(time.Minute), time.Minute))
}

// interval says how long d is, as people do.
func interval(d time.Duration) string {
	minutes := int(d.Minutes())
	switch {
	case d%time.Hour == 0 && d > time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	case d == time.Minute:
		return "a minute"
	case d%time.Minute == 0 && minutes > 1:
		return fmt.Sprintf("%d minutes", minutes)
	default:
		return d.String()
	}
}

func took(r store.RunStatus) string {
	if r.Finished == nil {
		return "running"
	}
	return fmt.Sprintf("%.1f s", r.Finished.Sub(r.Started).Seconds())
}

// stateWords says what a connection's state means for the person who looks at it.
func stateWords(s org.State) string {
	switch s {
	case "":
		return "not connected"
	case org.Connecting:
		return "connecting"
	case org.Active:
		return "connected"
	case org.NeedsReauth:
		return "needs a new login"
	case org.Paused:
		return "paused by QuickBooks"
	default:
		return string(s)
	}
}
