package plaid

import (
	"context"
	"encoding/json"
)

// Institution returns a bank, verbatim: its name, products and colours, without the state of its connection, which changes all the time.
//
//	POST /institutions/get_by_id {"institution_id":"ins_3","country_codes":["US"],"options":{…}} → {"institution":{…}}
//
// Limits: 400 calls a minute for the app. Free; a day old is fresh enough. Source: Plaid, /institutions/get_by_id.
func (c *Client) Institution(ctx context.Context, id string, countries []string) (json.RawMessage, error) {
	var bank json.RawMessage
	err := c.post(ctx, "/institutions/get_by_id", fields{
		"institution_id": id, "country_codes": countries, "options": fields{"include_optional_metadata": true},
	}, func(body []byte) error {
		return read(body, shape{"institution": object(&bank)}, "institution")
	})
	return bank, err
}
