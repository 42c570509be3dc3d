package quickbooks

import (
	"encoding/json"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// answer reads the answer to a query or to change data capture as a stream, one object at a time:
//
//	{"QueryResponse":{"Invoice":[{…},{…}],"startPosition":1,"maxResults":2},"time":"…"}
//	{"CDCResponse":[{"QueryResponse":[{"Invoice":[…]},{"Bill":[…]}]}],"time":"…"}
//
// Keys come in any order and unknown ones are skipped; the rows are the array in a QueryResponse.
// A Fault may stand at any level, before or after rows.
type answer struct {
	d      *jsontext.Decoder
	each   func(name string, raw []byte) error // nil: rows are skipped
	single bool                                // the answer to a read: {"Invoice":{…},"time":"…"}

	found   bool // there was a QueryResponse object
	cdc     bool // there was a CDCResponse array
	rows    int
	total   int // totalCount, or -1
	largest int // bytes of the largest object
	time    time.Time
}

// keep is the largest object after which a decoder's buffer is used again: a rare giant is not worth its memory.
const keep = 1 << 20

// scan reads body to the end of its JSON value. What is wrong with it is a *refused; what each
// returned is marked as final.
func (c *Client) scan(body io.Reader, a *answer) error {
	d, ok := c.decoders.Get().(*jsontext.Decoder)
	if !ok {
		d = new(jsontext.Decoder)
	}
	// A record with a wrong name or byte is judged by whoever stores it: the others must pass.
	d.Reset(body, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	a.d, a.total = d, -1
	err := a.level()
	if a.largest <= keep {
		c.decoders.Put(d)
	}
	return err
}

// level reads one object of the envelope.
func (a *answer) level() error {
	return a.members(func(name string) error {
		switch name {
		case "QueryResponse":
			return a.groups()
		case "CDCResponse":
			a.cdc = a.cdc || a.d.PeekKind() == '['
			return a.elements(a.level)
		case "Fault", "fault":
			return a.fault()
		case "time":
			return a.clock()
		default:
			if a.single && a.d.PeekKind() == '{' {
				return a.row(name)
			}
			return a.skip()
		}
	})
}

// groups reads a QueryResponse: one group of rows, or an array of them.
func (a *answer) groups() error {
	if a.d.PeekKind() == '[' {
		return a.elements(a.group)
	}
	if a.d.PeekKind() != '{' {
		return a.skip()
	}
	a.found = true
	return a.group()
}

func (a *answer) group() error {
	return a.members(func(name string) error {
		switch {
		case name == "Fault" || name == "fault":
			return a.fault()
		case a.d.PeekKind() == '[' && a.each != nil:
			return a.elements(func() error { return a.row(name) })
		case name == "totalCount" && a.d.PeekKind() == '0':
			return a.count()
		default:
			return a.skip()
		}
	})
}

func (a *answer) row(name string) error {
	raw, err := a.d.ReadValue()
	if err != nil {
		return malformed()
	}
	a.rows++ // whatever it is: a full page must count as one
	a.largest = max(a.largest, len(raw))
	if err := a.each(name, raw); err != nil {
		return httpclient.Final(err)
	}
	return nil
}

func (a *answer) fault() error {
	raw, err := a.d.ReadValue()
	if err != nil {
		return malformed()
	}
	if raw.Kind() == 'n' { // the gateway writes all its keys
		return nil
	}
	var f faultBody
	json.Unmarshal(raw, &f) //nolint:errcheck // best effort
	return judge(200, f.complaint())
}

func (a *answer) clock() error {
	if a.d.PeekKind() != '"' {
		return a.skip()
	}
	t, err := a.d.ReadToken()
	if err != nil {
		return malformed()
	}
	a.time, _ = time.Parse(time.RFC3339, t.String()) // takes a fraction of any length
	return nil
}

func (a *answer) count() error {
	t, err := a.d.ReadToken()
	if err != nil {
		return malformed()
	}
	if n, err := t.Int(); err == nil && n >= 0 {
		a.total = int(n)
	}
	return nil
}

// members calls read for each member of the object that follows; read consumes the member's value.
// Another value than an object makes the answer unreadable.
func (a *answer) members(read func(name string) error) error {
	if t, err := a.d.ReadToken(); err != nil || t.Kind() != '{' {
		return malformed()
	}
	for a.d.PeekKind() != '}' {
		name, err := a.d.ReadToken()
		if err != nil {
			return malformed()
		}
		if err := read(name.String()); err != nil {
			return err
		}
	}
	return a.end()
}

// elements calls read for each element of the array that follows; another value is skipped.
func (a *answer) elements(read func() error) error {
	if a.d.PeekKind() != '[' {
		return a.skip()
	}
	if _, err := a.d.ReadToken(); err != nil {
		return malformed()
	}
	for a.d.PeekKind() != ']' {
		if err := read(); err != nil {
			return err
		}
	}
	return a.end()
}

func (a *answer) end() error {
	if _, err := a.d.ReadToken(); err != nil {
		return malformed()
	}
	return nil
}

func (a *answer) skip() error {
	if err := a.d.SkipValue(); err != nil {
		return malformed()
	}
	return nil
}

// malformed says what is wrong with an answer without the decoder's words, which quote it.
func malformed() error {
	return unreadable("QuickBooks sent an answer that breaks off or is not JSON")
}
