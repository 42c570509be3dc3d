package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// slow is a store whose steps take their time.
type slow struct{ *fake }

func (s slow) Acquire(ctx context.Context, id org.ConnectionID, r org.Reason, holder string, ttl time.Duration) (org.Lease, bool, error) {
	time.Sleep(100 * time.Millisecond)
	return s.fake.Acquire(ctx, id, r, holder, ttl)
}

func (s slow) Agenda(ctx context.Context, l org.Lease) (engine.Agenda, error) {
	time.Sleep(10 * time.Millisecond)
	return s.fake.Agenda(ctx, l)
}

func (s slow) Apply(ctx context.Context, l org.Lease, run engine.RunID, b engine.Batch, u engine.Usage) (engine.Applied, error) {
	time.Sleep(2 * time.Second)
	return s.fake.Apply(ctx, l, run, b, u)
}

func (s slow) Finish(ctx context.Context, l org.Lease, run engine.RunID, r engine.Result) error {
	time.Sleep(5 * time.Millisecond)
	return s.fake.Finish(ctx, l, run, r)
}

// ahead is a source that gets its token, and reads the next page while the last one is stored, for
// which it needs a token once more.
type ahead struct{ script }

func (ahead) Pull(ctx context.Context, _ engine.Task) iter.Seq2[engine.Batch, error] {
	token := func(d time.Duration) {
		defer engine.Token(ctx)()
		time.Sleep(d)
	}
	return func(yield func(engine.Batch, error) bool) {
		token(300 * time.Millisecond)
		time.Sleep(time.Second) // the call
		read := make(chan struct{})
		go func() {
			defer close(read)
			token(500 * time.Millisecond) // nobody waits for it: the first page takes 2 s to store
			time.Sleep(2 * time.Second)   // the call: 500 ms are left of it by then
		}()
		if yield(engine.Batch{Checkpoints: engine.Checkpoints{"A": nil}}, nil) {
			<-read
			yield(engine.Batch{Checkpoints: engine.Checkpoints{"A": nil}}, nil)
		}
	}
}

// phasesOf returns what the log's lines tell of the phases, after a look whether they add up.
func phasesOf(t *testing.T, log *bytes.Buffer) (lines []map[string]string) {
	t.Helper()
	for d := json.NewDecoder(log); d.More(); {
		var all map[string]any
		if err := d.Decode(&all); err != nil {
			t.Fatal(err)
		}
		line, sum := map[string]string{}, time.Duration(0)
		for _, name := range []string{"lease", "collect", "token", "pull", "apply", "rest", "took"} {
			text, _ := all[name].(string)
			took, err := time.ParseDuration(text)
			if err != nil || took < 0 {
				t.Errorf("%s: %q, %v", name, text, err)
			}
			if took > 0 {
				line[name] = text
			}
			if name == "took" && sum != took {
				t.Errorf("the phases come to %s, and the run took %s", sum, took)
			}
			sum += took
		}
		lines = append(lines, line)
	}
	return lines
}

// TestPhases: every moment of a run is in one phase.
func TestPhases(t *testing.T) {
	notice := engine.Agenda{Notices: []engine.Notice{{ID: 1, Stream: "A", Age: time.Second}}}
	for _, tt := range []struct {
		name string
		f    *fake
		src  engine.Source
		err  fault.Kind
		want []map[string]string
	}{
		{"a sweep that reads ahead", &fake{}, ahead{}, "", []map[string]string{
			{"lease": "100ms", "token": "300ms", "pull": "1.5s", "apply": "4s", "rest": "15ms", "took": "5.915s"}}},
		{"a second run begins anew", &fake{notes: 1}, ahead{}, "", []map[string]string{
			{"lease": "100ms", "token": "300ms", "pull": "1.5s", "apply": "4s", "rest": "15ms", "took": "5.915s"},
			{"token": "300ms", "pull": "1.5s", "apply": "4s", "rest": "15ms", "took": "5.815s"}}},
		{"notices that gather", &fake{agendas: []engine.Agenda{notice}}, script(func(context.Context, func(int) bool, func(error) bool) {}), "", []map[string]string{
			{"lease": "100ms", "collect": "2s", "rest": "25ms", "took": "2.125s"}}},
		{"a failure", &fake{}, script(func(_ context.Context, _ func(int) bool, fail func(error) bool) {
			time.Sleep(time.Second)
			fail(errors.New("oh"))
		}), fault.Internal, []map[string]string{{"lease": "100ms", "pull": "1s", "rest": "15ms", "took": "1.115s"}}},
		{"a panic", &fake{}, script(func(context.Context, func(int) bool, func(error) bool) {
			time.Sleep(time.Second)
			panic("oh")
		}), fault.Internal, []map[string]string{{"lease": "100ms", "pull": "1s", "rest": "15ms", "took": "1.115s"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				e := newEngine(tt.f, tt.src)
				e.Store, e.Log, e.Collect = slow{tt.f}, logging.New(runsOnly{&log}, logging.Options{Format: "json"}), 3*time.Second
				if _, err := e.Run(t.Context(), conn, engine.Order{Reason: org.Schedule}, nil); fault.Of(err) != tt.err {
					t.Errorf("it ends with %v", err)
				}
				if diff := cmp.Diff(tt.want, phasesOf(t, &log)); diff != "" {
					t.Errorf("phases (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// runsOnly keeps the lines of runs.
type runsOnly struct{ to *bytes.Buffer }

func (r runsOnly) Write(p []byte) (int, error) {
	if !bytes.Contains(p, []byte(`"event":"sync_run"`)) {
		return len(p), nil
	}
	return r.to.Write(p)
}

// A source that nobody runs, in a test or for a count, may say that it waits all the same.
func TestTokenWithoutARun(t *testing.T) {
	engine.Token(t.Context())()
}
