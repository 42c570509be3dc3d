package qbosim

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

const html502 = `<html>
<head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center></body>
</html>
`

// serve answers in the way of the fault; answer carries the request out and writes what is right.
func (a *activeFault) serve(w *answerWriter, r *http.Request, at time.Time, answer func()) {
	if a == nil {
		answer()
		return
	}
	a.wait(r)
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(a.RetryAfter.Seconds())))
	}
	switch a.Kind {
	case Slow, FalseTombstone:
		answer()
	case TruncatedJSON, EmptyBody, LostAnswer:
		w.damage(a.Kind, answer)
	case Hang:
		w.fault = true
		panic(http.ErrAbortHandler)
	default:
		w.refuseAs(a.Kind, at)
	}
}

func (a *activeFault) wait(r *http.Request) {
	var over <-chan time.Time
	switch {
	case a.Delay > 0:
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		over = timer.C
	case a.Kind != Hang:
		return
	}
	select {
	case <-over:
	case <-r.Context().Done():
	}
}

// refuseAs writes an answer that has nothing to do with the request.
func (w *answerWriter) refuseAs(kind FaultKind, at time.Time) {
	switch kind {
	case HTML502:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		w.Write([]byte(html502))
	case JSON500:
		w.jsonFault(&Refusal{Status: 500, Type: "SystemFault", Code: "10000", Message: "An application error has occurred while processing your request",
			Detail: "System Failure Error: An internal error has occurred"}, at)
	case XML429:
		w.throttled = true
		w.xmlFault(http.StatusTooManyRequests, throttleExceeded, at)
	case JSON429, QuotaExhausted429: // nobody can tell them apart by the text
		w.throttled, w.overQuota = kind == JSON429, kind == QuotaExhausted429
		refusal := *throttleExceeded
		refusal.Status = http.StatusTooManyRequests
		w.jsonFault(&refusal, at)
	case XML401:
		w.Header().Set("WWW-Authenticate", `Bearer realm="Intuit", error="invalid_token"`)
		w.xmlFault(http.StatusUnauthorized, notAuthenticated, at)
	case GatewayJSON401:
		w.unauthorized(at)
	case Forbidden403:
		w.xmlFault(http.StatusForbidden, notEntitled, at)
	case Status6190:
		w.jsonFault(invalid("6190", "Invalid Company Status", "Subscription period has ended or canceled or there was a billing problem"), at)
	case FaultIn200:
		w.jsonFault(&Refusal{Status: http.StatusOK, Type: "SystemFault", Code: "10000", Message: "An application error has occurred while processing your request",
			Detail: "System Failure Error: An internal error has occurred"}, at)
	case InvalidGrant:
		w.oauthError(http.StatusBadRequest, "invalid_grant", "Incorrect or invalid refresh token")
	}
}

// damage carries the request out and spoils what comes back of it.
func (w *answerWriter) damage(kind FaultKind, answer func()) {
	real := w.ResponseWriter
	whole := httptest.NewRecorder()
	w.ResponseWriter = whole
	answer()
	w.ResponseWriter = real
	w.fault = true
	body := whole.Body.Bytes()
	switch kind {
	case LostAnswer:
		panic(http.ErrAbortHandler)
	case EmptyBody:
		body = nil
	default:
		body = body[:len(body)/2]
	}
	real.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
	real.Header().Set("Content-Length", strconv.Itoa(len(body)))
	real.WriteHeader(whole.Code)
	real.Write(body)
}
