package web

import (
	"net/http"
	"strings"
)

// Policy names foreign origins that a page needs, such as "https://cdn.plaid.com". The zero value
// allows none: scripts, styles, images, and calls only from and to the page's own origin.
type Policy struct {
	Scripts []string
	Connect []string // calls by scripts
	Frames  []string
	Images  []string
	Forms   []string // where a form may lead, redirects of its answer included
}

// PageHeaders sets what every HTML page needs: a content security policy without inline scripts and
// styles, no framing by others, no referrer, no sniffing, no storing.
func PageHeaders(h http.Header, p Policy) {
	self := func(more []string) string { return strings.Join(append([]string{"'self'"}, more...), " ") }
	none := func(more []string) string {
		if len(more) == 0 {
			return "'none'"
		}
		return strings.Join(more, " ")
	}
	h.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'",
		"script-src " + self(p.Scripts),
		"style-src 'self'",
		"font-src 'self'",
		"img-src " + self(append([]string{"data:"}, p.Images...)),
		"connect-src " + self(p.Connect),
		"frame-src " + none(p.Frames),
		"form-action " + self(p.Forms),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; "))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
}

// Page sets the headers of a page that needs no foreign origin before h, which may change them.
func Page(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		PageHeaders(w.Header(), Policy{})
		h.ServeHTTP(w, r)
	})
}
