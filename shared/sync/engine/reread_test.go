package engine_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// underWay is a source that is reading already what it is asked to read again.
type underWay struct{ rereader }

func (underWay) Reread(_ string, at json.RawMessage, _ engine.Reading) (json.RawMessage, error) {
	return at, nil
}

// TestRereadUnderWay: a reading that has begun is neither begun nor written down again. What begins is
// stored as a batch of its reading, so that the store knows of it before its first page.
func TestRereadUnderWay(t *testing.T) {
	again := engine.Order{Reason: org.Backfill, Reread: func(context.Context, engine.Rereader) (map[string]engine.Reading, error) {
		return map[string]engine.Reading{"A": {Name: "all", Verify: true}}, nil
	}}
	f := &fake{at: engine.Checkpoints{"A": json.RawMessage("5")}}
	if _, err := order(t.Context(), f, underWay{rereader{one}}, again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("acquire agenda begin checkpoints checkpoints apply finish release", strings.Join(f.steps, " ")); diff != "" {
		t.Errorf("under way: steps (-want +got):\n%s", diff)
	}

	f = &fake{at: engine.Checkpoints{"A": json.RawMessage("5")}}
	if _, err := order(t.Context(), f, rereader{one}, again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("acquire agenda begin checkpoints apply checkpoints apply finish release", strings.Join(f.steps, " ")); diff != "" {
		t.Errorf("new: steps (-want +got):\n%s", diff)
	}
	if b := f.batches[0]; b.Census != "all" || !b.Verify || len(b.Loading) != 1 || b.Loading[0] != "A" || len(b.Records) != 0 {
		t.Errorf("it begins with %+v", b)
	}
}
