package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// FuzzQueryAnswer: an answer to a query is rows in their order, or an error, however it comes in, and
// costs memory in proportion to its size.
func FuzzQueryAnswer(f *testing.F) {
	recordings(f, "*query*.json", func(body []byte) { f.Add(body, byte(7)) })
	f.Fuzz(func(t *testing.T, body []byte, piece byte) {
		judgeAnswer(t, body, piece, func(c *Client, each func(string, []byte) error) (rows int, err error) {
			page, err := c.Query(t.Context(), Query{Entity: "Bill"}, func(raw []byte) error { return each("", raw) })
			return page.Rows, err
		})
	})
}

// FuzzChangesAnswer does the same for change data capture.
func FuzzChangesAnswer(f *testing.F) {
	recordings(f, "*cdc*.json", func(body []byte) { f.Add(body, byte(7)) })
	f.Fuzz(func(t *testing.T, body []byte, piece byte) {
		judgeAnswer(t, body, piece, func(c *Client, each func(string, []byte) error) (rows int, err error) {
			ch, err := c.Changes(t.Context(), []string{"Bill"}, time.Now(), each)
			return ch.Rows, err
		})
	})
}

// answered is what a caller gets to see of an answer.
type answered struct {
	Names, Rows []string
	Count       int
	Err         string
}

// judgeAnswer has an answer read as a whole and in pieces, and checks what the caller gets.
func judgeAnswer(t *testing.T, body []byte, piece byte, call func(*Client, func(string, []byte) error) (int, error)) {
	t.Helper()
	wantMemory(t, 32<<10+perByte*len(body), func() {
		call(answering(body, 0), func(string, []byte) error { return nil })
	})
	whole := read(t, answering(body, 0), call)
	if diff := cmp.Diff(whole, read(t, answering(body, int(piece)+1), call)); diff != "" {
		t.Errorf("in pieces of %d (-whole +pieces):\n%s", int(piece)+1, diff)
	}
	rest := body
	for _, raw := range whole.Rows {
		at := bytes.Index(rest, []byte(raw))
		if at < 0 || !json.Valid([]byte(raw)) {
			t.Fatalf("row %q is not the next piece of the answer", raw)
		}
		rest = rest[at+len(raw):]
	}
	if whole.Err != "" {
		return
	}
	if whole.Count != len(whole.Rows) {
		t.Errorf("%d rows counted, %d given", whole.Count, len(whole.Rows))
	}
	var value json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&value); err != nil {
		t.Errorf("taken for an answer although it is not JSON: %v", err)
	}
}

func read(t *testing.T, c *Client, call func(*Client, func(string, []byte) error) (int, error)) (a answered) {
	t.Helper()
	var err error
	a.Count, err = call(c, func(name string, raw []byte) error {
		a.Names, a.Rows = append(a.Names, name), append(a.Rows, string(raw))
		return nil
	})
	if err == nil {
		return a
	}
	a.Err = err.Error()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal || f.Kind == fault.Stopped || a.Count != 0 {
		t.Errorf("%d rows, %v", a.Count, err)
	}
	return a
}

// answering returns a client all of whose calls are answered by body, in pieces of that many bytes.
func answering(body []byte, piece int) *Client {
	return New(Options{
		API: "https://api.example", Realm: "9130", Tokens: oneToken{}, Retry: httpclient.Policy{RateWaits: -1},
		HTTP: &http.Client{Transport: canned{body, piece}},
	})
}

type canned struct {
	body  []byte
	piece int
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.Reader(bytes.NewReader(c.body))
	if c.piece > 0 {
		body = pieces{body, c.piece}
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
}

// pieces hands over a few bytes at a time.
type pieces struct {
	io.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }

// oneToken is never renewed, so that no answer is asked for twice.
type oneToken struct{}

func (oneToken) Access(context.Context) (string, error) { return "token", nil }

func (oneToken) Renew(context.Context, string) (string, error) {
	return "", fault.New(fault.Reconnect, "there is no other token")
}

// perByte is how many bytes an answer may make for each byte of it, most of them not at the same time.
// A name that is no text, at which the answer breaks off, makes 53, in the decoder's words for that;
// what is not absurd makes less than 8.
const perByte = 64

// wantMemory checks that f makes no more than that many bytes, whether they stay or not. What else
// the program is doing counts as well, so that f may try again.
func wantMemory(t *testing.T, most int, f func()) {
	t.Helper()
	var made uint64
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if made = after.TotalAlloc - before.TotalAlloc; made <= uint64(most) {
			return
		}
	}
	t.Errorf("%d bytes are made, want %d at most", made, most)
}

// TestAnswersMemory: what fuzzing does not reach, large answers of shapes that none should have.
func TestAnswersMemory(t *testing.T) {
	const size = 1 << 20
	many := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	for name, body := range map[string]string{
		"one giant row":          `{"QueryResponse":{"Bill":[{"Id":"` + many("x") + `"}]}}`,
		"many small rows":        `{"QueryResponse":{"Bill":[` + many("0,") + `0]}}`,
		"many names":             `{"QueryResponse":{` + many(`"abcdef":0,`) + `"":0}}`,
		"one giant name":         `{"QueryResponse":{"` + many("x") + `":0}}`,
		"many groups":            `{"CDCResponse":[{"QueryResponse":[` + many(`{"Bill":[]},`) + `{}]}]}`,
		"a giant that is passed": `{"x":"` + many("x") + `","QueryResponse":{}}`,
		"a deep one":             `{"QueryResponse":{"Bill":` + many("[") + `}}`,
		"a giant fault":          `{"Fault":{"Error":[` + many(`{"code":"1"},`) + `{}]}}`,
		"a giant time":           `{"time":"` + many("2") + `","QueryResponse":{}}`,
		"it breaks off":          `{"QueryResponse":{"Bill":[{"` + many("x"),
		"a name that is no text": `{"":"0","` + many("\x91"),
	} {
		t.Run(name, func(t *testing.T) {
			wantMemory(t, perByte*len(body), func() {
				answering([]byte(body), 0).Query(t.Context(), Query{Entity: "Bill"}, func([]byte) error { return nil })
			})
			wantMemory(t, perByte*len(body), func() {
				answering([]byte(body), 0).Changes(t.Context(), []string{"Bill"}, time.Now(), func(string, []byte) error { return nil })
			})
		})
	}
}

// recordings adds real bodies, where there are any: they are not part of this repository.
func recordings(f *testing.F, pattern string, add func([]byte)) {
	f.Helper()
	dir := os.Getenv("COUNTINGHOUSE_FIXTURES")
	if dir == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "quickbooks", pattern))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(body)
	}
}
