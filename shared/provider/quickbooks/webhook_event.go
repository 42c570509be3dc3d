package quickbooks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	maxKey   = 100 // of a key and a kind
	maxID    = 64  // of an object's id; Intuit's have up to 21 digits
	maxRealm = 32
)

// judged completes an event: its entity, and its Problem.
func (e WebhookEvent) judged() WebhookEvent {
	if !IsRealm(e.Realm) {
		e.Realm, e.Problem = "", "an event without the id of a company"
	}
	if !printable(e.ID, maxID) {
		e.ID, e.Problem = "", "an event without the id of an object"
	}
	if !printable(e.Kind, maxKey) {
		e.Kind, e.Problem = "", "an event without the kind of its object"
	}
	if !printable(e.Loser, maxID) {
		e.Loser = ""
	}
	if e.Problem != "" {
		e.Key = keyOf(string(e.Raw)) // what it tells does not tell it apart
	}
	e.Entity = entities()[lower(e.Kind)]
	return e
}

// problem is an event that tells nothing but that it came.
func problem(raw []byte, why string) WebhookEvent {
	return WebhookEvent{Key: keyOf(string(raw)), Raw: raw, Problem: why}
}

// keyOf digests what an event tells. Each part is quoted, so that no two events have the same text.
func keyOf(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:])
}

// entities returns the catalog's entities by their names in lower case.
var entities = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, t := range Catalog() {
		all[lower(t.Stream)] = t.Stream
	}
	return all
})

// eventTime reads the times of both forms: with or without a fraction of a second, and a zone that is
// Z, -0700 or -07:00. Zero: it is none of these.
func eventTime(s string) time.Time {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// IsRealm reports whether s can be the id of a company: up to 32 digits.
func IsRealm(s string) bool {
	other := func(r rune) bool { return r < '0' || r > '9' }
	return s != "" && len(s) <= maxRealm && !strings.ContainsFunc(s, other)
}

// printable reports whether s is text of ASCII without blanks, of up to limit bytes.
func printable(s string, limit int) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return s != "" && len(s) <= limit && !strings.ContainsFunc(s, odd)
}

// lower is strings.ToLower for ASCII: no other letter becomes one of it.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
