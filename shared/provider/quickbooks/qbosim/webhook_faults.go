package qbosim

import (
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// WebhookFaults make deliveries go wrong in the ways that Intuit warns of. The zero value of a field: never.
type WebhookFaults struct {
	Seed uint64

	DuplicateEvery int           // every so many accepted deliveries one is sent again
	DuplicateAfter time.Duration // that much later; 0: at once
	Reorder        int           // an event may overtake so many before it
	LoseEvery      int           // every so many events one is never sent
	LosePerMille   int           // a share of the events that is never sent, by chance
	Split          int           // most events in one delivery, so that what belongs together comes apart
}

// faultState is the faults with their chances.
type faultState struct {
	WebhookFaults
	random   chance.Sequence
	accepted int
}

// Inject changes what goes wrong from now on.
func (w *Webhooks) Inject(f WebhookFaults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inject(f)
}

func (w *Webhooks) inject(f WebhookFaults) {
	w.faults = faultState{WebhookFaults: f, random: chance.Sequence(chance.Seed(f.Seed, "webhooks"))}
}

// loses decides on event number n.
func (f *faultState) loses(n int) bool {
	if f.LoseEvery > 0 && n%f.LoseEvery == 0 {
		return true
	}
	return f.LosePerMille > 0 && f.random.Below(1000) < f.LosePerMille
}

// shuffle lets the newest event overtake some of those before it.
func (f *faultState) shuffle(waiting []Event) {
	if f.Reorder <= 0 {
		return
	}
	at := len(waiting) - 1
	for range f.random.Below(min(f.Reorder, at) + 1) {
		waiting[at], waiting[at-1] = waiting[at-1], waiting[at]
		at--
	}
}

// repeats decides whether an accepted delivery comes again.
func (f *faultState) repeats() bool {
	f.accepted++
	return f.DuplicateEvery > 0 && f.accepted%f.DuplicateEvery == 0
}
