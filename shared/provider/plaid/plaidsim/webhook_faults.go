package plaidsim

import (
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// WebhookFaults make webhooks go wrong in the ways that Plaid warns of, and in those of somebody who
// is not Plaid. The zero value of a field: never.
type WebhookFaults struct {
	Seed uint64

	Delay          time.Duration // before the first attempt
	DuplicateEvery int           // every so many accepted webhooks one is sent again
	DuplicateAfter time.Duration // that much later; 0: at once
	Reorder        int           // a webhook may overtake so many before it
	LoseEvery      int           // every so many webhooks one is never sent
	LosePerMille   int           // a share of the webhooks that is never sent, by chance

	Tamper      Tampering // what is wrong with attempts
	TamperEvery int       // with every so many of them; 0: with all
}

// faultState is the faults with their chances.
type faultState struct {
	WebhookFaults
	random   random
	accepted int
	attempts int
}

// Inject changes what goes wrong from now on.
func (w *Webhooks) Inject(f WebhookFaults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inject(f)
}

func (w *Webhooks) inject(f WebhookFaults) {
	w.faults = faultState{WebhookFaults: f, random: random{chance.Sequence(chance.Seed(f.Seed, "webhooks"))}}
}

// loses decides on webhook number n.
func (f *faultState) loses(n int) bool {
	if f.LoseEvery > 0 && n%f.LoseEvery == 0 {
		return true
	}
	return f.LosePerMille > 0 && f.random.Below(1000) < f.LosePerMille
}

// shuffle lets the newest webhook overtake some of those before it.
func (f *faultState) shuffle(waiting []*delivery) {
	if f.Reorder <= 0 {
		return
	}
	at := len(waiting) - 1
	for range f.random.Below(min(f.Reorder, at) + 1) {
		waiting[at], waiting[at-1] = waiting[at-1], waiting[at]
		at--
	}
}

// repeats decides whether an accepted webhook comes again.
func (f *faultState) repeats() bool {
	f.accepted++
	return f.DuplicateEvery > 0 && f.accepted%f.DuplicateEvery == 0
}

// tampers decides what is wrong with the next attempt.
func (f *faultState) tampers() Tampering {
	f.attempts++
	if f.TamperEvery > 0 && f.attempts%f.TamperEvery != 0 {
		return Genuine
	}
	return f.Tamper
}
