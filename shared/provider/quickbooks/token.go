package quickbooks

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Secret is a text that is used and never shown: every verb of fmt, slog and JSON print [secret].
type Secret string

const hidden = "[secret]"

// Format implements fmt.Formatter.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) } //nolint:errcheck // fmt has nowhere to tell

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Token is what the token endpoint gives. It prints as its times only. Whoever keeps it reads the
// fields: it refuses to become JSON, in which a token would be shown, or lost without a word.
type Token struct {
	Access  string // opaque, up to 4,096 characters
	Refresh string // up to 512 characters; the value changes about once a day, and the one before then stops working

	AccessExpires      time.Time // in an hour, which is assumed where the answer does not say
	RefreshExpires     time.Time // 100 days after the latest refresh; zero: not said
	RefreshHardExpires time.Time // refreshing doesn't move it: the customer has to connect again by then; zero: not said
}

// String implements fmt.Stringer.
func (t Token) String() string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "?"
		}
		return t.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("token%s (access until %s, refresh until %s, at most until %s)",
		hidden, at(t.AccessExpires), at(t.RefreshExpires), at(t.RefreshHardExpires))
}

// GoString implements fmt.GoStringer.
func (t Token) GoString() string { return t.String() }

// Format implements fmt.Formatter, for the verbs that would print the fields.
func (t Token) Format(f fmt.State, _ rune) { io.WriteString(f, t.String()) } //nolint:errcheck // fmt has nowhere to tell

// LogValue implements slog.LogValuer.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON always fails.
func (t Token) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a token is not written as JSON: its keeper reads the fields")
}
