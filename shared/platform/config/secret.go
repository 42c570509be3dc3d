package config

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is what is seen of a secret.
const hidden = "[secret]"

// Secret is a value that prints as [secret] in every verb of fmt, in JSON, text and slog. Keep it in
// exported fields, and never as the key of a map: fmt shows unexported fields, and JSON keys, as they are.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the value, as do all methods below.
func (s Secret) String() string { return hidden }

// GoString is asked by %#v.
func (s Secret) GoString() string { return hidden }

// Format is asked by every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalText is asked by encoders of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON is asked by encoding/json.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// LogValue is asked by slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
