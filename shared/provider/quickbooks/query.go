package quickbooks

import (
	"context"
	"io"
	"net/url"
	"sync"
	"time"
)

// Page tells what a Query gave.
type Page struct {
	Rows int       // of the answer that succeeded
	Max  int       // rows asked for in the end: fewer than Query.Max when QuickBooks was too slow for more
	Time time.Time // QuickBooks' clock when it began the answer; zero if it didn't say (TaxClassification)
}

// Full reports whether the page is full, so that there may be another one.
func (p Page) Full() bool { return p.Rows >= p.Max }

// Query reads one page of objects and gives each to each, as it comes in.
//
//	GET /v3/company/{realm}/query?query=SELECT…&minorversion=75, a long statement by POST as application/text
//
// Shape: raw is the object's bytes exactly as they were sent. They are valid only during the call of
// each. Which keys a row has depends on the row. A byte that is not UTF-8 or a name that stands twice in an
// object is passed on.
// Units: amounts are JSON numbers in major units; times are RFC 3339, to the second.
// Limits: 1000 rows a page. Memory is that of the largest object, whatever the page.
//
// At least once: when an answer breaks off and is asked for again, objects that were already given
// come again, after a call of Query.Attempt. After a time-out the page is asked for with fewer rows (1000, 500, 100), and so are
// later ones until several have come in time: go on at Start + Page.Rows while Page.Full.
//
// Errors: see [Client]; a fault after some rows is an error of the page. What each returns ends the
// page, is not tried again, and is returned as it is.
// Source: Intuit, Query operations and syntax.
func (c *Client) Query(ctx context.Context, q Query, each func(raw []byte) error) (Page, error) {
	if err := q.check(); err != nil {
		return Page{}, err
	}
	if q.Max == 0 {
		q.Max = maxRows
	}
	var page Page
	err := c.call(ctx, func() request {
		if q.Attempt != nil {
			q.Attempt()
		}
		page = Page{Max: c.pages.fit(q.Max)}
		return ask("query", q.statement(page.Max), page.Max)
	}, func(body io.Reader) error {
		a := answer{each: func(_ string, raw []byte) error { return each(raw) }}
		if err := c.scanQuery(body, &a); err != nil {
			return err
		}
		page.Rows, page.Time = a.rows, a.time
		return nil
	})
	if err != nil {
		return Page{}, err
	}
	c.pages.grow(page.Max)
	return page, nil
}

// Count returns how many objects fit q's conditions; Start, Max and Unordered say nothing here.
//
//	SELECT COUNT(*) FROM Invoice WHERE … → {"QueryResponse":{"totalCount":41},"time":"…"}
//
// Limits: it is metered like a page.
// Errors: see [Client]. Source: Intuit, Query operations and syntax.
func (c *Client) Count(ctx context.Context, q Query) (int, error) {
	q.Start, q.Max = 0, 0
	if err := q.check(); err != nil {
		return 0, err
	}
	var n int
	err := c.call(ctx, func() request {
		return ask("count", q.countStatement(), 0)
	}, func(body io.Reader) error {
		var a answer
		if err := c.scanQuery(body, &a); err != nil {
			return err
		}
		if a.total < 0 {
			return unreadable("QuickBooks sent a count without a number")
		}
		n = a.total
		return nil
	})
	return n, err
}

// scanQuery reads the answer to a statement. One without a QueryResponse is not an empty page.
func (c *Client) scanQuery(body io.Reader, a *answer) error {
	if err := c.scan(body, a); err != nil {
		return err
	}
	if !a.found {
		return unreadable("QuickBooks sent an answer without a QueryResponse")
	}
	return nil
}

// ask is the request for a statement. Addresses longer than 2,000 bytes are refused by some
// machine on the way.
func ask(kind, statement string, rows int) request {
	if len(url.QueryEscape(statement)) > 2000 {
		return request{kind: kind, path: "query", body: statement, max: rows}
	}
	return request{kind: kind, path: "query", params: url.Values{"query": {statement}}, max: rows}
}

// pageSize is how many rows QuickBooks manages within its 120 s. The zero value is the largest.
type pageSize struct {
	mu     sync.Mutex
	step   int // index into sizes
	inTime int // pages of this size in time since the last change
}

func (p *pageSize) sizes() [3]int { return [...]int{maxRows, 500, 100} }

// patience is how many pages of a smaller size come in time before a larger one is tried.
const patience = 10

// fit returns how many rows to ask for where limit are wanted.
func (p *pageSize) fit(limit int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(limit, p.sizes()[p.step])
}

// shrink goes down to the first size below rows, which took too long.
func (p *pageSize) shrink(rows int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.step < len(p.sizes())-1 && p.sizes()[p.step] >= rows {
		p.step++
	}
	p.inTime = 0
}

// grow takes note of a page of rows that came in time.
func (p *pageSize) grow(rows int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.step == 0 || rows < p.sizes()[p.step] {
		return
	}
	if p.inTime++; p.inTime >= patience {
		p.step, p.inTime = p.step-1, 0
	}
}
