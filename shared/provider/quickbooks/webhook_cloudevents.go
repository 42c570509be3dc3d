package quickbooks

import (
	"encoding/json"
	"strings"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// cloudOperations are the names in CloudEvents, in lower case. Intuit's page says void, and some who
// use it have expected voided.
var cloudOperations = map[string]string{
	"created": OperationCreated, "updated": OperationUpdated, "deleted": OperationDeleted,
	"merged": OperationMerged, "void": OperationVoided, "voided": OperationVoided, "emailed": OperationEmailed,
}

// cloudEvents reads the newer form: an array of CloudEvents.
func cloudEvents(body []byte) ([]WebhookEvent, error) {
	all, ok := elements(body)
	if !ok {
		return nil, fault.New(fault.Invalid, "the webhook is not an array of events")
	}
	if len(all) > MaxWebhookEvents {
		return nil, tooMany()
	}
	events := make([]WebhookEvent, len(all))
	for i, raw := range all {
		events[i] = cloudEvent(raw)
	}
	return events, nil
}

func cloudEvent(raw json.RawMessage) WebhookEvent {
	var e struct {
		ID     told            `json:"id"`
		Type   told            `json:"type"`
		Time   told            `json:"time"`
		Object told            `json:"intuitentityid"`
		Realm  told            `json:"intuitaccountid"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return problem(raw, "an event that is not an object")
	}
	var data struct {
		Loser told `json:"deletedid"`
	}
	json.Unmarshal(e.Data, &data) //nolint:errcheck // a hint only, in whatever form
	kind, operation := eventType(string(e.Type))
	event := WebhookEvent{
		Key: string(e.ID), Realm: string(e.Realm), Kind: kind, ID: string(e.Object),
		Operation: operation, Loser: string(data.Loser), Time: eventTime(string(e.Time)), Raw: raw,
	}
	switch {
	case event.Key == "":
		event.Key = keyOf(event.Realm, string(e.Type), event.ID, string(e.Time), event.Loser)
	case !printable(event.Key, maxKey):
		event.Key = keyOf(event.Key)
	}
	return event.judged()
}

// eventType takes "qbo.customer.merged.v1" apart. A type that is not QuickBooks' is a kind of its own.
func eventType(t string) (kind, operation string) {
	if parts := strings.Split(lower(t), "."); len(parts) == 4 && parts[0] == "qbo" {
		return parts[1], cloudOperations[parts[2]]
	}
	return t, ""
}
