package plaid

import (
	"fmt"
	"io"
	"log/slog"
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
