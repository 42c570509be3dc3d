package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// phase is a part of a run's time.
type phase int

// The phases, in the order in which the log tells them.
const (
	leasing    phase = iota // taking the lease
	collecting              // waiting for webhooks to gather
	tokening                // getting the access token, from memory, the vault or the provider
	pulling                 // waiting for the source without that: calls, their limits, reading the answers
	applying                // storing batches
	resting                 // all the rest: the agenda, the budget, checkpoints, the run's own record
	phases
)

var phaseNames = [phases]string{"lease", "collect", "token", "pull", "apply", "rest"}

// watch gives every moment of a run to one phase. Sources read ahead while a batch is stored: what they
// need a token for in that time costs the run nothing, and is not counted.
type watch struct {
	mu     sync.Mutex
	began  time.Time
	last   time.Time
	now    phase
	tokens int // calls that wait for a token
	spent  [phases]time.Duration
}

type watchKey struct{}

// start begins anew, with a phase.
func (w *watch) start(p phase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = time.Now()
	w.last, w.now, w.spent = w.began, p, [phases]time.Duration{}
}

// in begins a phase, which lasts until the returned function is called: then the one before goes on.
func (w *watch) in(p phase) (done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lap()
	before := w.now
	w.now = p
	return func() { w.back(before) }
}

func (w *watch) back(p phase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lap()
	w.now = p
}

// lap counts the time since the last change.
func (w *watch) lap() {
	p, now := w.now, time.Now()
	if p == pulling && w.tokens > 0 {
		p = tokening
	}
	w.spent[p] += now.Sub(w.last)
	w.last = now
}

func (w *watch) token(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lap()
	w.tokens += n
}

// attrs tells the phases, and what they come to. All but the last are cut to microseconds, as the log
// prints them; that one has what is left, so that they add up.
func (w *watch) attrs() (all []slog.Attr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lap()
	took := w.last.Sub(w.began).Round(time.Microsecond)
	rest := took
	for p := range resting {
		spent := w.spent[p].Truncate(time.Microsecond)
		rest -= spent
		all = append(all, slog.Duration(phaseNames[p], spent))
	}
	return append(all, slog.Duration(phaseNames[resting], rest), slog.Duration("took", took),
		slog.Int64("took_ms", took.Milliseconds())) // once more as a number, of which metrics are made
}

// Token tells the run of ctx that its source waits for a token, until the returned function is called.
// The run's log line has that time apart from the rest of the pull. Without a run it does nothing.
func Token(ctx context.Context) (got func()) {
	w, ok := ctx.Value(watchKey{}).(*watch)
	if !ok {
		return func() {}
	}
	w.token(1)
	return sync.OnceFunc(func() { w.token(-1) })
}
