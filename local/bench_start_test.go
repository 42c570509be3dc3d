package main

import (
	"log/slog"
	"testing"
)

// The functions whose start bench measures start with the settings that it gives them, and make no
// connection: there is nobody to connect to.
func TestColdSettings(t *testing.T) {
	t.Parallel()
	for _, f := range benchStarts {
		_, end, err := f.Build(t.Context(), coldSettings("postgres://nobody@127.0.0.1:1/none"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", f.folder, err)
			continue
		}
		if err := end(t.Context()); err != nil {
			t.Errorf("%s: %v", f.folder, err)
		}
	}
}
