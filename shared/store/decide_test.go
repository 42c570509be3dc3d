package store

import (
	"math/rand/v2"
	"testing"
)

func TestAfter(t *testing.T) {
	v := func(n int64) instant { return instant{n, true} }
	none := instant{}
	a, b := digest{1}, digest{2}
	live := func(version instant, d digest) change { return change{version: version, digest: d} }
	gone := func(version instant) change { return change{version: version, deletion: true} }
	row := func(version instant, d digest, deleted instant) state {
		return state{exists: true, content: true, version: version, digest: d, deleted: deleted}
	}
	mark := func(deleted instant) state { return state{exists: true, deleted: deleted} }
	seen := func(c change, at int64) change { c.seen = v(at); return c }
	into := func(c change, id string) change { c.merged = id; return c }
	merged := func(s state, id string) state { s.merged = id; return s }
	sure := func(c change) change { c.verified = true; return c }
	const now = 100
	for _, tt := range []struct {
		name    string
		have    state
		give    change
		want    state
		written bool
	}{
		{"new object", state{}, live(v(5), a), row(v(5), a, none), true},
		{"newer content", row(v(5), a, none), live(v(6), b), row(v(6), b, none), true},
		{"the same again", row(v(5), a, none), live(v(5), a), row(v(5), a, none), false},
		{"newer with the same bytes", row(v(5), a, none), live(v(6), a), row(v(6), a, none), true},
		{"other bytes of the same version", row(v(5), a, none), live(v(5), b), row(v(5), b, none), true},
		{"late older content", row(v(5), a, none), live(v(4), b), row(v(5), a, none), false},
		{"deletion", row(v(5), a, none), gone(v(6)), row(v(5), a, v(6)), false},
		{"deletion of the same instant", row(v(5), a, none), gone(v(5)), row(v(5), a, v(5)), false},
		{"late older deletion", row(v(5), a, none), gone(v(4)), row(v(5), a, none), false},
		{"deletion twice", row(v(5), a, v(6)), gone(v(6)), row(v(5), a, v(6)), false},
		{"later deletion", row(v(5), a, v(6)), gone(v(7)), row(v(5), a, v(7)), false},
		{"earlier deletion after a later one", row(v(5), a, v(7)), gone(v(6)), row(v(5), a, v(7)), false},
		{"late update does not undelete", row(v(5), a, v(7)), live(v(6), b), row(v(6), b, v(7)), true},
		{"update of the deletion's instant does not undelete", row(v(5), a, v(7)), live(v(7), b), row(v(7), b, v(7)), true},
		{"newer update undeletes", row(v(5), a, v(7)), live(v(8), b), row(v(8), b, none), true},
		{"deletion of what we never saw", state{}, gone(v(6)), mark(v(6)), false},
		{"older content fills a mark", mark(v(6)), live(v(5), a), row(v(5), a, v(6)), true},
		{"newer content revives a mark", mark(v(6)), live(v(7), a), row(v(7), a, none), true},
		{"later deletion of a mark", mark(v(6)), gone(v(8)), mark(v(8)), false},
		{"no version: new", state{}, live(none, a), row(none, a, none), true},
		{"no version: the same", row(none, a, none), live(none, a), row(none, a, none), false},
		{"no version: other bytes", row(none, a, none), live(none, b), row(none, b, none), true},
		{"no version: deletion", row(none, a, none), gone(none), row(none, a, v(now)), false},
		{"no version: deletion twice", row(none, a, v(50)), gone(none), row(none, a, v(50)), false},
		{"no version: back again unchanged", row(none, a, v(50)), live(none, a), row(none, a, none), false},
		{"no version: a mark is filled", mark(v(50)), live(none, digest{}), row(none, digest{}, none), true},
		{"no version: deletion of a row from the future", row(v(200), a, none), gone(none), row(v(200), a, v(200)), false},
		{"version after none", row(none, a, none), live(v(5), b), row(v(5), b, none), true},

		{"seen after its deletion", row(v(5), a, v(7)), seen(live(v(5), a), 8), row(v(5), a, none), false},
		{"seen at the instant of its deletion", row(v(5), a, v(7)), seen(live(v(5), a), 7), row(v(5), a, none), false},
		{"seen before its deletion", row(v(5), a, v(7)), seen(live(v(5), a), 6), row(v(5), a, v(7)), false},
		{"seen after its deletion, with older content", row(v(5), a, v(7)), seen(live(v(4), b), 8), row(v(5), a, none), false},
		{"a mark that is seen", mark(v(7)), seen(live(v(4), b), 8), row(v(4), b, none), true},
		{"gone, said to be older than the content", row(v(5), a, none), seen(gone(v(4)), 8), row(v(5), a, v(8)), false},
		{"gone, said to be newer than the content", row(v(5), a, none), seen(gone(v(6)), 8), row(v(5), a, v(6)), false},
		{"gone, nobody says when", row(v(5), a, none), seen(gone(none), 8), row(v(5), a, v(8)), false},
		{"gone before the content came", row(v(5), a, none), seen(gone(v(3)), 4), row(v(5), a, none), false},
		{"gone before the content came, nobody says when", row(v(5), a, none), seen(gone(none), 4), row(v(5), a, none), false},
		{"gone, and known to be", row(v(5), a, v(7)), seen(gone(v(4)), 9), row(v(5), a, v(7)), false},
		{"gone, never seen before", state{}, seen(gone(none), 8), mark(v(8)), false},
		{"no version: gone", row(none, a, none), seen(gone(none), 8), row(none, a, v(8)), false},

		{"merged", row(v(5), a, none), into(gone(v(6)), "9"), merged(row(v(5), a, v(6)), "9"), false},
		{"merged, never seen before", state{}, into(gone(v(6)), "9"), merged(mark(v(6)), "9"), false},
		{"merged, known to be deleted", row(v(5), a, v(6)), into(gone(v(6)), "9"), merged(row(v(5), a, v(6)), "9"), false},
		{"merged, but the loser has been changed since", row(v(5), a, none), into(gone(v(4)), "9"), row(v(5), a, none), false},
		{"merged, the loser stays inactive", row(v(5), a, none), into(live(v(6), b), "9"), merged(row(v(6), b, none), "9"), true},
		{"the survivor is merged too", merged(row(v(5), a, v(6)), "9"), into(gone(v(7)), "10"), merged(row(v(5), a, v(7)), "10"), false},
		{"merged, then rewritten", merged(row(v(5), a, none), "9"), live(v(6), b), merged(row(v(6), b, none), "9"), true},
		{"merged, then deleted", merged(row(v(5), a, none), "9"), gone(v(6)), merged(row(v(5), a, v(6)), "9"), false},
		{"merged, then undeleted", merged(row(v(5), a, v(6)), "9"), live(v(7), b), row(v(7), b, none), true},
		{"merged, then seen alive", merged(row(v(5), a, v(6)), "9"), seen(live(v(5), a), 8), row(v(5), a, none), false},

		{"verified, the same", row(v(5), a, none), sure(live(v(5), a)), row(v(5), a, none), false},
		{"verified, the row has a version from the future", row(v(9), a, none), sure(live(v(5), b)), row(v(5), b, none), true},
		{"verified, the row is marked as deleted", row(v(5), a, v(900)), sure(live(v(5), a)), row(v(5), a, none), true},
		{"verified, gone", row(v(5), a, none), sure(gone(v(6))), row(v(5), a, v(6)), false},
		{"verified, gone, the row has a version from the future", row(v(900), a, none), sure(gone(v(6))), row(v(900), a, v(now)), false},
		{"verified, gone at an instant, the row has a version from the future", row(v(900), a, none), sure(seen(gone(v(6)), 8)), row(v(900), a, v(8)), false},
	} {
		got, written := tt.have.after(tt.give, now)
		if got != tt.want || written != tt.written {
			t.Errorf("%s: got %+v, %v; want %+v, %v", tt.name, got, written, tt.want, tt.written)
		}
		if again, _ := got.after(tt.give, now); again != got {
			t.Errorf("%s: twice gives %+v, once %+v", tt.name, again, got)
		}
	}
}

// Whatever a provider does with an object, and however little its versions tell, the row ends as what
// it was last seen to have: changes that move no version, tombstones that are older than the content
// or are no tombstones at all, objects that come back as they were, late replays of older records.
func TestAfterEndsInWhatWasSeenLast(t *testing.T) {
	for seed := range uint64(5000) {
		random := rand.New(rand.NewPCG(seed, 7))
		chance := func(n int) bool { return random.IntN(n) == 0 }
		var s state
		var old []change                                              // records that may come again
		truth, exists := change{version: instant{1, true}}, chance(2) // what the provider has
		observe := func(now int64) change {
			c := truth
			if !exists {
				c = change{deletion: true}
				if chance(2) { // its tombstone, in its own time
					c.version = instant{max(1, truth.version.micros-int64(random.IntN(3))), true}
				}
			}
			c.seen = instant{now, true}
			return c
		}
		now := int64(10)
		for range random.IntN(30) {
			now += int64(random.IntN(3))
			switch random.IntN(6) {
			case 0:
				truth.version = instant{now, true}
				truth.digest[0]++
			case 1:
				exists = !exists // back as it was, too
			case 2:
				if len(old) > 0 { // a dead letter is replayed: it says nothing of now
					s, _ = s.after(old[random.IntN(len(old))], now)
				}
			case 3:
				if exists { // the feed of changes, nobody asked
					s, _ = s.after(truth, now)
					old = append(old, truth)
				}
			default:
				c := observe(now)
				s, _ = s.after(c, now)
				if again, written := s.after(c, now); again != s || written {
					t.Fatalf("seed %d: %+v twice: %+v, then %+v", seed, c, s, again)
				}
			}
		}
		now++
		c := observe(now)
		s, _ = s.after(c, now)
		if s.exists && s.deleted.known == exists || exists && (!s.content || s.version != truth.version || s.digest != truth.digest) {
			t.Fatalf("seed %d: the provider has it: %v, %+v; stored %+v", seed, exists, truth, s)
		}
		if len(old) > 0 && !exists { // the latest word stands, whatever comes late
			before := s
			if s, _ = s.after(old[random.IntN(len(old))], now); s.deleted != before.deleted {
				t.Fatalf("seed %d: a replay has undeleted %+v", seed, before)
			}
		}
	}
}
