package plaidsource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// book keeps an Item's rows and checkpoints in memory, as the real store does in tables: parts are kept
// back until the batch that ends their unit, and dropped where a reading begins again.
type book struct {
	t    testing.TB
	rows map[string]map[string]row // by stream and id
	at   engine.Checkpoints

	parts   []engine.Batch
	loading map[string]bool
	settled []int64
	dead    []string // why records could not be stored
	checked map[string]int
}

type row struct {
	raw  string
	gone bool
}

func newBook(t testing.TB) *book {
	return &book{t: t, rows: map[string]map[string]row{}, at: engine.Checkpoints{}, loading: map[string]bool{}, checked: map[string]int{}}
}

// apply stores a batch, whose bytes are only lent.
func (k *book) apply(b engine.Batch) {
	k.t.Helper()
	b.Records = slices.Clone(b.Records)
	for i := range b.Records {
		b.Records[i].Raw = slices.Clone(b.Records[i].Raw)
	}
	if b.Anew {
		k.parts = nil
	}
	if b.Part {
		only := engine.Batch{Records: b.Records, Part: true, Anew: b.Anew}
		if !reflect.DeepEqual(b, only) {
			k.t.Errorf("a part holds more than records: %+v", b)
		}
		k.parts = append(k.parts, b)
		return
	}
	named := map[string]map[string]bool{}
	for _, part := range append(k.parts, b) {
		for _, r := range part.Records {
			k.store(r, named)
		}
	}
	k.parts = nil
	k.sweep(b.Whole, named)
	for stream, at := range b.Checkpoints {
		k.at[stream] = at
		k.loading[stream] = slices.Contains(b.Loading, stream)
	}
	if b.Verify {
		for _, stream := range b.EndCensus {
			k.checked[stream] = len(named[stream])
		}
	}
	k.settled = append(k.settled, b.Settled...)
}

func (k *book) store(r engine.Record, named map[string]map[string]bool) {
	if named[r.Stream] == nil {
		named[r.Stream] = map[string]bool{}
	}
	named[r.Stream][r.ID] = true
	if r.Problem != "" {
		k.dead = append(k.dead, r.Stream+" "+r.ID+": "+r.Problem)
		return
	}
	if k.rows[r.Stream] == nil {
		k.rows[r.Stream] = map[string]row{}
	}
	old := k.rows[r.Stream][r.ID]
	if r.Deleted {
		k.rows[r.Stream][r.ID] = row{old.raw, true}
		return
	}
	k.rows[r.Stream][r.ID] = row{string(r.Raw), false}
}

// sweep marks what units did not name, though they were all there is.
func (k *book) sweep(whole []engine.Whole, named map[string]map[string]bool) {
	for _, w := range whole {
		for id, r := range k.rows[w.Stream] {
			if !named[w.Stream][id] && !r.gone && among(r.raw, w.Among) {
				k.rows[w.Stream][id] = row{r.raw, true}
			}
		}
	}
}

func among(raw string, all []engine.Among) bool {
	var o map[string]any
	if json.Unmarshal([]byte(raw), &o) != nil {
		return false
	}
	for _, a := range all {
		v, _ := o[a.Path].(string)
		if v == "" || len(a.In) > 0 && !slices.Contains(a.In, v) || a.From != "" && v < a.From {
			return false
		}
	}
	return true
}

// live are the ids of a stream's rows that are not gone.
func (k *book) live(stream string) []string {
	var all []string
	for id, r := range k.rows[stream] {
		if !r.gone {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// point is a stream's checkpoint.
func (k *book) point(stream string) map[string]any {
	k.t.Helper()
	var o map[string]any
	if at := k.at[stream]; at != nil {
		if err := json.Unmarshal(at, &o); err != nil {
			k.t.Fatal(err)
		}
	}
	return o
}

// differs compares a stream's live rows with the truth.
func (k *book) differs(t *catalog.Table, truth iter.Seq[json.RawMessage]) string {
	want := map[string]any{}
	for raw := range truth {
		id, _, err := t.Identify(raw)
		if err != nil {
			return err.Error()
		}
		want[id] = parsed(raw)
	}
	var wrong []string
	for _, id := range k.live(t.Stream) {
		if w, ok := want[id]; !ok {
			wrong = append(wrong, id+" is surplus")
		} else if got := parsed([]byte(k.rows[t.Stream][id].raw)); !reflect.DeepEqual(got, w) {
			wrong = append(wrong, fmt.Sprintf("%s is stale: %v, want %v", id, got, w))
		}
		delete(want, id)
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		wrong = append(wrong, id+" is missing")
	}
	return strings.Join(wrong, "\n")
}

func parsed(raw []byte) (v any) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err.Error()
	}
	return v
}

// shelf is what a source may ask about a book.
type shelf struct{ *book }

// Absent implements engine.Local, for no census: all live rows.
func (s shelf) Absent(_ context.Context, stream, census, after string, limit int) ([]string, error) {
	if census != "" || after != "" {
		s.t.Errorf("asked for what the census %q has not met after %q", census, after)
	}
	ids := s.live(stream)
	return ids[:min(len(ids), limit)], nil
}

// Values implements engine.Local.
func (s shelf) Values(context.Context, string, string, []string) (map[string]string, error) {
	s.t.Error("no source of a bank asks for values")
	return nil, nil
}

// Referring implements engine.Local.
func (s shelf) Referring(context.Context, string, string) (map[string][]string, error) {
	s.t.Error("no source of a bank asks what refers to what")
	return nil, nil
}
