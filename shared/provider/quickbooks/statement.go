package quickbooks

import (
	"fmt"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Range is a stretch of time with both its ends in it. Zero ends are open; fractions of a second
// are cut off, because QuickBooks keeps none.
type Range struct{ From, To time.Time }

// Query asks for the objects of one entity that fit all its conditions.
type Query struct {
	Entity    string   // as in the catalog: Invoice, CreditCardPayment
	Updated   Range    // MetaData.LastUpdatedTime
	IDs       []string // only these; many of them travel in the body
	Inactive  bool     // also what was made inactive: for entities with Active only, others refuse it
	Start     int      // position of the first row, from 1; 0: 1
	Max       int      // rows at most, 1 to 1000; 0: 1000
	Unordered bool     // in QuickBooks' own order instead of the oldest change first: for entities without MetaData

	// Attempt is called before each attempt at the page: what each was given before comes again. May be nil.
	Attempt func()
}

// maxRows is the largest page there is. Source: Intuit, Query operations and syntax.
const maxRows = 1000

// check refuses what can't be put into a statement.
func (q Query) check() error {
	letter := func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' }
	if q.Entity == "" || strings.ContainsFunc(q.Entity, letter) {
		return fault.New(fault.Invalid, fmt.Sprintf("QuickBooks has no entity %q", q.Entity))
	}
	if q.Start < 0 || q.Max < 0 || q.Max > maxRows {
		return fault.New(fault.Invalid, fmt.Sprintf("a QuickBooks page of %d rows from row %d: rows count from 1, %d at most", q.Max, q.Start, maxRows))
	}
	return nil
}

// statement returns the query for a page of limit rows:
//
//	SELECT * FROM Invoice WHERE … ORDERBY MetaData.LastUpdatedTime ASC STARTPOSITION 1 MAXRESULTS 1000
//
// The order is said always: without it transactions come newest first, and a change shifts all pages.
// Source: Intuit, Query operations and syntax.
func (q Query) statement(limit int) string {
	var b strings.Builder
	q.from(&b, "*")
	if !q.Unordered {
		b.WriteString(" ORDERBY MetaData.LastUpdatedTime ASC")
	}
	fmt.Fprintf(&b, " STARTPOSITION %d MAXRESULTS %d", max(q.Start, 1), limit)
	return b.String()
}

func (q Query) countStatement() string {
	var b strings.Builder
	q.from(&b, "COUNT(*)")
	return b.String()
}

func (q Query) from(b *strings.Builder, columns string) {
	b.WriteString("SELECT " + columns + " FROM " + queryName(q.Entity))
	word := " WHERE "
	and := func(parts ...string) {
		b.WriteString(word)
		for _, p := range parts {
			b.WriteString(p)
		}
		word = " AND "
	}
	if len(q.IDs) > 0 {
		and("Id IN (")
		for i, id := range q.IDs {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(id))
		}
		b.WriteString(")")
	}
	if !q.Updated.From.IsZero() {
		and("MetaData.LastUpdatedTime >= ", quote(stamp(q.Updated.From)))
	}
	if !q.Updated.To.IsZero() {
		and("MetaData.LastUpdatedTime <= ", quote(stamp(q.Updated.To)))
	}
	if q.Inactive {
		and("Active IN (true, false)")
	}
}

// quote writes a text as the query language wants it.
func quote(s string) string {
	s = strings.ReplaceAll(s, `\`, `\\`)
	return "'" + strings.ReplaceAll(s, `'`, `\'`) + "'"
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// One entity is written in two ways: creditcardpayment in queries and addresses, and
// CreditCardPaymentTxn in answers. Here it is CreditCardPayment. Source: Intuit, CreditCardPayment.
const (
	creditCardPayment    = "CreditCardPayment"
	creditCardPaymentTxn = "CreditCardPaymentTxn"
)

func queryName(entity string) string {
	if entity == creditCardPayment || entity == creditCardPaymentTxn {
		return "creditcardpayment"
	}
	return entity
}

func entityName(key string) string {
	if key == creditCardPaymentTxn {
		return creditCardPayment
	}
	return key
}
