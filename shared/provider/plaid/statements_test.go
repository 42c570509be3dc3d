package plaid

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/countinghouse/countinghouse/shared/fault"
)

const pdf = "%PDF-1.7\nthe statement of somebody\x00\xff"

// sealed is an answer that holds body, and the hash of file.
func sealed(body, file string) reply {
	sum := sha256.Sum256([]byte(file))
	return reply{status: 200, body: body, header: http.Header{"Plaid-Content-Hash": {hex.EncodeToString(sum[:])}}}
}

// TestStatement: the file is written as it is, or the call fails; nothing is ever written twice.
func TestStatement(t *testing.T) {
	good := sealed(pdf, pdf)
	upper := sealed(pdf, pdf)
	upper.header = http.Header{"Plaid-Content-Hash": {strings.ToUpper(good.header.Get("Plaid-Content-Hash"))}}
	cut := sealed(pdf[:9], pdf)
	cut.cut = true
	lost := sealed("", pdf)
	lost.cut = true
	for _, tt := range []struct {
		name    string
		give    []reply
		kind    fault.Kind
		written string
		sent    int
	}{
		{"good", []reply{good}, "", pdf, 1},
		{"a hash in capitals", []reply{upper}, "", pdf, 1},
		{"an empty file", []reply{sealed("", "")}, "", "", 1},
		{"another file", []reply{sealed(pdf+" ", pdf), good}, fault.Unavailable, pdf + " ", 1},
		{"no hash", []reply{ok(pdf), good}, fault.Unavailable, pdf, 1},
		{"a hash that is none", []reply{{status: 200, body: pdf, header: http.Header{"Plaid-Content-Hash": {"yes"}}}}, fault.Unavailable, pdf, 1},
		{"it breaks off", []reply{cut, good}, fault.Unavailable, pdf[:9], 1},
		{"it breaks off before it begins", []reply{lost, good}, "", pdf, 2},
		{"Plaid is down at first", []reply{{status: 503}, good}, "", pdf, 2},
		{"no such statement", []reply{{status: 400, body: said("INVALID_REQUEST", "INVALID_FIELD")}}, fault.Invalid, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s, _ := scripted(t, tt.give...)
				var file bytes.Buffer
				d, err := c.Item("item-1", tokens{}).Statement(t.Context(), "s1", &file)
				if fault.Of(err) != tt.kind || file.String() != tt.written || len(s.seen) != tt.sent {
					t.Errorf("%v, wrote %q, sent %d times", err, file.String(), len(s.seen))
				}
				sum := sha256.Sum256(file.Bytes())
				want := Download{hex.EncodeToString(sum[:]), int64(file.Len())}
				if err == nil && d != want || err != nil && d != (Download{}) {
					t.Errorf("%+v, want %+v", d, want)
				}
				leaks(t, err)
			})
		})
	}
}

// TestStatementsSink: what the caller's writer fails with comes back as it is, and Plaid is not asked again.
func TestStatementsSink(t *testing.T) {
	mine := fault.New(fault.Unavailable, "the disk is full")
	for name, to := range map[string]io.Writer{"a failure": full{mine}, "a short write": full{nil}} {
		c, s, _ := scripted(t, sealed(pdf, pdf))
		_, err := c.Item("item-1", tokens{}).Statement(t.Context(), "s1", to)
		if len(s.seen) != 1 || !errors.Is(err, mine) && !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v after %d calls", name, err, len(s.seen))
		}
	}
}

type full struct{ err error }

func (f full) Write(p []byte) (int, error) { return len(p) - 1, f.err }

func TestLargeStatement(t *testing.T) {
	c, s, _ := scripted(t, sealed(strings.Repeat("x", MaxStatement+1), ""))
	_, err := c.Item("item-1", tokens{}).Statement(t.Context(), "s1", io.Discard)
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "larger than 64 MiB") || len(s.seen) != 1 {
		t.Errorf("%v after %d calls", err, len(s.seen))
	}
}
