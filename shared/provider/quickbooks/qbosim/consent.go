package qbosim

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed consent.html
var consentHTML string

var consentTemplate = template.Must(template.New("consent").Parse(consentHTML))

// consent is what the authorize page was asked for.
type consent struct {
	ClientID, RedirectURI, ResponseType, Scope, State string

	Companies []*Company
	Problem   string // in words; then there is nothing to agree to
}

const accountingScope = "com.intuit.quickbooks.accounting"

var knownScopes = []string{accountingScope, "com.intuit.quickbooks.payment", "openid", "profile", "email", "phone", "address"}

// readConsent checks a request of the authorize page. A problem with the app itself is told to the
// user and never sent anywhere: the address may be a stranger's.
func (s *Server) readConsent(from url.Values) consent {
	c := consent{ClientID: from.Get("client_id"), RedirectURI: from.Get("redirect_uri"),
		ResponseType: from.Get("response_type"), Scope: from.Get("scope"), State: from.Get("state"), Companies: s.Companies()}
	switch {
	case c.ClientID != s.cfg.ClientID || c.ClientID == "":
		c.Problem = "The client_id is not known."
	case !slices.Contains(s.cfg.RedirectURIs, c.RedirectURI):
		c.Problem = "The redirect_uri is not one that this app has registered."
	case c.ResponseType != "code":
		c.Problem = "The response_type must be code."
	case c.State == "":
		c.Problem = "The state is missing."
	}
	return c
}

// scopeKnown: the page asks for accounting at least, and for nothing that does not exist.
func (c *consent) scopeKnown() bool {
	asked := strings.Fields(c.Scope)
	for _, scope := range asked {
		if !slices.Contains(knownScopes, scope) {
			return false
		}
	}
	return slices.Contains(asked, accountingScope)
}

// back sends the browser to the app with these parameters and the state.
func (c *consent) back(w http.ResponseWriter, r *http.Request, params ...string) {
	to, err := url.Parse(c.RedirectURI)
	if err != nil {
		http.Error(w, "redirect_uri is not a URL", http.StatusBadRequest)
		return
	}
	q := to.Query()
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	q.Set("state", c.State)
	to.RawQuery = q.Encode()
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// show prints the page. It may not be shown in a frame.
func (c *consent) show(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("X-Frame-Options", "DENY")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	if c.Problem != "" {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = consentTemplate.Execute(w, c) // the browser has gone: nobody to tell
}

// consentPage asks the user which company to connect.
func (s *Server) consentPage(w http.ResponseWriter, r *http.Request) {
	c := s.readConsent(r.URL.Query())
	if c.Problem == "" && !c.scopeKnown() {
		c.back(w, r, "error", "invalid_scope")
		return
	}
	c.show(w)
}

// consentAnswer takes the user's decision back to the app.
func (s *Server) consentAnswer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "not a form", http.StatusBadRequest)
		return
	}
	c := s.readConsent(r.PostForm)
	realm := r.PostForm.Get("realm")
	switch {
	case c.Problem != "":
		c.show(w)
	case !c.scopeKnown():
		c.back(w, r, "error", "invalid_scope")
	case r.PostForm.Get("decision") != "connect":
		c.back(w, r, "error", "access_denied")
	case s.Company(realm) == nil:
		c.Problem = "Choose one of the companies."
		c.show(w)
	default:
		c.back(w, r, "code", s.grants.newCode(realm, c.RedirectURI), "realmId", realm)
	}
}
