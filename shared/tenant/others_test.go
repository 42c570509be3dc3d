package tenant_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// neighbours puts tables into the database that are not this platform's: one with columns of the same names,
// one of another type, one that somebody has copied.
func (w *world) neighbours() {
	w.Helper()
	w.exec(`CREATE SCHEMA crm AUTHORIZATION countinghouse_test_program`)
	w.exec(`CREATE TABLE crm.jobs AS SELECT c.id AS connection_id, 'theirs' AS what FROM sync.connections AS c`)
	w.exec(`ALTER SCHEMA public OWNER TO CURRENT_USER`)
	w.exec(`CREATE TABLE public.accounts AS SELECT 1 AS org_id`)
	w.exec(`CREATE TABLE public.invoices_before AS SELECT * FROM quickbooks.invoices`)
}

// TestTablesOfOthers erases and exports beside tables that are not ours: they stay as they are, and are told.
func TestTablesOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tables()...)
	w.settle(w.slug)
	w.neighbours()
	before := w.picture()
	done, err := w.exporter().Export(t.Context(), w.slug)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(done.Manifest.Files, func(f tenant.File) bool {
		return strings.HasPrefix(f.Table, "public.") || strings.HasPrefix(f.Table, "crm.")
	}) || !slices.ContainsFunc(done.Manifest.LeftOut, func(o tenant.Omission) bool { return strings.Contains(o.What, "public") }) {
		t.Errorf("%+v, left out %+v", done.Manifest.Files, done.Manifest.LeftOut)
	}
	var log bytes.Buffer
	e := w.eraser()
	e.Log = slog.New(slog.NewTextHandler(&log, nil))
	if _, _, err := e.Erase(t.Context(), w.slug); err != nil {
		t.Fatal(err)
	}
	after := w.picture()
	for _, name := range []string{"crm.jobs", "public.accounts", "public.invoices_before"} {
		if before[name] == "" || before[name] != after[name] {
			t.Errorf("%s held %q, and now %q", name, before[name], after[name])
		}
	}
	for name, told := range map[string]bool{"crm.jobs": true, "public.invoices_before": true, "public.accounts": false} {
		if got := strings.Contains(log.String(), "event=table_left org="+string(w.slug)+" table="+name); got != told {
			t.Errorf("%s is told: %v, want %v:\n%s", name, got, told, log.String())
		}
	}
}

// TestTableInTheWay wants a start to find out what it could not do before it has ended a login.
func TestTableInTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settle(w.slug)
	w.exec(`CREATE SCHEMA crm AUTHORIZATION countinghouse_test_program`)
	for _, tt := range []struct{ make, drop, says string }{
		{`CREATE TABLE sync.accounts AS SELECT 1 AS org_id`, `DROP TABLE sync.accounts`, "sync.accounts.org_id is of the type integer"},
		{`CREATE TABLE crm.notes (run bigint REFERENCES sync.runs (id))`, `DROP TABLE crm.notes`, "crm.notes refers to sync.runs"},
	} {
		w.exec(tt.make)
		before := w.picture()
		_, _, err := w.eraser().Erase(t.Context(), w.slug)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "nothing was ended or deleted") {
			t.Errorf("%v, want %q", err, tt.says)
		}
		if diff := differ(before, w.picture()); len(diff) > 0 || len(w.open()) != 2 || len(w.secrets) != 2 {
			t.Errorf("%s: it has begun all the same: %q, logins %q, secrets %v", tt.says, diff, w.open(), w.secrets)
		}
		w.exec(tt.drop)
	}
	if _, _, err := w.eraser().Erase(t.Context(), w.slug); err != nil {
		t.Error(err)
	}
}

// TestUnknownTable exports beside a table in a provider's schema that this version does not know, and that
// the job's login may not read.
func TestUnknownTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tables()...)
	w.settle(w.slug)
	w.exec(`CREATE TABLE quickbooks.invoices_before AS SELECT * FROM quickbooks.invoices`)
	done, err := w.exporter().Export(t.Context(), w.slug)
	if err != nil || !slices.ContainsFunc(done.Manifest.LeftOut, func(o tenant.Omission) bool { return o.What == "quickbooks.invoices_before" }) {
		t.Errorf("%+v, %v", done.Manifest.LeftOut, err)
	}
}
