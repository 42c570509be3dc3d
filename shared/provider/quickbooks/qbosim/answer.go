package qbosim

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// answerWriter writes the shapes that all endpoints share and remembers what was answered.
type answerWriter struct {
	http.ResponseWriter
	status    int
	fault     bool // a Fault in a body, whatever the status
	throttled bool
	overQuota bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// failed reports whether the answer counts as an error, which is not metered.
func (w *answerWriter) failed() bool { return w.status != http.StatusOK || w.fault }

// tid sets the number that Intuit's support asks for.
func (w *answerWriter) tid() {
	var b [12]byte
	rand.Read(b[:])
	w.Header().Set("intuit_tid", "1-"+hex.EncodeToString(b[:4])+"-"+hex.EncodeToString(b[4:]))
}

const jsonType = "application/json;charset=utf-8"

func (w *answerWriter) json(status int, body []byte) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

func (w *answerWriter) jsonFault(r *Refusal, at time.Time) {
	w.fault = true
	w.json(r.Status, faultBody(r, at))
}

func faultBody(r *Refusal, at time.Time) []byte {
	e := (&object{}).set("Message", r.Message).set("Detail", r.Detail).set("code", r.Code)
	if r.Element != "" {
		e.set("element", r.Element)
	}
	fault := (&object{}).set("Error", []any{e}).set("type", r.Type)
	return (&object{}).set("Fault", fault).set("time", at.In(pacific).Format(envelopeLayout)).append(nil)
}

// xmlFault is how the gateway refuses, also when JSON was asked for.
func (w *answerWriter) xmlFault(status int, r *Refusal, at time.Time) {
	w.fault = true
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3" time="%s"><Fault type="%s"><Error code="%s"><Message>`,
		at.In(pacific).Format(envelopeLayout), r.Type, r.Code)
	xml.EscapeText(&b, []byte(r.Message))
	b.WriteString(`</Message><Detail>`)
	xml.EscapeText(&b, []byte(r.Detail))
	b.WriteString(`</Detail></Error></Fault></IntuitResponse>`)
	w.Header().Set("Content-Type", "application/xml;charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

var (
	throttleExceeded = &Refusal{Type: "SERVICE", Code: "3001",
		Message: "message=ThrottleExceeded; errorCode=003001; statusCode=429", Detail: "The request limit was reached. Try again later"}
	notEntitled = &Refusal{Type: "AUTHORIZATION", Code: "3201",
		Message: "message=ApplicationAuthorizationFailed; errorCode=003201; statusCode=403", Detail: "The app is not entitled to this company"}
	notAuthenticated = &Refusal{Type: "AUTHENTICATION", Code: "3200",
		Message: "message=AuthenticationFailed; errorCode=003200; statusCode=401", Detail: "Token expired"}
)

// unauthorized is the gateway's own JSON: lower-case keys and the time in epoch milliseconds.
func (w *answerWriter) unauthorized(at time.Time) {
	w.fault = true
	w.Header().Set("WWW-Authenticate", `Bearer realm="Intuit", error="invalid_token"`)
	w.json(http.StatusUnauthorized, fmt.Appendf(nil, `{"warnings":null,"intuitObject":null,"fault":{"error":[{"message":"%s","detail":"%s","code":"%s","element":null}],"type":"%s"},"report":null,"queryResponse":null,"batchItemResponse":[],"attachableResponse":[],"syncErrorResponse":null,"requestId":null,"time":%d,"status":null,"cdcresponse":[]}`,
		notAuthenticated.Message, notAuthenticated.Detail, notAuthenticated.Code, notAuthenticated.Type, at.UnixMilli()))
}

// stream writes rows in pieces, so that an answer of any length needs one small buffer. The company
// is locked while a piece is printed, never while it is sent: a slow reader holds up nobody, and may
// edit the company itself.
type stream struct {
	w   *answerWriter
	c   *Company
	buf []byte
}

const pieceSize = 64 << 10

var pieces = sync.Pool{New: func() any {
	b := make([]byte, 0, 2*pieceSize)
	return &b
}}

func newStream(w *answerWriter, c *Company) *stream {
	w.Header().Set("Content-Type", jsonType)
	return &stream{w: w, c: c, buf: (*pieces.Get().(*[]byte))[:0]}
}

func (s *stream) text(t string) { s.buf = append(s.buf, t...) }

// array prints "Entity":[…] with the rows and then the tombstones.
func (s *stream) array(t *table, rows []handle, gone []tombstone) {
	s.text(`"` + t.def.jsonKey() + `":[`)
	for n := 0; n < len(rows); {
		s.c.mu.RLock()
		for ; n < len(rows) && len(s.buf) < pieceSize; n++ {
			if n > 0 {
				s.buf = append(s.buf, ',')
			}
			s.buf = s.c.appendRow(s.buf, t, rows[n])
		}
		s.c.mu.RUnlock()
		if len(s.buf) >= pieceSize {
			s.flush()
		}
	}
	for n, grave := range gone {
		if n+len(rows) > 0 {
			s.buf = append(s.buf, ',')
		}
		s.buf = appendTombstone(s.buf, grave)
	}
	s.text(`]`)
}

func (s *stream) flush() {
	s.w.Write(s.buf)
	s.buf = s.buf[:0]
}

func (s *stream) close() {
	s.flush()
	pieces.Put(&s.buf)
}
