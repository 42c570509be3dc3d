package quickbooks

import (
	"encoding/json"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// legacyOperations are the names in the older form, in lower case.
var legacyOperations = map[string]string{
	"create": OperationCreated, "update": OperationUpdated, "delete": OperationDeleted,
	"merge": OperationMerged, "void": OperationVoided, "emailed": OperationEmailed,
}

// notifications reads the older form: an object with a notification for each company.
func notifications(body []byte) ([]WebhookEvent, error) {
	var top struct {
		Notifications json.RawMessage `json:"eventNotifications"`
		Version       told            `json:"specversion"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return nil, fault.New(fault.Invalid, "the webhook cannot be read")
	}
	if top.Notifications == nil && top.Version != "" { // one event without the array around it, as others send CloudEvents
		return []WebhookEvent{cloudEvent(body)}, nil
	}
	all, ok := elements(top.Notifications)
	if !ok {
		return nil, fault.New(fault.Invalid, "the webhook is an object without an array eventNotifications")
	}
	var events []WebhookEvent
	for _, n := range all {
		events = append(events, notification(n)...)
		if len(events) > MaxWebhookEvents {
			return nil, tooMany()
		}
	}
	if len(all) > MaxWebhookEvents {
		return nil, tooMany()
	}
	return events, nil
}

// notification reads the changes of one company.
func notification(raw json.RawMessage) []WebhookEvent {
	var n struct {
		Realm  told `json:"realmId"`
		Change struct {
			Entities json.RawMessage `json:"entities"`
		} `json:"dataChangeEvent"`
	}
	err := json.Unmarshal(raw, &n)
	all, ok := elements(n.Change.Entities)
	if err != nil || !ok {
		return []WebhookEvent{problem(raw, "a notification without dataChangeEvent.entities")}
	}
	events := make([]WebhookEvent, len(all))
	for i, raw := range all {
		events[i] = legacyEvent(string(n.Realm), raw)
	}
	return events
}

func legacyEvent(realm string, raw json.RawMessage) WebhookEvent {
	var e struct {
		Name      told `json:"name"`
		ID        told `json:"id"`
		Operation told `json:"operation"`
		Updated   told `json:"lastUpdated"`
		Deleted   told `json:"deletedId"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return problem(raw, "an event that is not an object")
	}
	return WebhookEvent{
		Key:   keyOf(realm, string(e.Name), string(e.ID), string(e.Operation), string(e.Updated), string(e.Deleted)),
		Realm: realm, Kind: string(e.Name), ID: string(e.ID), Operation: legacyOperations[lower(string(e.Operation))],
		Loser: string(e.Deleted), Time: eventTime(string(e.Updated)), Raw: raw,
	}.judged()
}
