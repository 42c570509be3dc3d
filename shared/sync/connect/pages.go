package connect

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// page is what a person sees. Title and Text are plain text: the template escapes them.
type page struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Text   string `json:"text"`
	Again  bool   `json:"again,omitempty"` // the callback may be tried once more: the sign-in is as it was

	// A form with one button, if Action is set.
	Action string `json:"-"`
	Link   string `json:"-"`
	Button string `json:"-"`

	Ticket string `json:"ticket,omitempty"` // with Again: the name of the cookie that it is about

	// Where the callback is tried again; filled in when the page is shown.
	Callback string `json:"-"`
}

// Failed reports whether the page tells of something that did not work.
func (p page) Failed() bool { return p.Status >= 400 }

// outcome is a page as it travels in the address of a result: signed, so that nobody can make this
// service say what it did not say.
type outcome struct {
	page
	Expires time.Time `json:"expires"`
}

// finish sends the browser to the page that tells p.
func (s *server) finish(v visit, p page) {
	id, err := signed(s.Key, "result", outcome{p, s.Now().Add(resultLife)})
	if err != nil {
		s.tell(v, p)
		return
	}
	s.redirect(v.w, address(s.public, v.name, "result").String()+"?"+url.Values{"id": {id}}.Encode())
}

// result shows what a callback or a disconnect came to.
func (s *server) result(v visit) {
	var o outcome
	if err := verify(s.Key, "result", v.r.URL.Query().Get("id"), &o); err != nil || !s.Now().Before(o.Expires) {
		s.show(v.w, page{Status: http.StatusGone, Title: "This page is no longer there", Text: "It told how connecting or disconnecting ended. To do either again, ask for a new link."})
		return
	}
	s.tell(v, o.page)
}

// tell shows a page that may offer to try the callback again.
func (s *server) tell(v visit, p page) {
	if p.Again {
		p.Callback = address(s.public, v.name, "callback").String() + "?" + url.Values{"ticket": {p.Ticket}}.Encode()
	}
	s.show(v.w, p)
}

// failed words an error of a step for people, and logs it.
func (s *server) failed(v visit, slug org.Slug, step, title string, err error) page {
	status, more := 0, ""
	switch fault.Of(err) {
	case fault.Forbidden:
		status = http.StatusForbidden
	case fault.NotFound:
		status = http.StatusNotFound
	case fault.Invalid, fault.Reconnect, fault.Paused:
		status, more = http.StatusBadGateway, " Nothing was changed; your link still works."
	default:
		return s.troubled(v, step, slug, err)
	}
	s.note(v, slug, step, err)
	return page{Status: status, Title: title, Text: sentence(words(err)) + more}
}

// troubled words an error that is not the person's: ours, the database's, the provider's.
func (s *server) troubled(v visit, step string, slug org.Slug, err error) page {
	s.note(v, slug, step, err)
	p := page{Status: http.StatusServiceUnavailable, Title: "Not now", Text: "Something that this needs is out of order at the moment. Nothing was changed; open your link again in some minutes."}
	switch {
	case errors.Is(err, errBusy):
		p.Text = "This " + v.provider.Words().Account + " is being read right now, and that takes longer than we can wait here. Nothing was changed; open your link again in some minutes."
	case fault.Is(err, fault.Internal):
		p.Status, p.Title = http.StatusInternalServerError, "This did not work"
		p.Text = "There was an internal error, which has been recorded. Open your link again; if it fails once more, tell whoever gave it to you."
	}
	return p
}

func (s *server) note(v visit, slug org.Slug, step string, err error) {
	s.Log.WarnContext(v.r.Context(), "connect refused or failed", "event", "connect_failed", "step", step,
		"org", string(slug), "provider", string(v.name), "kind", string(fault.Of(err)), "err", err.Error())
}

// words returns the message that a fault has for people, without its causes.
func words(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Msg != "" {
		return f.Msg
	}
	return "internal error"
}

// sentence gives text a capital letter and a full stop.
func sentence(text string) string { return capital(strings.TrimRight(text, ".")) + "." }

// capital gives text a capital letter.
func capital(text string) string {
	if r, n := utf8.DecodeRuneInString(text); n > 0 {
		text = string(unicode.ToUpper(r)) + text[n:]
	}
	return text
}

//go:embed page.css
var css string

//go:embed page.html
var html string

func looks() *template.Template { return template.Must(template.New("page").Parse(html)) }

// policy lets a page load nothing but its own style and send its form to us only.
func policy() string {
	sum := sha256.Sum256([]byte(css))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// show writes a page.
func (s *server) show(w http.ResponseWriter, p page) {
	guard(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.Status)
	err := s.looks.Execute(w, struct {
		page
		Style template.CSS
	}{p, template.CSS(css)})
	if err != nil {
		s.Log.Warn("page not written", "err", err.Error())
	}
}

func (s *server) redirect(w http.ResponseWriter, to string) {
	guard(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// guard sets the headers that every answer has.
func guard(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}
