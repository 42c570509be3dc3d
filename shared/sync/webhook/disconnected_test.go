package webhook_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// TestDisconnected: whatever comes of the call, the person sees the same page.
func TestDisconnected(t *testing.T) {
	t.Parallel()
	away := fault.New(fault.Unavailable, "the database is away")
	pages := map[string]bool{}
	for _, tt := range []struct {
		name     string
		query    string
		due      []org.Connection
		fails    error
		noQueue  error
		hastened []string
		ticks    []org.Tick
		log      string
	}{
		{name: "a company whose sweep was far", query: "?id=a", due: []org.Connection{{ID: 1, Org: "onpoint"}}, hastened: []string{"a"},
			ticks: []org.Tick{{Org: "onpoint", Connection: 1, Reason: org.Schedule}}, log: `"org":"onpoint"`},
		{name: "one that has just been swept, or is unknown", query: "?id=z", hastened: []string{"z"}},
		{name: "no company", query: ""},
		{name: "something else", query: "?id=odd"},
		{name: "the database is away", query: "?id=a", fails: away, hastened: []string{"a"}, log: "the database is away"},
		{name: "the queue is away", query: "?id=a", due: []org.Connection{{ID: 1, Org: "onpoint"}}, noQueue: away, hastened: []string{"a"}, log: "tick not sent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.hasten = func() ([]org.Connection, error) { return tt.due, tt.fails }
			f.tick = func(context.Context, org.Tick) error { return tt.noQueue }
			w := httptest.NewRecorder()
			f.disconnected().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/disconnect"+tt.query, nil))
			pages[w.Body.String()] = true
			if w.Code != 200 || !strings.Contains(w.Body.String(), "new link") {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			if !slices.Equal(f.hastened, tt.hastened) {
				t.Errorf("hastened %v, want %v", f.hastened, tt.hastened)
			}
			if diff := cmp.Diff(tt.ticks, f.ticks); diff != "" {
				t.Errorf("ticks (-want +got):\n%s", diff)
			}
			if log := f.logs.String(); !strings.Contains(log, tt.log) || tt.log == "" && log != "" {
				t.Errorf("log %s", log)
			}
		})
	}
	if len(pages) != 1 {
		t.Errorf("%d different pages", len(pages))
	}
}
