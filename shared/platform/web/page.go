package web

import (
	"net/http"
	"strings"
)

// Policy names foreign origins that a page needs, such as "https://appcenter.intuit.com". The zero
// value allows none: scripts, styles, images, and calls only from and to the page's own origin.
type Policy struct {
	Forms []string // where a form may lead, redirects of its answer included
}

// PageHeaders sets what every HTML page needs: a content security policy without inline scripts and
// styles, no framing by others, no referrer, no sniffing, no storing.
func PageHeaders(h http.Header, p Policy) {
	h.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"font-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self'",
		"form-action " + strings.Join(append([]string{"'self'"}, p.Forms...), " "),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; "))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
}
