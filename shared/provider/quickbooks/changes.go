package quickbooks

import (
	"context"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

const (
	// MaxChanges is how many objects an answer of change data capture holds at most, over all its entities.
	MaxChanges = 1000
	// MaxChangesAge is how far change data capture looks back.
	MaxChangesAge = 30 * 24 * time.Hour
)

// Changes tells what a call of Client.Changes gave.
type Changes struct {
	Rows int       // objects and tombstones; MaxChanges or more: there may be others that were left out
	Time time.Time // QuickBooks' clock when it began the answer
}

// Cut reports whether changes may have been left out: nothing in the answer says so.
func (c Changes) Cut() bool { return c.Rows >= MaxChanges }

// Changes gives to each what changed in entities at or after since, entity by entity, oldest first.
//
//	GET /v3/company/{realm}/cdc?entities=Invoice,Bill&changedSince=2026-01-31T00:00:00Z
//
// Shape: raw objects like those of Query, valid only during the call of each. A deleted one comes
// after the living and has only domain, status "Deleted", Id and MetaData.LastUpdatedTime.
// Limits: MaxChanges objects for all entities together and no way to ask for more; since is at most
// MaxChangesAge ago (a fault.Invalid, without a call). Not for JournalCode, TaxAgency, TaxCode and
// TaxRate; TimeActivity is in doubt.
// At least once, as with Query.
// Errors: see [Client]; Invalid for an entity that it doesn't cover. What each returns ends the call
// and is returned as it is.
// Source: Intuit, Change data capture.
func (c *Client) Changes(ctx context.Context, entities []string, since time.Time, each func(entity string, raw []byte) error) (Changes, error) {
	if len(entities) == 0 {
		return Changes{}, fault.New(fault.Invalid, "QuickBooks is asked for the changes of no entity")
	}
	if c.opts.Now().Sub(since) > MaxChangesAge {
		return Changes{}, fault.New(fault.Invalid, "QuickBooks tells the changes of the last 30 days only")
	}
	names := make([]string, len(entities))
	for i, e := range entities {
		if err := (Query{Entity: e}).check(); err != nil {
			return Changes{}, err
		}
		names[i] = queryName(e)
	}
	params := url.Values{"entities": {strings.Join(names, ",")}, "changedSince": {stamp(since)}}
	var out Changes
	err := c.call(ctx, func() request {
		return request{kind: "cdc", path: "cdc", params: params}
	}, func(body io.Reader) error {
		a := answer{each: func(name string, raw []byte) error { return each(entityName(name), raw) }}
		if err := c.scan(body, &a); err != nil {
			return err
		}
		if !a.cdc {
			return unreadable("QuickBooks sent an answer without a CDCResponse")
		}
		out = Changes{Rows: a.rows, Time: a.time}
		return nil
	})
	return out, err
}
