package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strings"
)

// Read returns one object by its id; Preferences has none (""), and that of CompanyInfo is the realm.
//
//	GET /v3/company/{realm}/invoice/130 → {"Invoice":{…},"time":"…"}
//
// Shape: the object's bytes. They are not the same as in a query: a read adds some keys
// (Invoice.InvoiceLink, Vendor.BillRate) and lacks none that matter.
// Errors: fault.NotFound for an object that is deleted or never was there; else see [Client].
// Source: Intuit, the pages of the entities; Error codes, 610.
func (c *Client) Read(ctx context.Context, entity, id string) (json.RawMessage, error) {
	if err := (Query{Entity: entity}).check(); err != nil {
		return nil, err
	}
	path := strings.ToLower(queryName(entity))
	if id != "" {
		path += "/" + url.PathEscape(id)
	}
	var object json.RawMessage
	err := c.call(ctx, func() request {
		return request{kind: "read", path: path}
	}, func(body io.Reader) error {
		a := answer{single: true, each: func(_ string, raw []byte) error {
			object = bytes.Clone(raw)
			return nil
		}}
		if err := c.scan(body, &a); err != nil {
			return err
		}
		if a.rows != 1 {
			return unreadable("QuickBooks sent an answer without the object")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return object, nil
}
