package plaidsim

import (
	"net/http"
	"slices"
	"sync"
)

// What Fail can do beside Plaid's error codes.
const (
	HTML502   = "HTML502"   // a gateway's page; nothing is carried out
	Cut       = "CUT"       // the connection is cut; nothing is carried out
	Lost      = "LOST"      // carried out, and the connection is cut before the answer
	Truncated = "TRUNCATED" // carried out; the answer stops half way
	Empty     = "EMPTY"     // carried out; 200 with nothing in it
)

const html502 = `<html>
<head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center></body>
</html>
`

// fault makes calls of one endpoint go wrong.
type fault struct {
	path string // "": any
	left int    // calls that it still meets; -1: all
	code string
}

type faults struct {
	mu   sync.Mutex
	list []*fault
}

// Fail makes the next n calls of an endpoint fail with an error code of Plaid's (the status and the
// words follow from it, such as 429 from TRANSACTIONS_SYNC_LIMIT) or in one of the ways above. Path ""
// is any endpoint; n < 0: until remove is called, which may be at any time. Of several that fit a call
// the oldest is used.
func (s *Server) Fail(path string, n int, code string) (remove func()) {
	f := &fault{path: path, left: n, code: code}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if n != 0 {
		s.faults.list = append(s.faults.list, f)
	}
	return func() {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		s.faults.list = slices.DeleteFunc(s.faults.list, func(x *fault) bool { return x == f })
	}
}

// take gives what a call meets, "" for nothing.
func (f *faults) take(path string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, x := range f.list {
		if x.path != "" && x.path != path {
			continue
		}
		if x.left--; x.left == 0 {
			f.list = slices.Delete(f.list, i, i+1)
		}
		return x.code
	}
	return ""
}

// failBefore answers a call that is not carried out; false: it is.
func (s *Server) failBefore(w http.ResponseWriter, r *http.Request, code string) bool {
	switch code {
	case "", Lost, Truncated, Empty:
		return false
	}
	s.mu.Lock()
	s.stats.Calls[r.URL.Path]++
	s.stats.Refused[code]++
	s.mu.Unlock()
	switch code {
	case Cut:
		panic(http.ErrAbortHandler)
	case HTML502:
		w.Header().Set("Content-Type", "text/html")
		send(w, http.StatusBadGateway, []byte(html502))
	default:
		s.mu.Lock()
		status, body := s.print(nil, w.Header(), nil, failure(code))
		s.mu.Unlock()
		send(w, status, body)
	}
	return true
}

// spoil damages what a call that was carried out is answered with.
func (s *Server) spoil(code string, body []byte) []byte {
	if code == "" {
		return body
	}
	s.mu.Lock()
	s.stats.Refused[code]++
	s.mu.Unlock()
	switch code {
	case Lost:
		panic(http.ErrAbortHandler)
	case Truncated:
		return body[:len(body)/2]
	}
	return nil
}
