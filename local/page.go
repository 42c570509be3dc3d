package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/web"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS []byte

// view is what the page shows.
type view struct {
	Now           time.Time
	Interval      time.Duration
	Organisations []tenant
	Database      string
	Simulated     bool
}

// tenant is one organisation on the page.
type tenant struct {
	Slug        org.Slug
	Name        string
	Books, Bank bool // it is connected to QuickBooks, to a bank
	Connections []store.ConnectionStatus
}

// tenants sorts connections by organisation, in the order in which they come. Ended ones stay away, save
// those that never came about and say why. Who is only connecting still has the button for it.
func tenants(all []store.ConnectionStatus) (out []tenant) {
	for _, c := range all {
		if n := len(out); n == 0 || out[n-1].Slug != c.Org {
			out = append(out, tenant{Slug: c.Org, Name: c.OrgName})
		}
		t := &out[len(out)-1]
		never := c.Reason != "" && len(c.Streams) == 0 && len(c.Runs) == 0
		if c.ID == 0 || c.State == org.Disconnected && !never {
			continue
		}
		t.Connections = append(t.Connections, c)
		there := c.State != org.Disconnected && c.State != org.Connecting
		t.Books = t.Books || there && c.Provider == quickbooks.Provider
		t.Bank = t.Bank || there && c.Provider == plaid.Provider
	}
	return out
}

func (p *platform) routes(mux *http.ServeMux) {
	page := template.Must(template.New("page").Funcs(template.FuncMap{
		"ago": ago, "state": stateWords, "took": took, "interval": interval, "until": until, "account": accountWords, "bank": isBank,
	}).Parse(pageHTML))

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		all, err := p.store.Overview(r.Context())
		var b bytes.Buffer
		if err == nil {
			err = page.Execute(&b, view{time.Now(), p.interval, tenants(all), p.database, p.sim != nil && p.banks != nil})
		}
		if err != nil {
			http.Error(w, "the database does not answer: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		web.PageHeaders(w.Header(), web.Policy{Forms: p.consent})
		w.Write(b.Bytes()) //nolint:errcheck // a closed browser is no error
	})
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Write(pageCSS) //nolint:errcheck // a closed browser is no error
	})
	mux.HandleFunc("POST /local/connect/{provider}/{org}", func(w http.ResponseWriter, r *http.Request) {
		var flags []string
		if connection := r.FormValue("connection"); connection != "" {
			flags = []string{"-connection", connection}
		}
		link, err := p.link(org.Provider(r.PathValue("provider")), r.PathValue("org"), flags...)
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
	for path, change := range map[string]func(string) error{"edit": p.edit, "spend": p.spend, "lock": p.lock} {
		mux.HandleFunc("POST /local/"+path+"/{account}", func(w http.ResponseWriter, r *http.Request) {
			if err := change(r.PathValue("account")); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			http.Redirect(w, r, "/", http.StatusSeeOther)
		})
	}
}

// link makes a one-time link that connects an organisation, like jobs/link does.
func (p *platform) link(provider org.Provider, slug string, flags ...string) (string, error) {
	var out bytes.Buffer
	err := app.Link.Run(context.Background(), append([]string{"-org", slug, "-provider", string(provider)}, flags...), p.environment(), &out, io.Discard)
	return string(bytes.TrimSpace(out.Bytes())), err
}

func isBank(p org.Provider) bool { return p == plaid.Provider }

// accountWords names a connection's account for people.
func accountWords(c store.ConnectionStatus) string {
	switch {
	case !isBank(c.Provider):
		return "QuickBooks company " + cmp.Or(c.AccountName, c.Account)
	case c.AccountName != "":
		return c.AccountName
	case c.State == org.Connecting || c.State == org.Disconnected:
		return "Bank login that was not connected" // its name is one that nobody knows
	}
	return "Bank login " + c.Account
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
		return "paused by the provider"
	case org.Disconnected:
		return "not connected"
	default:
		return string(s)
	}
}
