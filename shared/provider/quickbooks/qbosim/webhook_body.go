package qbosim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// cloudWords are the operations in the types of CloudEvents: it is void, not voided.
var cloudWords = map[Operation]string{
	Created: "created", Updated: "updated", Deleted: "deleted", Merged: "merged", Voided: "void", Emailed: "emailed",
}

// cloudSource is the same for all events of an app.
const cloudSource = "intuit.c2ltdWxhdG9yIG9mIHF1aWNrYm9va3Mgb25saW5l="

func body(format Format, events []Event) []byte {
	if format == Legacy {
		return legacyBody(events)
	}
	return cloudBody(events)
}

// legacyBody groups the events by company, in the order of their first one. Times come in two spellings.
func legacyBody(events []Event) []byte {
	var realms []string
	entities := map[string][]any{}
	for i, e := range events {
		if entities[e.Realm] == nil {
			realms = append(realms, e.Realm)
		}
		at := e.At.In(pacific).Format("2006-01-02T15:04:05-0700")
		if i%2 == 1 {
			at = e.At.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		o := obj("name", e.Entity, "id", e.EntityID, "operation", string(e.Operation))
		if e.DeletedID != "" {
			o.set("deletedId", e.DeletedID)
		}
		entities[e.Realm] = append(entities[e.Realm], o.set("lastUpdated", at))
	}
	var out []any
	for _, realm := range realms {
		out = append(out, obj("realmId", realm, "dataChangeEvent", obj("entities", entities[realm])))
	}
	return obj("eventNotifications", out).append(nil)
}

// cloudBody is an array also when there is one event. Fractions have 0 to 9 digits.
func cloudBody(events []Event) []byte {
	out := make([]any, 0, len(events))
	for i, e := range events {
		at := e.At.UTC()
		if i%4 == 3 {
			at = at.Truncate(time.Second)
		}
		data := &object{}
		if e.DeletedID != "" {
			data.set("deletedid", e.DeletedID)
		}
		o := obj("specversion", "1.0", "id", e.ID, "source", cloudSource,
			"type", "qbo."+strings.ToLower(e.Entity)+"."+cloudWords[e.Operation]+".v1", "datacontenttype", "application/json",
			"time", at.Format(time.RFC3339Nano), "intuitentityid", e.EntityID, "intuitaccountid", e.Realm, "data", data)
		if i%5 == 4 {
			o.drop("datacontenttype")
		}
		out = append(out, o)
	}
	return appendValue(nil, out)
}

// sign puts on a delivery what Intuit's have: the signature is over the raw bytes.
func (w *Webhooks) sign(r *http.Request, raw []byte, id string, at time.Time) {
	r.Header.Set("Intuit-Signature", Signature(w.cfg.VerifierToken, raw))
	r.Header.Set("Intuit-Created-Time", at.UTC().Format(time.RFC3339Nano))
	r.Header.Set("Intuit-T-Id", id)
	r.Header.Set("Intuit-Notification-Schema-Version", "0.1")
	r.Header.Set("User-Agent", "intuit_notification_server/0.1")
	r.Header.Set("Content-Type", w.cfg.ContentType)
}

// Signature is the intuit-signature of a body under a verifier token.
func Signature(verifierToken string, raw []byte) string {
	mac := hmac.New(sha256.New, []byte(verifierToken))
	mac.Write(raw)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
