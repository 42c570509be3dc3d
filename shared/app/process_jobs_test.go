package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// stops asks a job to stop that has come to some point, lets what it waits for come, and wants it to say
// with its status that it is not done.
func (r *process) stops(release func()) {
	r.Helper()
	r.term()
	if release != nil {
		release()
	}
	r.ends(1)
	if !strings.Contains(r.said.String(), "stopped") && !strings.Contains(r.said.String(), "cancel") {
		r.Errorf("it does not say that it was stopped:\n%s", r.said)
	}
}

// agree compares a company with the database.
func (w *whole) agree(c org.Connection) {
	w.Helper()
	for _, table := range quickbooks.Catalog() {
		diff, err := storetest.Compare(w.Context(), w.store.Pool, c.ID, &table, w.sim.Company(c.Account).All(table.Stream))
		if err != nil {
			w.Fatal(err)
		}
		if !diff.Empty() {
			w.Errorf("%s differs: %v", table.Stream, diff)
		}
	}
}

func isQuery(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/query") }

// A job that reads is stopped while QuickBooks answers. Its next start goes on, and all is there.
func TestStoppedJobThatReads(t *testing.T) {
	for folder, args := range map[string][]string{"jobs/backfill": {"-all"}, "jobs/reconcile": {"-all", "-full"}} {
		t.Run(folder, func(t *testing.T) {
			w := newWhole(t, qbosim.Config{NoLimits: true})
			c := w.attach("onpoint", onpointRealm)
			w.sync("onpoint")
			w.spoil(`DELETE FROM quickbooks.customers`)
			w.spoil(`UPDATE quickbooks.invoices SET total_amt = total_amt + 1`)
			met, release := w.held(isQuery)
			job := w.begin(folder, w.vars, args...)
			<-met
			job.stops(release)
			if w.count(`SELECT count(*) FROM sync.connections WHERE lease_until > now()`) != 0 {
				t.Error("the lease was not given back")
			}
			w.finishes(folder, w.vars, args...)
			w.agree(c)
		})
	}
}

// A migration of an empty database waits for its turn.
func TestStoppedMigration(t *testing.T) {
	p := newPlace(t)
	url := p.empty()
	other, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(t.Context())
	if _, err := other.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, lock.DefaultLockID); err != nil {
		t.Fatal(err)
	}
	vars := append(p.asOwner(), "DATABASE_URL="+url)
	job := p.begin("jobs/migrate", vars)
	p.until("the job to ask for its turn", func() bool {
		return p.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%pg_try_advisory_lock%'`, other.Config().Database) > 0
	})
	job.stops(nil)
	if _, err := other.Exec(t.Context(), `SELECT pg_advisory_unlock($1)`, lock.DefaultLockID); err != nil {
		t.Fatal(err)
	}
	p.finishes("jobs/migrate", vars)
	var n int
	if err := other.QueryRow(t.Context(), `SELECT count(*) FROM sync.organisations`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d organisations, %v; want 2", n, err)
	}
}

// empty makes another database, with nothing in it, and returns its address for the owner.
func (p *place) empty() string {
	p.Helper()
	at, err := url.Parse(p.store.URL)
	if err != nil {
		p.Fatal(err)
	}
	name := "empty_" + strings.ToLower(rand.Text())
	if _, err := p.store.Pool.Exec(p.Context(), "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		p.store.Pool.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") //nolint:errcheck // the server goes, too
	})
	at.Path = "/" + name
	return at.String()
}

// jobs/daily is stopped while it ends a login that nobody uses. Its next start does so.
func TestStoppedHousekeeping(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	c := w.attach("onpoint", onpointRealm)
	w.spoil(`UPDATE sync.connections SET state = 'connecting', connected_at = NULL`)
	met, release := w.held(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/tokens/revoke") })
	job := w.begin("jobs/daily", w.vars)
	<-met
	job.stops(release)
	w.spoil(`UPDATE sync.connections SET lease_until = NULL, clearing_at = NULL`) // ten minutes later
	w.finishes("jobs/daily", w.vars)
	if n := w.count(`SELECT count(*) FROM sync.connections WHERE id = $1 AND state = 'connecting'`, c.ID); n != 0 {
		t.Error("the attempt to connect is still there")
	}
}

// jobs/export leaves no file that is half written.
func TestStoppedExport(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	folder := t.TempDir()
	files := func() []string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	waited, release := w.locked("quickbooks.invoices")
	job := w.begin("jobs/export", w.vars, "-org", "onpoint", "-to", folder)
	waited()
	job.stops(nil)
	release()
	if left := files(); len(left) != 0 {
		t.Errorf("it leaves %v", left)
	}
	w.finishes("jobs/export", w.vars, "-org", "onpoint", "-to", folder)
	if done := files(); len(done) != 1 {
		t.Errorf("the next start writes %v, want one file", done)
	} else if info, err := os.Stat(done[0]); err != nil || info.Size() == 0 {
		t.Error(info, err)
	}
}

// jobs/erase is stopped while it erases rows. Its next start ends it.
func TestStoppedErasure(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	args := []string{"-org", "onpoint", "-confirm", "onpoint"}
	waited, release := w.locked("quickbooks.invoices")
	job := w.begin("jobs/erase", w.asOwner(), args...)
	waited()
	job.stops(release)
	began := time.Now()
	w.finishes("jobs/erase", w.asOwner(), args...)
	if n := w.count(`SELECT count(*) FROM sync.organisations WHERE slug = 'onpoint'`) + w.invoices(); n != 0 {
		t.Errorf("%d rows are left after the next start, which took %s", n, time.Since(began))
	}
}
