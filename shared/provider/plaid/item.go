package plaid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Tokens gives the access token of an Item.
type Tokens interface {
	// Access returns the Item's access token. It does not expire, but Invalidate gives another one.
	Access(ctx context.Context) (string, error)
}

// TokenError is the failure of Tokens: no call of the Item can succeed, whatever its kind says.
type TokenError struct{ Err error }

func (e *TokenError) Error() string { return e.Err.Error() }
func (e *TokenError) Unwrap() error { return e.Err }

// Item calls Plaid about one Item. It is safe for concurrent use; make one with [Client.Item].
//
// Errors of all methods: see [Client]. [Ended] and [Unsupported] tell what no waiting mends.
type Item struct {
	client *Client
	id     string
	tokens Tokens
}

// Item returns the Item id, whose access token tokens gives. It makes no call.
func (c *Client) Item(id string, tokens Tokens) *Item {
	return &Item{client: c, id: id, tokens: tokens}
}

// request returns a call of path with body and the access token, which is asked for at each attempt.
func (i *Item) request(path string, body fields) request {
	return request{path: path, item: i.id, body: func(ctx context.Context) (fields, error) {
		token, err := i.tokens.Access(ctx)
		if err != nil {
			return nil, &TokenError{err}
		}
		with := fields{"access_token": token}
		for name, value := range body {
			with[name] = value
		}
		return with, nil
	}}
}

// post makes a call and gives the answer to read.
func (i *Item) post(ctx context.Context, path string, body fields, read func([]byte) error) error {
	r := i.request(path, body)
	r.answer = i.client.whole(read)
	return i.client.call(ctx, r)
}

// postOnce is post for what must not happen twice: it is not sent again once it may have arrived.
func (i *Item) postOnce(ctx context.Context, path string, body fields, read func([]byte) error) error {
	r := i.request(path, body)
	r.answer, r.once = i.client.whole(read), true
	return i.client.call(ctx, r)
}

// ItemState is what Plaid knows about an Item.
type ItemState struct {
	Raw           json.RawMessage // {"item":{…},"status":{…}}: Plaid's own bytes of both; a status that is not told is null
	ID            string
	InstitutionID string    // empty: not told
	Products      []string  // that the Item has, billed ones among them, in alphabetical order
	Trouble       error     // why Plaid can't read the bank, as [Problem] tells it; nil: it can
	ConsentEnds   time.Time // zero: by nobody's rule
	LastUpdate    time.Time // when Plaid last read the bank's transactions; zero: not told
}

// Get returns the Item's state. It reads what Plaid has and does not ask the bank.
//
//	POST /item/get → {"item":{…},"status":{…}}
//
// Limits: 15 calls a minute. Free. Source: Plaid, /item/get.
func (i *Item) Get(ctx context.Context) (ItemState, error) {
	var s ItemState
	err := i.post(ctx, "/item/get", nil, func(body []byte) error {
		item, status := json.RawMessage(nil), json.RawMessage("null")
		err := read(body, shape{"item": object(&item), "status": object(&status)}, "item")
		if err != nil {
			return err
		}
		s, err = itemState(item, status)
		return err
	})
	return s, err
}

// itemObject is the part of an Item that is acted upon.
type itemObject struct {
	ID          loose           `json:"item_id"`
	Institution loose           `json:"institution_id"`
	Products    []loose         `json:"products"`
	Billed      []loose         `json:"billed_products"`
	Error       json.RawMessage `json:"error"`
	ConsentEnds loose           `json:"consent_expiration_time"`
}

func itemState(item, status json.RawMessage) (ItemState, error) {
	var object itemObject
	if err := json.Unmarshal(item, &object); err != nil || object.ID == "" {
		return ItemState{}, unreadable("Plaid sent an Item without its id")
	}
	var times struct {
		Transactions struct {
			LastSuccess loose `json:"last_successful_update"`
		} `json:"transactions"`
	}
	json.Unmarshal(status, &times) //nolint:errcheck // best effort: a time that is not told is zero
	s := ItemState{
		Raw: slices.Concat([]byte(`{"item":`), item, []byte(`,"status":`), status, []byte(`}`)),
		ID:  string(object.ID), InstitutionID: string(object.Institution),
		Trouble:     Problem(object.Error),
		ConsentEnds: object.ConsentEnds.time(), LastUpdate: times.Transactions.LastSuccess.time(),
	}
	for _, product := range slices.Concat(object.Products, object.Billed) {
		s.Products = append(s.Products, string(product))
	}
	slices.Sort(s.Products)
	s.Products = slices.Compact(s.Products)
	return s, nil
}

// Remove ends the Item: its access token stops working and Plaid stops billing it. An Item that is gone already is
// removed. One of another environment is not: Plaid says the same of both. fault.Forbidden then.
//
//	POST /item/remove → {"request_id":"…"}
//
// Limits: 30 calls a minute. Source: Plaid, /item/remove.
func (i *Item) Remove(ctx context.Context) error {
	token, err := i.tokens.Access(ctx)
	if err != nil {
		return &TokenError{err}
	}
	if err := i.client.ours(token); err != nil {
		return err
	}
	err = i.post(ctx, "/item/remove", nil, acknowledged)
	var p *problem
	if errors.As(err, &p) && p.effect == ended && p.code != codeBankGone {
		return nil
	}
	return err
}

// ours refuses a token that names another environment than the client's.
func (c *Client) ours(token string) error {
	own := c.opts.Environment
	for _, other := range []string{"sandbox", "development", "production"} {
		if own != "" && other != own && strings.HasPrefix(token, "access-"+other+"-") {
			return fault.New(fault.Forbidden, fmt.Sprintf("this bank connection belongs to Plaid's environment %s, and PLAID_ENVIRONMENT is %s: set PLAID_ENVIRONMENT and PLAID_SECRET to %s", other, own, other))
		}
	}
	return nil
}

// UpdateWebhook has Plaid send the Item's webhooks to url from now on; the first tells so. An empty url ends them.
//
//	POST /item/webhook/update {"webhook":"https://…"} → {"item":{…}}
//
// Source: Plaid, /item/webhook/update.
func (i *Item) UpdateWebhook(ctx context.Context, url string) error {
	body := fields{"webhook": nil}
	if url != "" {
		body["webhook"] = url
	}
	return i.post(ctx, "/item/webhook/update", body, acknowledged)
}

// Invalidate ends the Item's access token and returns the one that works from now on: keep it before anything else.
// When the answer gets lost so is the Item: the call is not repeated, and the next one finds the old token dead.
//
//	POST /item/access_token/invalidate → {"new_access_token":"…"}
//
// Source: Plaid, /item/access_token/invalidate.
func (i *Item) Invalidate(ctx context.Context) (Secret, error) {
	var token string
	err := i.postOnce(ctx, "/item/access_token/invalidate", nil, func(body []byte) error {
		return read(body, shape{"new_access_token": text(&token)}, "new_access_token")
	})
	return Secret(token), err
}

// acknowledged reads an answer that says nothing but that it was done.
func acknowledged(body []byte) error { return read(body, nil) }

// isFinal reports whether err is marked as one that another attempt does not mend.
func isFinal(err error) bool {
	var f *refused
	return errors.As(err, &f) && f.final
}

// loose is a text; any other value is not told.
type loose string

// UnmarshalJSON implements json.Unmarshaler.
func (l *loose) UnmarshalJSON(b []byte) error {
	*l = ""
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(l))
	}
	return nil
}

// time reads RFC 3339 with or without a fraction; zero for anything else.
func (l loose) time() time.Time {
	t, err := time.Parse(time.RFC3339, string(l))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
