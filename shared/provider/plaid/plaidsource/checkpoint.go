package plaidsource

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// checkpoint is how far a stream is. Times are our own clock's, unless they say otherwise.
type checkpoint struct {
	At        time.Time `json:"at,omitzero"`        // it was read; zero: never
	Connected time.Time `json:"connected,omitzero"` // the consent that it was read under: another one may open more
	After     time.Time `json:"after,omitzero"`     // it failed: its timer waits until then
	Off       time.Time `json:"off,omitzero"`       // Plaid refused it: the bank, or the customer, does not have it
	Lacks     bool      `json:"lacks,omitempty"`    // the Item does not have it: asking would order it
	Sum       string    `json:"sum,omitempty"`      // of the last answer
	Reread    *reading  `json:"reread,omitempty"`   // it is to be read whole once more

	// Of transactions.
	Cursor string `json:"cursor,omitempty"` // changes up to here are stored
	Status string `json:"status,omitempty"` // how much of the bank's history Plaid had then

	Unswept bool `json:"unswept,omitempty"` // all was read when Plaid had not all of it: what is gone is still to be found

	// Of items.
	Item        string    `json:"item,omitempty"`
	Products    []string  `json:"products,omitempty"`
	Institution string    `json:"institution,omitempty"`
	ConsentEnds time.Time `json:"consent_ends,omitzero"`
	Ending      *told     `json:"ending,omitempty"`
	Offered     *told     `json:"offered,omitempty"`
	Trouble     string    `json:"trouble,omitempty"` // in words: why Plaid cannot read the bank, which the customer cannot mend
}

// told is when a webhook told of something.
type told struct {
	Told time.Time `json:"told"`
}

// reading is a reading again that was asked for.
type reading struct {
	Name   string `json:"name"`
	Verify bool   `json:"verify,omitempty"`
}

func (c checkpoint) raw() json.RawMessage {
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("a checkpoint is always JSON: %v", err))
	}
	return b
}

// parse reads a checkpoint. None is one that is at the start, and so is a damaged one: the stream is
// read from the beginning then, and what is gone is found.
func parse(raw json.RawMessage) *checkpoint {
	c := new(checkpoint)
	if len(raw) > 0 && json.Unmarshal(raw, c) != nil {
		return new(checkpoint)
	}
	return c
}

// incomplete reports whether Plaid has yet to read some of the bank's history. A state that nobody
// knows is not one that ends by itself.
func incomplete(status string) bool {
	return status == "" || status == plaid.NotReadyStatus || status == plaid.InitialComplete
}

// absent reports whether there is nothing to read of a stream for now.
func (c *checkpoint) absent() bool { return c.Lacks || !c.Off.IsZero() }

// loading reports whether a stream is in its first load, or is to be read again.
func (p *pull) loading(name string) bool {
	c := p.state[name]
	return !c.absent() && (c.At.IsZero() || c.Reread != nil || name == transactions && incomplete(c.Status))
}

// noted puts the present checkpoints of some streams into a batch.
func (p *pull) noted(b engine.Batch, names ...string) engine.Batch {
	for _, name := range names {
		if b.Checkpoints == nil {
			b.Checkpoints = engine.Checkpoints{}
		}
		if b.Checkpoints[name] == nil && p.loading(name) {
			b.Loading = append(b.Loading, name)
		}
		b.Checkpoints[name] = p.state[name].raw()
	}
	return b
}

// read makes c that of a stream that has just been read.
func (p *pull) read(c *checkpoint) {
	c.At, c.Connected, c.After, c.Off, c.Lacks = p.Now().UTC(), p.task.Connected, time.Time{}, time.Time{}, false
}
