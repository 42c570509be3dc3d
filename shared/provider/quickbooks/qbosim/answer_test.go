package qbosim_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// piecewise is a response that keeps what it gets, and does something when the first of it arrives.
type piecewise struct {
	header  http.Header
	body    bytes.Buffer
	first   int // bytes of the first piece
	largest int
	arrived func()
}

func (p *piecewise) Header() http.Header { return p.header }
func (p *piecewise) WriteHeader(int)     {}
func (p *piecewise) Write(b []byte) (int, error) {
	p.body.Write(b)
	p.largest = max(p.largest, len(b))
	if p.first == 0 && len(b) > 0 {
		p.first = len(b)
		p.arrived()
	}
	return len(b), nil
}

// TestAnswersArePrintedInPieces: the first rows leave before the last ones are printed, so a page of
// any size needs little memory. An item that is renamed when they arrive has its old name in the
// first piece and its new one in all that follow.
func TestAnswersArePrintedInPieces(t *testing.T) {
	t.Parallel()
	const most = 128 << 10
	for name, path := range map[string]string{
		"query": "query?query=" + url.QueryEscape(anyQuery+" MAXRESULTS 1000"),
		"CDC":   "cdc?entities=Invoice&changedSince=2015-01-01",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1000, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.OldChanges = true })
			p := &piecewise{header: http.Header{}}
			p.arrived = func() { w.update("Item", `{"Id":"1","sparse":true,"Name":"Labour"}`) }
			r := pageRequest(w.tokens.Access, "")
			var err error
			if r.URL, err = url.Parse("/v3/company/" + realm + "/" + path); err != nil {
				t.Fatal(err)
			}
			w.sim.ServeHTTP(p, r)
			body := p.body.Bytes()
			if !json.Valid(body) || len(body) < 1<<20 || bytes.Count(body, []byte(`"AllowIPNPayment"`)) != 1000 {
				t.Fatalf("%d bytes, want a thousand invoices", len(body))
			}
			if p.largest > most {
				t.Errorf("a piece of %d bytes, want at most %d", p.largest, most)
			}
			was, is := []byte(`"name":"Hours"`), []byte(`"name":"Labour"`)
			first, rest := body[:p.first], body[p.first:]
			if !bytes.Contains(first, was) || bytes.Contains(first, is) || bytes.Contains(rest, was) || !bytes.Contains(rest, is) {
				t.Errorf("all was printed before the first %d bytes left", p.first)
			}
		})
	}
}
