package postgres

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// programs.txz holds bin/initdb, bin/pg_ctl and bin/postgres: scripts that answer --version, and
// otherwise leave a file named "ran" beside themselves.
//
//go:embed testdata/programs.txz
var programs []byte

func TestFetchUnpacksAndRunsNothing(t *testing.T) {
	t.Parallel()
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	w, err := z.Create("postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(programs)
	z.Close()
	asked := 0
	maven := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".jar") {
			http.NotFound(w, r)
			return
		}
		asked++
		w.Write(jar.Bytes())
	}))
	defer maven.Close()

	o := Options{Cache: folder(t), Repository: maven.URL, Progress: func(string) {}}
	for range 2 {
		b, err := fetch(t.Context(), o, owner())
		if err != nil {
			t.Fatal(err)
		}
		if b.major != 17 {
			t.Errorf("major version %d", b.major)
		}
		if _, err := os.Stat(filepath.Join(b.dir, "ran")); err == nil {
			t.Error("a program was run")
		}
	}
	if asked != 1 {
		t.Errorf("downloaded %d times", asked)
	}
	left, err := filepath.Glob(filepath.Join(o.Cache, "download-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestNoPostgresAnywhere(t *testing.T) {
	maven := httptest.NewServer(http.NotFoundHandler())
	defer maven.Close()
	o := Options{Dir: "/somewhere", Cache: folder(t), Repository: maven.URL, Progress: func(string) {}}
	_, err := binaries(t.Context(), o, owner(), 99)
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"PostgreSQL 99", "install", "DATABASE_URL", "remove /somewhere"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestPGBINIsObeyed(t *testing.T) {
	dir := folder(t)
	t.Setenv("PG_BIN", dir)
	if _, err := binaries(context.Background(), Options{}, nil, 0); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}

func TestAdviceNamesAPackage(t *testing.T) {
	for goos, want := range map[string]string{"linux": "apt-get install postgresql", "darwin": "brew install", "windows": "install PostgreSQL"} {
		if got := advice(goos); !strings.Contains(got, want) || !strings.Contains(got, "DATABASE_URL") {
			t.Errorf("%s: %s", goos, got)
		}
	}
}
