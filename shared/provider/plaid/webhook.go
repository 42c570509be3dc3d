package plaid

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/countinghouse/countinghouse/shared/fault"
)

const (
	// WebhookSignature is the header of a webhook that holds its signature.
	WebhookSignature = "Plaid-Verification"
	// MaxWebhook is the largest body that is read, in bytes. Plaid's have some hundred; those that tell of a whole
	// session at the bank some thousand.
	MaxWebhook = 1 << 20
)

// Webhook is what a webhook told. It is a hint: it may come twice, late, or never.
type Webhook struct {
	Type, Code  string // "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE": there are more than are documented
	Item        string // empty: it is about none, as those of Link
	Environment string // "sandbox", "production"
	// Body is the body to keep: as it came, but for the values of members whose names end in token, tokens or secret, at any
	// depth, which are "[secret]".
	Body []byte
}

// ParseWebhook reads the body of a webhook whose signature was found good.
//
//	{"webhook_type":"ITEM","webhook_code":"ERROR","item_id":"…","error":{…},"environment":"production"}
//
// Limits: MaxWebhook bytes.
// Errors: fault.Invalid for a body that is no JSON object, too large, or without type and code. None quotes it.
// Source: Plaid, Webhooks.
func ParseWebhook(body []byte) (Webhook, error) {
	if len(body) > MaxWebhook {
		return Webhook{}, fault.New(fault.Invalid, fmt.Sprintf("the webhook is larger than %d bytes", MaxWebhook))
	}
	kept, err := withoutSecrets(body)
	if err != nil {
		return Webhook{}, fault.New(fault.Invalid, "the webhook is not JSON")
	}
	w := Webhook{Body: kept}
	err = read(body, shape{
		"webhook_type": maybe(&w.Type), "webhook_code": maybe(&w.Code), "item_id": maybe(&w.Item),
		"environment": maybe(&w.Environment),
	})
	if err != nil {
		return Webhook{}, fault.New(fault.Invalid, "the webhook is not a JSON object")
	}
	if w.Type == "" || w.Code == "" {
		return Webhook{}, fault.New(fault.Invalid, "the webhook does not say what it is about")
	}
	return w, nil
}

// secretMembers are the members of webhooks that may give access to something, such as public_tokens: also those
// that nobody has documented yet.
var secretMembers = regexp.MustCompile(`(?i)(tokens?|secret)$`)

// withoutSecrets returns body with the values of secret members replaced, and else byte for byte as it was. It
// fails for what is not JSON.
func withoutSecrets(body []byte) ([]byte, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))
	var kept []byte
	copied := 0
	for {
		t, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return append(kept, body[copied:]...), nil
		}
		if err != nil {
			return nil, err
		}
		if kind, n := d.StackIndex(d.StackDepth()); kind != '{' || n%2 == 0 || t.Kind() != '"' || !secretMembers.MatchString(t.String()) {
			continue
		}
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		end := int(d.InputOffset())
		kept = append(append(kept, body[copied:end-len(value)]...), `"`+hidden+`"`...)
		copied = end
	}
}
