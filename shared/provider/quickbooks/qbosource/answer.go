package qbosource

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// answer is what a call of change data capture gives.
type answer struct {
	pull     *pull
	found    *builder
	doubtful map[string]bool // streams with tombstones that could not be confirmed
	told     map[int64]int   // changes that are stored already, because a webhook had told of them, by their second
	untold   []untold        // and those that are not
}

// untold is a change that nothing had told of.
type untold struct {
	at    time.Time
	known bool // the object was here before, and still is: the change may have followed from another
}

// end stores the last of an answer, and how far the streams are with it.
func (a *answer) end(streams []string, at time.Time) error {
	p := a.pull
	return a.flush(func(b engine.Batch) engine.Batch {
		for _, name := range streams {
			if a.doubtful[name] {
				continue
			}
			c := p.state[name]
			c.Since, c.Refused = latest(c.Since, p.sane(at)), time.Time{}
			b = p.noted(b, name)
		}
		if p.judging {
			b.Swept = a.swept(at)
		}
		return b
	})
}

// flush yields what has been found, with what last adds to it.
func (a *answer) flush(last func(engine.Batch) engine.Batch) error {
	b := engine.Batch{}
	records, gone, err := a.confirmed(a.found.batch().Records)
	if err != nil {
		return err
	}
	b.Records = records
	for name, ids := range gone {
		if b, err = a.pull.owe(b, name, ids); err != nil {
			return err
		}
	}
	if b, err = a.retired(b); err != nil {
		return err
	}
	if err := a.judge(records); err != nil {
		return err
	}
	if last != nil {
		b = last(b)
	}
	if err := a.pull.pass(b); err != nil {
		return err
	}
	a.found.reset()
	return nil
}

// retired finds the objects of lists that have just been made inactive. That may be because they were
// merged into others, so what refers to them is read again.
func (a *answer) retired(b engine.Batch) (engine.Batch, error) {
	ids := map[string][]string{}
	for _, r := range b.Records {
		if a.pull.tables[r.Stream].Merges && !r.Deleted && r.Problem == "" && inactive(r.Raw) {
			ids[r.Stream] = append(ids[r.Stream], r.ID)
		}
	}
	for name, all := range ids {
		was, err := a.pull.task.Local.Values(a.pull.ctx, name, "Active", all)
		if err != nil {
			return b, err
		}
		now := slices.DeleteFunc(all, func(id string) bool { return was[id] != "true" })
		if b, err = a.pull.owe(b, name, now); err != nil {
			return b, err
		}
	}
	return b, nil
}

// confirmed asks for the objects that are said to be deleted: change data capture has been seen to
// call a living object so. It returns the records that hold, and by stream what is gone. A stream
// whose tombstones cannot be confirmed fails alone.
func (a *answer) confirmed(records []engine.Record) (kept []engine.Record, gone map[string][]string, err error) {
	said := tombstones(records)
	if len(said) == 0 {
		return records, nil, nil
	}
	p, at, gone := a.pull, map[object]time.Time{}, map[string][]string{}
	var living []engine.Record
	for name, ids := range said {
		err := func() error {
			for chunk := range slices.Chunk(ids, maxAsked) {
				none, some, clock, err := p.confirm(name, chunk)
				if err != nil {
					return err
				}
				for _, id := range none {
					at[object{name, id}] = clock
				}
				gone[name], living = append(gone[name], none...), append(living, some...)
			}
			return nil
		}()
		a.doubtful[name] = a.doubtful[name] || err != nil
		if err := p.isolate(name, err); err != nil {
			return nil, nil, err
		}
	}
	for _, r := range records {
		if r.Deleted && r.Problem == "" {
			clock, ok := at[object{r.Stream, r.ID}]
			if !ok {
				continue
			}
			r.Seen = clock
		}
		kept = append(kept, r)
	}
	return append(kept, living...), gone, nil
}

func tombstones(records []engine.Record) map[string][]string {
	ids := map[string][]string{}
	for _, r := range records {
		if r.Deleted && r.Problem == "" {
			ids[r.Stream] = append(ids[r.Stream], r.ID)
		}
	}
	return ids
}

// promptly is how soon webhooks have come: Intuit gathers events for up to five minutes.
const promptly = 5 * time.Minute

// swept says how webhooks have done. What they told of counts however young it is; what they did not
// only once they must have. An invoice is given a new SyncToken in the second of the payment that is
// applied to it, and no webhook is promised for that: a change of an object that was here, in the
// second of one that was told of, is taken to follow from it.
func (a *answer) swept(at time.Time) *engine.Swept {
	s := &engine.Swept{}
	for _, n := range a.told {
		s.Found += n
	}
	for _, u := range a.untold {
		follows := u.known && a.told[u.at.Unix()] > 0
		if !follows && at.Sub(u.at) >= promptly {
			s.Found++
			s.Missed++
		}
	}
	return s
}

// judge compares people's changes since the last sweep with what is stored. A change that only
// follows from another one, as a balance does, leaves the SyncToken alone: no webhook tells of it.
func (a *answer) judge(records []engine.Record) error {
	p := a.pull
	made := map[string][]engine.Record{}
	for _, r := range records {
		if p.judging && r.Problem == "" && quickbooks.HasWebhooks(r.Stream) && r.Version.After(p.state[r.Stream].Since) {
			made[r.Stream] = append(made[r.Stream], r)
		}
	}
	for name, records := range made {
		ids := make([]string, len(records))
		for i, r := range records {
			ids[i] = r.ID
		}
		tokens, err := p.task.Local.Values(p.ctx, name, "SyncToken", ids)
		if err != nil {
			return err
		}
		versions, err := p.task.Local.Values(p.ctx, name, p.tables[name].Version, ids)
		if err != nil {
			return err
		}
		for _, r := range records {
			token, here := tokens[r.ID]
			switch {
			case r.Deleted && !here: // nobody can tell whether it ever was
			case r.Deleted || !here || token != syncToken(r.Raw):
				a.untold = append(a.untold, untold{r.Version, here && !r.Deleted})
			case same(versions[r.ID], r.Version):
				a.told[r.Version.Unix()]++
			}
		}
	}
	return nil
}

func syncToken(raw []byte) string {
	var o struct{ SyncToken string }
	json.Unmarshal(raw, &o) //nolint:errcheck // without one it is empty
	return o.SyncToken
}

// same reports whether a timestamp, as the database prints it, is at.
func same(printed string, at time.Time) bool {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, printed); err == nil {
			return t.Equal(at)
		}
	}
	return false
}
