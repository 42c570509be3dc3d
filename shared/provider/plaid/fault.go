package plaid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// refused is an answer that is not what was asked for, or that didn't come. It stays in this package: callers get its fault.
type refused struct {
	fault  *fault.Error
	undone bool // Plaid's own word that it did nothing; an outage of Plaid may have come after the deed
	final  bool // another attempt within the call does not help
	unsent bool // there was no connection: Plaid knows nothing of it
	code   string
	effect effect
}

func (r *refused) Error() string { return r.fault.Error() }
func (r *refused) Unwrap() error { return r.fault }

// cause is what callers get.
func (r *refused) cause() error {
	if r.code == "" {
		return r.fault
	}
	return &problem{fault: r.fault, code: r.code, effect: r.effect}
}

// problem is a fault that Plaid had a word for.
type problem struct {
	fault  *fault.Error
	code   string // the word
	effect effect
}

func (p *problem) Error() string { return p.fault.Error() }
func (p *problem) Unwrap() error { return p.fault }

// effect is what a failure means to whoever reads an Item, beside its kind.
type effect uint8

const (
	nothing     effect = iota
	mutated            // the transactions changed between two pages
	cursor             // the cursor is not the Item's, or too old
	notReady           // Plaid has not read that product yet
	unsupported        // the Item has no such product or account
	ended              // the Item is no more
	appRefused         // Plaid takes no call of the app
)

// Mutated reports whether the transactions changed between two pages: the run starts again from its first cursor.
func Mutated(err error) bool { return has(err, mutated) }

// CursorRefused reports whether Plaid did not take the cursor: the transactions are read again from "".
func CursorRefused(err error) bool { return has(err, cursor) }

// NotReady reports whether Plaid has not read the product from the bank yet: it will be there in minutes, or hours.
func NotReady(err error) bool { return has(err, notReady) }

// Unsupported reports whether the Item has no such product or account, or no consent to it, while its other products are as they were.
func Unsupported(err error) bool { return has(err, unsupported) }

// Ended reports whether the Item is no more: the bank has to be connected anew, as another Item.
func Ended(err error) bool { return has(err, ended) }

// AppRefused reports whether Plaid refused the app as a whole: its keys, its environment, its headers. No other call
// about any Item would end otherwise until an operator has seen to it.
func AppRefused(err error) bool { return has(err, appRefused) }

func has(err error, e effect) bool {
	var p *problem
	return errors.As(err, &p) && p.effect == e
}

// Problem turns an error that Plaid put into something else (an Item's error, a webhook's) into the fault that a call with that
// answer would have given. It returns nil for null, for nothing, and for what is no object.
func Problem(raw json.RawMessage) error {
	if r := embedded(raw); r != nil {
		return r.cause()
	}
	return nil
}

// embedded returns what raw says; nil: nothing.
func embedded(raw json.RawMessage) *refused {
	var said complaint
	json.Unmarshal(raw, &said) //nolint:errcheck // best effort: what it understood counts
	if said.Type == "" && said.Code == "" {
		return nil
	}
	return judge(http.StatusBadRequest, "", said)
}

// complaint is the part of Plaid's error that decides. Its messages are read for one decision and never quoted.
type complaint struct {
	Type      loose `json:"error_type"`
	Code      loose `json:"error_code"`
	Reason    loose `json:"error_code_reason"`
	Message   loose `json:"error_message"`
	RequestID loose `json:"request_id"`
}

var (
	codeForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,79}$`)
	refForm  = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
)

// ref returns Plaid's id of the call, which its support asks for.
func (c complaint) ref() string {
	if !refForm.MatchString(string(c.RequestID)) {
		return ""
	}
	return string(c.RequestID)
}

// refusal turns an answer other than 200 into a fault. The body is read as far as an error goes (64 KiB).
func refusal(res *http.Response, path string, now time.Time) *refused {
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var said complaint
	json.Unmarshal(body, &said) //nolint:errcheck // a gateway's page says nothing
	r := judge(res.StatusCode, path, said)
	if after := retryAfter(res, now); after > 0 && (r.fault.Kind == fault.RateLimited || r.fault.Kind == fault.Unavailable) {
		r.fault.After = max(after, r.fault.After)
		r.final = r.final || r.fault.After > patience
	}
	return r
}

// patience is the longest wait that a call sits out. What asks for more is another run's matter.
const patience = 2 * time.Minute

// judge is the one place that knows what Plaid's words mean: the code decides, then its type, then the HTTP status.
func judge(status int, path string, said complaint) *refused {
	code := string(said.Code)
	if !codeForm.MatchString(code) {
		code = ""
	}
	m, known := meanings[code]
	switch {
	case !known && said.Type != "":
		m = unknown(string(said.Type), code)
	case !known:
		m = unexplained(status)
	}
	m = m.at(path, said)
	f := &fault.Error{Kind: m.kind, Msg: m.words(code), After: m.after, Ref: said.ref()}
	return &refused{
		fault:  f,
		undone: (said.Type != "" || code != "") && said.Type != "API_ERROR" && status < http.StatusInternalServerError,
		final:  m.effect == mutated || m.after > patience,
		code:   code, effect: m.effect,
	}
}

// words returns what m says. Where one text serves many codes, whoever looks into it is told which it was.
func (m meaning) words(code string) string {
	if code != "" && (m.kind == fault.RateLimited || m.kind == fault.Invalid) {
		return m.says + " (" + code + ")"
	}
	return m.says
}

// at refines a meaning by where it was said, and by the reason.
func (m meaning) at(path string, said complaint) meaning {
	if words, ok := reasons[string(said.Reason)]; ok && m.kind == fault.Reconnect && m.effect == nothing {
		m.says = words
	}
	switch {
	case path == pathSync && said.Code == codeField && strings.Contains(strings.ToLower(string(said.Message)), "cursor"):
		m.effect, m.says = cursor, "Plaid does not take the place where the last sync ended: the transactions are read again from the beginning"
	case m.product && addOn(path):
		m.kind, m.effect, m.after = fault.Forbidden, unsupported, 0
	}
	return m
}

// addOn reports whether path reads a product beside accounts and transactions, whose failures must not end theirs.
func addOn(path string) bool {
	switch path {
	case pathRefresh, pathRecurring, pathLiabilities, pathHoldings, pathInvestments, pathStatements, pathDownload:
		return true
	default:
		return false
	}
}

// unexplained is what an answer without Plaid's code means: a gateway's, or something that is not Plaid.
func unexplained(status int) meaning {
	switch {
	case status == http.StatusTooManyRequests:
		return throttled
	case status == http.StatusNotFound:
		return meaning{kind: fault.Invalid, says: "Plaid has no such address: check PLAID_ENVIRONMENT and PLAID_API_URL"}
	case status >= 500:
		return meaning{kind: fault.Unavailable, says: fmt.Sprintf("Plaid is out of order at the moment (status %d)", status)}
	default:
		return meaning{kind: fault.Unavailable, says: fmt.Sprintf("Plaid gave no proper answer (status %d)", status)}
	}
}

// unreadable is an answer of status 200 that breaks off or isn't what it should be.
func unreadable(msg string) *refused {
	return &refused{fault: fault.New(fault.Unavailable, msg)}
}

// retryAfter reads the header in both its forms; zero: there is none, as Plaid sends none, but gateways may. A day is the
// most it believes.
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

// broken is the refusal of a call that the network ended.
func broken(ctx context.Context, err error) *refused {
	return &refused{unsent: ctx.Err() == nil && httpclient.Unreachable(err) != "", fault: httpclient.Broken(ctx, "Plaid", err)}
}
