package tenant_test

import (
	"context"
	"slices"
	"testing"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// TestLateRemains starts once more after the end, when ticks that were on their way and jobs/migrate have
// left something: it goes, and what others have stays.
func TestLateRemains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.two)
	before := w.picture()
	w.settle(w.slug)
	if _, _, err := w.eraser().Erase(t.Context(), w.slug); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Reject(t.Context(), "tick", "there is no such organisation", map[string]string{"org": string(w.slug)}, ""); err != nil {
		t.Fatal(err)
	}
	w.exec(`CREATE ROLE reader_` + string(w.slug) + ` IN ROLE countinghouse_reader`)
	if _, _, err := w.eraser().Erase(t.Context(), w.slug); err != nil {
		t.Fatal(err)
	}
	if diff := differ(before, w.picture()); len(diff) > 0 || w.hasReader(w.slug) || !w.hasReader(w.two) {
		t.Errorf("left of what came late: %q, its login: %v, the other's: %v", diff, w.hasReader(w.slug), w.hasReader(w.two))
	}
}

func (w *world) hasReader(slug org.Slug) (there bool) {
	w.Helper()
	if err := w.store.Pool.QueryRow(w.Context(), `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, "reader_"+string(slug)).Scan(&there); err != nil {
		w.Fatal(err)
	}
	return there
}

// migrating has jobs/migrate at work around the last step.
type migrating struct {
	tenant.Tenants
	before, after func()
}

func (m migrating) Forget(ctx context.Context, erasure int64, slug org.Slug) (tenant.Erasure, error) {
	m.before()
	x, err := m.Tenants.Forget(ctx, erasure, slug)
	m.after()
	return x, err
}

// TestMigrateMeanwhile has jobs/migrate make the reading login again before the organisation is gone: then it
// goes; or make organisation and login anew after that: then both stay.
func TestMigrateMeanwhile(t *testing.T) {
	t.Parallel()
	for _, anew := range []bool{false, true} {
		w := newWorld(t)
		w.settle(w.slug)
		migrate := func() {
			if err := w.store.EnsureOrganisation(t.Context(), org.Organisation{Slug: w.slug, Name: "Again"}); err != nil {
				t.Error(err)
			}
		}
		m := migrating{w.store.Owner, migrate, func() {}}
		if anew {
			m.before, m.after = m.after, m.before
		}
		e := w.eraser()
		e.Tenants = m
		if x, _, err := e.Erase(t.Context(), w.slug); err != nil || x.ReaderKept {
			t.Errorf("%+v, %v", x, err)
		}
		if got := w.hasReader(w.slug) && slices.Contains(w.roles(), "reader_"+string(w.slug)); got != anew {
			t.Errorf("made again after the end: %v, and the login is there: %v", anew, got)
		}
	}
}
