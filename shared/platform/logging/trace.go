package logging

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type (
	traceKey  struct{}
	labelsKey struct{}
)

// trace is a place in a distributed trace, as the W3C's traceparent header tells it.
type trace struct {
	id, span string // 32 and 16 hexadecimal digits
	sampled  bool
}

var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$`)

// WithTrace returns a context whose records join the trace that a traceparent header names
// ("00-<32 hex>-<16 hex>-<2 hex>"). With any other text it returns ctx as it is.
func WithTrace(ctx context.Context, header string) context.Context {
	m := traceparent.FindStringSubmatch(header)
	if m == nil || strings.HasPrefix(header, "ff") || strings.Trim(m[1], "0") == "" || strings.Trim(m[2], "0") == "" {
		return ctx
	}
	flags, _ := strconv.ParseUint(m[3], 16, 8) // two hexadecimal digits, as matched
	return context.WithValue(ctx, traceKey{}, trace{m[1], m[2], flags&1 == 1})
}

// With returns a context whose records carry a label, such as org=onpoint: one that Cloud Logging
// keeps an index of. The last value of a key counts.
func With(ctx context.Context, key, value string) context.Context {
	ls := slices.DeleteFunc(slices.Clone(labels(ctx)), func(a slog.Attr) bool { return a.Key == key })
	return context.WithValue(ctx, labelsKey{}, append(ls, slog.String(key, value)))
}

func labels(ctx context.Context) []slog.Attr {
	ls, _ := ctx.Value(labelsKey{}).([]slog.Attr)
	return ls
}
