package quickbooks

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

const (
	// WebhookSignature is the header of a webhook that holds its signature.
	WebhookSignature = "Intuit-Signature"
	// MaxWebhook is the largest body that is read, in bytes. Intuit's have some hundred bytes an event.
	MaxWebhook = 1 << 20
	// MaxWebhookEvents is how many events of one body are read.
	MaxWebhookEvents = 10_000
)

// The operations that webhooks tell of.
const (
	OperationCreated = "created"
	OperationUpdated = "updated"
	OperationDeleted = "deleted"
	OperationMerged  = "merged"
	OperationVoided  = "voided"
	OperationEmailed = "emailed"
)

// WebhookEvent is one thing that a webhook told. It is a hint: order is not promised, events come
// twice or never, and what has become of the object only reading it tells.
type WebhookEvent struct {
	Key       string    // tells events apart: Intuit's id, else a digest of what is told; at most 100 printable characters
	Realm     string    // the company
	Kind      string    // the entity as Intuit named it: Customer, customer
	Entity    string    // as the catalog names it; empty: the catalog has none like that
	ID        string    // of the object; of a merge: of the one that is left
	Operation string    // one of the Operation constants; empty: another one
	Loser     string    // of a merge: the id of the object that was swallowed; may not be told
	Time      time.Time // of the change, by Intuit's clock, in UTC; zero: not told, or not readable
	Raw       []byte    // the event's own bytes, as they came
	Problem   string    // why the event is of no use; Realm and ID may then be empty
}

// VerifyWebhook reports whether signature, the value of the header [WebhookSignature], is that of
// body under the verifier token of the app: base64 of the HMAC-SHA256 over the bytes as they came.
// It takes as long for a wrong signature as for the right one. No token fits nothing.
//
// Source: Intuit, Webhooks, "Verify the notification".
func VerifyWebhook(token Secret, body []byte, signature string) bool {
	const digits = 44 // of 32 bytes: the decoder would pass over line ends
	if token == "" || len(signature) != digits {
		return false
	}
	given, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// ParseWebhook reads the body of a webhook whose signature was found good. Both of Intuit's forms are
// told apart by what they are:
//
//	{"eventNotifications":[{"realmId":"1","dataChangeEvent":{"entities":[
//	 {"name":"Customer","id":"7","operation":"Merge","deletedId":"27","lastUpdated":"2015-10-05T14:42:19-0700"}]}}]}
//	[{"specversion":"1.0","id":"…","type":"qbo.customer.merged.v1","time":"2025-12-04T15:25:05.179851517Z",
//	 "intuitentityid":"7","intuitaccountid":"1","data":{"deletedid":"27"}}]
//
// Shape: one event an element, in the order of the body, of any number of companies. An element that
// is not what it should be is an event with a Problem; the others count. Unknown keys are passed over.
// Limits: MaxWebhook bytes, MaxWebhookEvents events. Memory is a small multiple of the body.
// Errors: fault.Invalid for a body that is not JSON, of another form, or too large. None quotes it.
// Source: Intuit, Webhooks; Upcoming change to webhooks payload structure (2025-11-12).
func ParseWebhook(body []byte) ([]WebhookEvent, error) {
	if len(body) > MaxWebhook {
		return nil, fault.New(fault.Invalid, fmt.Sprintf("the webhook is larger than %d bytes", MaxWebhook))
	}
	body = bytes.TrimSpace(body)
	if !json.Valid(body) {
		return nil, fault.New(fault.Invalid, "the webhook is not JSON")
	}
	switch body[0] {
	case '[':
		return cloudEvents(body)
	case '{':
		return notifications(body)
	}
	return nil, fault.New(fault.Invalid, "the webhook is neither an object nor an array")
}

// elements returns the elements of a JSON array, one more than there may be at most; ok is false for
// another value.
func elements(array []byte) (all []json.RawMessage, ok bool) {
	d := json.NewDecoder(bytes.NewReader(array))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, false
	}
	for d.More() && len(all) <= MaxWebhookEvents {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false
		}
		all = append(all, raw)
	}
	return all, true
}

// tooMany is the error for more events than are read.
func tooMany() error {
	return fault.New(fault.Invalid, fmt.Sprintf("the webhook holds more than %d events", MaxWebhookEvents))
}

// told is a text, or a number as it is written; any other value is not told.
type told string

// UnmarshalJSON implements json.Unmarshaler. It takes everything: what is missing is judged later.
func (t *told) UnmarshalJSON(b []byte) error {
	switch {
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(t))
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*t = told(b)
	}
	return nil
}
