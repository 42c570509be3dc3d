package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// refused is an answer that is not what was asked for, or that didn't come. It stays in this
// package: callers get its fault.
type refused struct {
	fault   *fault.Error
	said    bool // QuickBooks' own word; otherwise the answer is broken or missing
	expired bool // the access token is not accepted: another one may be
	slow    bool // it took too long: asking for less may help
}

func (r *refused) Error() string { return r.fault.Error() }
func (r *refused) Unwrap() error { return r.fault }

// refusal turns an answer other than 200 into a fault. The status decides first; the body is read as
// far as it can be (64 KiB of JSON or XML) for Intuit's codes and never quoted, since it may name customers.
//
// Source: Intuit, Handling common errors; Error codes. The gateway in front of the API answers in
// lower-case JSON or in XML even where JSON was asked for.
func refusal(res *http.Response, now time.Time) *refused {
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	r := judge(res.StatusCode, complaints(body))
	r.fault.Ref = requestID(res)
	switch r.fault.Kind {
	case fault.RateLimited, fault.Unavailable:
		if after := retryAfter(res, now); after > 0 {
			r.fault.After = after
		}
	}
	return r
}

// judge is the one place that knows what an HTTP status and Intuit's codes mean.
func judge(status int, c complaint) *refused {
	r := &refused{said: true}
	is := func(k fault.Kind, msg string) *refused { r.fault = fault.New(k, msg); return r }
	switch {
	case status == http.StatusTooManyRequests || c.has("3001"):
		r.fault = &fault.Error{Kind: fault.RateLimited, Msg: "QuickBooks asks for fewer calls", After: time.Minute} // Intuit asks for 60 s
		return r
	case status == http.StatusGatewayTimeout || status == http.StatusRequestTimeout:
		r.slow = true
		return is(fault.Unavailable, "QuickBooks took too long to answer")
	case status >= 500 || c.has("10000"):
		return is(fault.Unavailable, fmt.Sprintf("QuickBooks is out of order at the moment (status %d)", status))
	case c.has("6190"):
		return is(fault.Paused, "QuickBooks has closed this company for now: its subscription has ended or is suspended, or its trial is over")
	case c.has("610"):
		return is(fault.NotFound, "QuickBooks doesn't have this object: it was deleted or never was there")
	case c.has("120"):
		return is(fault.Forbidden, "the person who connected QuickBooks may not read this: check their role in QuickBooks, or connect again as an admin of the company")
	case c.has("3100"):
		return is(fault.Reconnect, "QuickBooks doesn't accept this connection any more: connect the company again as one of its admins")
	case status == http.StatusUnauthorized || c.has("3200"):
		r.expired = true
		return is(fault.Reconnect, "QuickBooks doesn't accept this connection any more: connect the company again")
	case status == http.StatusForbidden || c.has("3201"):
		return is(fault.Forbidden, "QuickBooks doesn't let this app read the company")
	case status == http.StatusNotFound:
		return is(fault.Invalid, "QuickBooks has no such address: check QUICKBOOKS_ENVIRONMENT and QUICKBOOKS_API_URL")
	case c.system || status < 400 && status != http.StatusOK:
		return is(fault.Unavailable, fmt.Sprintf("QuickBooks gave no proper answer (status %d)", status))
	case c.has("4000") || c.has("4001"):
		return is(fault.Invalid, "QuickBooks doesn't understand the query"+c.String())
	default:
		return is(fault.Invalid, "QuickBooks refused the request"+c.String())
	}
}

// unreadable is an answer of status 200 that breaks off or isn't what it should be.
func unreadable(msg string) *refused {
	return &refused{fault: fault.New(fault.Unavailable, msg)}
}

// complaint is what a fault's body tells.
type complaint struct {
	codes  []string // digits without leading zeros
	system bool     // not the request's fault
}

func (c complaint) has(code string) bool { return slices.Contains(c.codes, code) }

func (c complaint) String() string {
	if len(c.codes) == 0 {
		return ""
	}
	return " (code " + c.codes[0] + ")"
}

// faultBody fits Fault and fault alike: encoding/json doesn't mind the case of names.
type faultBody struct {
	Type   string       `json:"type" xml:"type,attr"`
	Errors []faultEntry `json:"Error" xml:"Error"`
}

type faultEntry struct {
	Code    scalar `json:"code" xml:"code,attr"`
	Message string `json:"Message" xml:"Message"`
}

// scalar is a JSON string, or any other scalar as it is written.
type scalar string

func (s *scalar) UnmarshalJSON(b []byte) error {
	*s = scalar(bytes.Trim(b, `"`))
	return nil
}

// complaints looks for a fault in the body of an answer; there may be none.
func complaints(body []byte) complaint {
	var envelope struct {
		Fault faultBody `xml:"Fault"`
	}
	switch body = bytes.TrimSpace(body); {
	case bytes.HasPrefix(body, []byte("{")):
		json.Unmarshal(body, &envelope) //nolint:errcheck // best effort: what it understood counts
	case bytes.HasPrefix(body, []byte("<")):
		xml.Unmarshal(body, &envelope) //nolint:errcheck // the same
	}
	return envelope.Fault.complaint()
}

func (f faultBody) complaint() complaint {
	c := complaint{system: f.Type == "SystemFault" || f.Type == "SERVICE"}
	for _, e := range f.Errors {
		code := string(e.Code)
		if _, after, ok := strings.Cut(e.Message, "errorCode="); ok && code == "" {
			code, _, _ = strings.Cut(after, ";")
		}
		if n, err := strconv.ParseUint(code, 10, 32); err == nil { // anything else could be a customer's words
			c.codes = append(c.codes, strconv.FormatUint(n, 10))
		}
	}
	return c
}

// retryAfter reads the header in both its forms; zero: there is none. A day is the most it believes.
func retryAfter(res *http.Response, now time.Time) time.Duration {
	value := res.Header.Get("Retry-After")
	var after time.Duration
	if seconds, err := strconv.Atoi(value); err == nil {
		after = time.Duration(min(seconds, 24*60*60)) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		after = at.Sub(now)
	} else {
		return 0
	}
	return min(max(after, time.Second), 24*time.Hour)
}

// requestID returns Intuit's id of the call, which its support asks for.
func requestID(res *http.Response) string {
	id := res.Header.Get("intuit_tid")
	odd := func(r rune) bool {
		return !strings.ContainsRune("-_=;:.", r) && (r < '0' || r > 'z' || r > '9' && r < 'A')
	}
	if len(id) > 100 || strings.ContainsFunc(id, odd) {
		return ""
	}
	return id
}

// broken is the refusal of a call that the network ended.
func broken(ctx context.Context, err error) *refused {
	return &refused{slow: ctx.Err() == nil && httpclient.TimedOut(err), fault: httpclient.Broken(ctx, "QuickBooks", err)}
}
