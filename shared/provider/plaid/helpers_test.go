package plaid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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

type seenRequest struct {
	method, path, body string
	header             http.Header
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	rep := s.replies[min(len(s.seen), len(s.replies)-1)]
	sent, _ := io.ReadAll(r.Body)
	s.seen = append(s.seen, seenRequest{r.Method, r.URL.Path, string(sent), r.Header})
	s.mu.Unlock()
	if rep.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if rep.err != nil {
		return nil, rep.err
	}
	header := rep.header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	body := io.Reader(strings.NewReader(rep.body))
	if rep.cut {
		body = io.MultiReader(body, failing{})
	}
	return &http.Response{StatusCode: rep.status, Header: header, Body: io.NopCloser(body), Request: r}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// marker is in all that is secret, and quoted in what Plaid says of people: no error may show either.
const (
	marker = "SECRET-TOKEN-MARKER"
	quoted = "Jane Smith owes"
)

// tokens gives one access token.
type tokens struct{ err error }

func (t tokens) Access(context.Context) (string, error) { return "access-" + marker, t.err }

// scripted returns a client that gets replies, the script, and the calls that it is told of.
func scripted(t *testing.T, replies ...reply) (*Client, *script, *[]Call) {
	t.Helper()
	s := &script{replies: replies}
	calls := new([]Call)
	return New(Options{
		API: "https://api.example/", ClientID: "client-7", Secret: "secret-" + marker,
		HTTP: &http.Client{Transport: s, Timeout: 125 * time.Second}, Retry: httpclient.Policy{MaxRetries: 3},
		Observe: func(c Call) { *calls = append(*calls, c) },
	}), s, calls
}

// answering returns an Item all of whose calls are answered by body.
func answering(t *testing.T, body string) *Item {
	t.Helper()
	c, _, _ := scripted(t, ok(body))
	return c.Item("item-1", tokens{})
}

func ok(body string) reply { return reply{status: 200, body: body} }

// said is an error as Plaid writes it, with words that nobody may see.
func said(kind, code string) string {
	return fmt.Sprintf(`{"error_type":%q,"error_code":%q,"error_message":%q,"display_message":%q,"request_id":"HNTDNrA8F1shFEW"}`,
		kind, code, quoted+" access-"+marker, quoted)
}

// leaks fails the test when err shows a token, an address, or what Plaid wrote.
func leaks(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, s := range []string{e.Error(), fmt.Sprintf("%v %+v %#v", e, e, e)} {
			for _, bad := range []string{marker, quoted, "api.example", "html", "error_message"} {
				if strings.Contains(s, bad) {
					t.Errorf("%q shows %q", s, bad)
				}
			}
		}
	}
}

// fixture returns a real body of Plaid's: they are not part of this repository.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(fixtures(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// fixtures returns the folder of what was recorded, and skips the test where there is none.
func fixtures(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("COUNTINGHOUSE_FIXTURES")
	if dir == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("COUNTINGHOUSE_FIXTURES is not set: in CI the recordings are required")
		}
		t.Skip("COUNTINGHOUSE_FIXTURES is not set: it names a folder with plaid/*.json, real answers of Plaid")
	}
	return filepath.Join(dir, "plaid")
}

// documents returns the bodies of all fixtures whose names fit pattern, by name.
func documents(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	all := make(map[string][]byte)
	for _, folder := range []string{"", "more"} {
		files, err := filepath.Glob(filepath.Join(fixtures(t), folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Base(file)] = body
		}
	}
	return all
}

// recordings adds real bodies to a fuzz test, where there are any.
func recordings(f *testing.F, pattern string, add func([]byte)) {
	f.Helper()
	if os.Getenv("COUNTINGHOUSE_FIXTURES") == "" {
		return
	}
	for _, body := range documents(f, pattern) {
		add(body)
	}
}

// written returns raw messages as texts, for comparing.
func written(all []json.RawMessage) []string {
	out := make([]string, len(all))
	for i, raw := range all {
		out[i] = string(raw)
	}
	return out
}
