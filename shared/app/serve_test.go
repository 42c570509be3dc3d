package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestWrongSettingsAreReadable(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	if status := serve(t.Context(), "SyncOrg", SyncOrg, []string{"SYNC_LEASE=soon", "LOG_LEVEL=loud"}, &text); status != 1 {
		t.Errorf("status %d, want 1", status)
	}
	if s := text.String(); !strings.HasPrefix(s, "SyncOrg cannot start: settings:\n  LOG_LEVEL: want ") || !strings.Contains(s, "\n  SYNC_LEASE: want a duration") {
		t.Errorf("a person reads %s", s)
	}

	for _, format := range []string{"LOG_FORMAT=json", "LOG_FORMAT=yaml"} { // on Cloud Run the latter means JSON, too
		var out bytes.Buffer
		serve(t.Context(), "SyncOrg", SyncOrg, []string{"SYNC_LEASE=soon", "K_SERVICE=syncorg", format}, &out)
		var e map[string]any
		if err := json.Unmarshal(out.Bytes(), &e); err != nil || e["severity"] != "ERROR" || !strings.Contains(e["err"].(string), "SYNC_LEASE: want a duration") {
			t.Errorf("%s: %v, want one entry: %s", format, err, &out)
		}
	}
}
