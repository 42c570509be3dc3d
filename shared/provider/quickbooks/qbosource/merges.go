package qbosource

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// owe adds to a batch that brings the end of some objects what is to be read again because of it.
//
// Objects of a list that can be merged are not deleted in QuickBooks: one that is gone was merged
// into another. What referred to it refers to the survivor now, and QuickBooks moves no timestamp
// there. The debt is noted with the streams that refer to it, so that it outlives a crash.
func (p *pull) owe(b engine.Batch, name string, gone []string) (engine.Batch, error) {
	if !p.tables[name].Merges {
		return b, nil
	}
	for _, id := range gone {
		refers, err := p.task.Local.Referring(p.ctx, name, id)
		if err != nil {
			return b, err
		}
		for _, stream := range p.streams {
			if len(refers[stream]) == 0 {
				continue
			}
			if !p.askable(stream) {
				b = p.soon(b, stream)
				continue
			}
			c, o := p.state[stream], object{name, id}
			if !slices.Contains(c.Merged, o) {
				c.Merged = append(c.Merged, o)
			}
			b = p.noted(b, stream)
		}
	}
	return b, nil
}

// merged reads again what refers to objects that were merged into others.
func (p *pull) merged() error {
	if p.task.Floor > engine.Sweeping {
		return nil
	}
	for _, name := range p.streams {
		if err := p.isolate(name, p.settle(name, p.state[name])); err != nil {
			return err
		}
	}
	return nil
}

// settle pays a stream's debts.
func (p *pull) settle(name string, c *checkpoint) error {
	for len(c.Merged) > 0 && c.Off.IsZero() {
		if err := p.referring(name, c.Merged[0]); err != nil {
			return err
		}
		c.Merged = c.Merged[1:]
		if err := p.pass(p.noted(engine.Batch{}, name)); err != nil {
			return err
		}
	}
	return nil
}

// referring reads again the objects of a stream that refer to gone. Those that still do are read once.
func (p *pull) referring(name string, gone object) error {
	read := map[string]bool{}
	for {
		refers, err := p.task.Local.Referring(p.ctx, gone.Stream, gone.ID)
		if err != nil {
			return err
		}
		ids := missing(refers[name], read)
		if len(ids) == 0 {
			return nil
		}
		for chunk := range slices.Chunk(ids, maxAsked) {
			b, err := p.ask(name, chunk, nil)
			if err != nil {
				return err
			}
			if err := p.pass(b); err != nil {
				return err
			}
			for _, id := range chunk {
				read[id] = true
			}
		}
	}
}
