package quickbooks

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// reply is one answer of a script.
type reply struct {
	status int
	body   string
	header http.Header
	err    error // of the network, instead of an answer
	cut    bool  // the connection breaks after body
	hang   bool  // no answer ever
}

// script answers calls in order, in memory; the last reply repeats.
type script struct {
	replies []reply
	mu      sync.Mutex
	seen    []seenRequest
}

type seenRequest struct{ method, path, statement, token, accept, minor, contentType string }

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	rep := s.replies[min(len(s.seen), len(s.replies)-1)]
	q := r.URL.Query()
	seen := seenRequest{r.Method, r.URL.Path, q.Get("query"), r.Header.Get("Authorization"), r.Header.Get("Accept"), q.Get("minorversion"), r.Header.Get("Content-Type")}
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		seen.statement = string(b)
	}
	s.seen = append(s.seen, seen)
	s.mu.Unlock()
	if rep.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if rep.err != nil {
		return nil, rep.err
	}
	h := rep.header.Clone()
	if h == nil {
		h = make(http.Header)
	}
	h.Set("intuit_tid", "1-69f9b317-3a5dcdfb")
	body := io.Reader(strings.NewReader(rep.body))
	if rep.cut {
		body = io.MultiReader(body, failing{})
	}
	return &http.Response{StatusCode: rep.status, Header: h, Body: io.NopCloser(body), Request: r}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

const marker = "SECRET-TOKEN-MARKER"

// tokens hands out one token, and another after Renew.
type tokens struct {
	renewed int
	err     error
}

func (t *tokens) Access(context.Context) (string, error) {
	return marker + strings.Repeat("+", t.renewed), t.err
}

func (t *tokens) Renew(_ context.Context, rejected string) (string, error) {
	if rejected != marker+strings.Repeat("+", t.renewed) {
		return "", fault.New(fault.Internal, "asked to renew another token")
	}
	t.renewed++
	return t.Access(context.Background())
}

// scripted returns a client that gets replies, the script, and the calls that it is told of.
func scripted(t *testing.T, replies ...reply) (*Client, *script, *[]Call) {
	t.Helper()
	s := &script{replies: replies}
	calls := new([]Call)
	return New(Options{
		API: "https://api.example", Realm: "9130", HTTP: &http.Client{Transport: s, Timeout: 125 * time.Second},
		Tokens: &tokens{}, Retry: httpclient.Policy{MaxRetries: 3},
		Observe: func(c Call) { *calls = append(*calls, c) },
	}), s, calls
}

func ok(body string) reply { return reply{status: 200, body: body} }

// collect returns an each that keeps what it gets.
func collect(into *[]string) func([]byte) error {
	return func(raw []byte) error { *into = append(*into, string(raw)); return nil }
}
