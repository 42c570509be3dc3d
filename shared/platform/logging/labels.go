package logging

import (
	"context"
	"log/slog"
	"slices"
)

type labelsKey struct{}

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
