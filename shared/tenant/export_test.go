package tenant_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// tables are those of the providers.
func tables() []catalog.Table { return slices.Concat(quickbooks.Catalog(), plaid.Catalog()) }

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.FixedZone("", 3600))

func (w *world) exporter() *tenant.Exporter {
	return &tenant.Exporter{Books: w.store.Store, Folder: w.TempDir(), Version: "v1", Now: func() time.Time { return noon }}
}

// unpacked reads an export.
func unpacked(t testing.TB, path string) (m tenant.Manifest, files map[string][]byte) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files = map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	return m, files
}

// TestExportLoads exports an organisation that has rows in every table, loads it into an empty database by
// plain COPY, and wants the same text of every value that was to be exported.
func TestExportLoads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tables()...)
	w.settle(w.slug)
	w.settle(w.two)
	done, err := w.exporter().Export(t.Context(), w.slug)
	if err != nil {
		t.Fatal(err)
	}
	if want := string(w.slug) + "-20260131T110000Z.zip"; filepath.Base(done.Path) != want {
		t.Errorf("%s, want %s", done.Path, want)
	}
	if at, err := os.Stat(done.Path); err != nil || at.Mode().Perm() != 0o600 || at.Size() != done.Size {
		t.Errorf("%v, %v: want a file for its owner of %d bytes", at, err, done.Size)
	}
	m, files := unpacked(t, done.Path)
	if m.Organisation.Slug != w.slug || m.Organisation.Name != "The ("+string(w.slug)+")" || !m.ExportedAt.Equal(noon) || m.Version != "v1" || m.Schema < 80 || m.Leaving || len(m.LeftOut) < 5 {
		t.Errorf("manifest: %+v", m)
	}
	if len(m.Files) < 100 || len(files) != len(m.Files)+1 {
		t.Errorf("%d files in the manifest, %d in the archive", len(m.Files), len(files))
	}
	for name := range columnsOf(w, w.store.Pool) {
		provider := strings.HasPrefix(name, "quickbooks.") || strings.HasPrefix(name, "plaid.")
		if provider && !slices.ContainsFunc(m.Files, func(f tenant.File) bool { return f.Table == name }) {
			t.Errorf("%s is not in it", name)
		}
	}
	if !strings.Contains(m.HowToLoad, "import the files as text") {
		t.Errorf("it does not say what spreadsheets do with cells that begin with =: %s", m.HowToLoad)
	}
	fresh := storetest.New(t)
	for _, f := range m.Files {
		sum := sha256.Sum256(files[f.Name])
		if hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(files[f.Name])) != f.Bytes || f.Rows == 0 {
			t.Errorf("%s is not what the manifest says: %+v", f.Name, f)
		}
		load(t, fresh, f, files[f.Name])
	}
	for _, f := range m.Files {
		if got, want := texts(t, fresh, f, ""), texts(t, w.store, f, string(w.slug)); got != want {
			t.Errorf("%s: loaded it is\n%.2000s\nwant\n%.2000s", f.Table, got, want)
		}
	}
	if all := string(bytes.Join(valuesOf(files), nil)); strings.Contains(all, string(w.two)) || !strings.Contains(all, "12345678901234567890123456789.12345678901234567890") {
		t.Error("another's rows are in it, or amounts are not as they were")
	}
}

func valuesOf(files map[string][]byte) (all [][]byte) {
	for _, b := range files {
		all = append(all, b)
	}
	return all
}

func load(t *testing.T, into *storetest.Store, f tenant.File, text []byte) {
	t.Helper()
	conn, err := into.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	tag, err := conn.Conn().PgConn().CopyFrom(t.Context(), bytes.NewReader(text), f.Load)
	if err != nil || tag.RowsAffected() != f.Rows {
		t.Errorf("%s: %d of %d rows, %v", f.Load, tag.RowsAffected(), f.Rows, err)
	}
}

// texts returns the exported columns' values as PostgreSQL shows them, of one organisation or of all.
func texts(t *testing.T, from *storetest.Store, f tenant.File, slug string) (text string) {
	t.Helper()
	var quoted []string
	for _, c := range f.Columns {
		quoted = append(quoted, pgx.Identifier{c}.Sanitize())
	}
	where := "true"
	switch {
	case slug == "":
	case slices.Contains(f.Columns, "org_id"):
		where = "org_id = '" + slug + "'"
	case slices.Contains(f.Columns, "slug"):
		where = "slug = '" + slug + "'"
	default:
		where = "connection_id IN (SELECT id FROM sync.connections WHERE org_id = '" + slug + "')"
	}
	schema, name, _ := strings.Cut(f.Table, ".")
	err := from.Pool.QueryRow(t.Context(), `SELECT string_agg(r::text, E'\n' ORDER BY r::text COLLATE "C") FROM (SELECT `+strings.Join(quoted, ", ")+
		` FROM `+pgx.Identifier{schema, name}.Sanitize()+` WHERE `+where+`) AS r`).Scan(&text)
	if err != nil {
		t.Fatal(f.Table, err)
	}
	return text
}

// TestExportHoldsNoSecret puts a marker into every column in which a token could stand.
func TestExportHoldsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tables()...)
	w.settle(w.slug)
	for _, sql := range []string{
		`UPDATE sync.connections SET parked_token = 'top-secret', lease_holder = 'top-secret'`,
		`UPDATE sync.streams SET checkpoint = '{"cursor":"top-secret"}'`,
		`UPDATE sync.connect_states SET memo = 'top-secret'`,
		`UPDATE sync.token_journal SET detail = 'top-secret'`,
		`UPDATE sync.parts SET records = 'top-secret'`,
		`UPDATE sync.census SET record_id = 'top-secret' || connection_id || record_id`,
		`UPDATE sync.rejected_messages SET body = 'top-secret'`,
	} {
		w.exec(sql)
	}
	done, err := w.exporter().Export(t.Context(), w.slug)
	if err != nil {
		t.Fatal(err)
	}
	_, files := unpacked(t, done.Path)
	for name, text := range files {
		for _, form := range []string{"top-secret", hex.EncodeToString([]byte("top-secret"))} {
			if bytes.Contains(text, []byte(form)) {
				t.Errorf("%s holds a secret", name)
			}
		}
	}
}

// TestExportIsOneInstant changes rows while they are copied.
func TestExportIsOneInstant(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tables()...)
	w.settle(w.slug)
	x := w.exporter()
	x.Books = during{w.store, func() {
		w.exec(`DELETE FROM sync.runs`)
		w.exec(`UPDATE quickbooks.invoices SET doc_number = 'changed meanwhile'`)
	}}
	done, err := x.Export(t.Context(), w.slug)
	if err != nil {
		t.Fatal(err)
	}
	m, files := unpacked(t, done.Path)
	runs := slices.IndexFunc(m.Files, func(f tenant.File) bool { return f.Table == "sync.runs" })
	if runs < 0 || m.Files[runs].Rows != 4 || bytes.Contains(files["tables/quickbooks.invoices.csv"], []byte("meanwhile")) {
		t.Errorf("what was written after the beginning is in it: %+v", m.Files)
	}
}

// during is books in which something happens once a snapshot has been taken.
type during struct {
	tenant.Books
	happens func()
}

func (d during) Snapshot(ctx context.Context, slug org.Slug, f func(tenant.Snapshot) error) error {
	return d.Books.Snapshot(ctx, slug, func(s tenant.Snapshot) error {
		d.happens()
		return f(s)
	})
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tables()...)
	w.settle(w.slug)
	x := w.exporter()
	folder := x.Folder
	empty := func(when string) {
		t.Helper()
		if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
			t.Errorf("%s: %v is left, %v", when, left, err)
		}
	}
	if _, err := x.Export(t.Context(), "nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown organisation: %v", err)
	}
	empty("an unknown organisation")
	x.Folder = filepath.Join(folder, "none")
	if _, err := x.Export(t.Context(), w.slug); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "none is not a folder") {
		t.Errorf("no folder: %v", err)
	}
	x.Folder = folder
	stopped, stop := context.WithCancel(t.Context())
	x.Books = during{w.store, stop}
	if _, err := x.Export(stopped, w.slug); !fault.Is(err, fault.Stopped) {
		t.Errorf("stopped half-way: %v", err)
	}
	empty("stopped half-way")
	x.Books = w.store
	if _, err := x.Export(t.Context(), w.slug); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Export(t.Context(), w.slug); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same second: %v", err)
	}
}

// TestExportWhileErasing refuses what could not be whole.
func TestExportWhileErasing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tables()...)
	w.settle(w.slug)
	x, err := w.store.Owner.Leave(t.Context(), w.slug, "v1")
	if err != nil {
		t.Fatal(err)
	}
	done, err := w.exporter().Export(t.Context(), w.slug)
	if err != nil || !done.Manifest.Leaving {
		t.Errorf("leaving, with all its rows: %+v, %v", done.Manifest.Leaving, err)
	}
	if err := w.store.Owner.DropRows(t.Context(), x.ID, w.slug, func(string, int64) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.exporter().Export(t.Context(), w.slug); !fault.Is(err, fault.Conflict) {
		t.Errorf("without its rows: %v", err)
	}
}
