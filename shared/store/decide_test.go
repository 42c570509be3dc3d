package store

import "testing"

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
