package app

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// TestExport exports a company's books as a program that owns nothing: all of its rows, and no token.
func TestExport(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	w.attach("onpoint", onpointRealm)
	w.attach("powergen", powergenRealm)
	w.sync("onpoint")
	w.sync("powergen")
	folder := t.TempDir()
	var out bytes.Buffer
	if err := Export.Run(t.Context(), []string{"-org", "onpoint"}, append(w.vars, "EXPORT_FOLDER="+folder), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	path, says, _ := strings.Cut(out.String(), ": ")
	if filepath.Dir(path) != folder || !strings.Contains(says, " rows of ") {
		t.Fatalf("it says %q", &out)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var m tenant.Manifest
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if found := w.heard.in(string(text)); len(found) > 0 {
			t.Errorf("%s holds %q", f.Name, found)
		}
		if bytes.Contains(text, []byte(powergenRealm)) || bytes.Contains(text, []byte("powergen")) {
			t.Errorf("%s tells of another organisation", f.Name)
		}
		if f.Name == "manifest.json" {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(m.Files) < 20 {
		t.Errorf("%d files", len(m.Files))
	}
	for _, f := range m.Files {
		if strings.HasPrefix(f.Table, "quickbooks.") {
			if n := w.count(`SELECT count(*) FROM ` + f.Table + ` WHERE org_id = 'onpoint'`); int64(n) != f.Rows {
				t.Errorf("%s: %d rows of %d", f.Table, f.Rows, n)
			}
		}
	}
}

func TestExportArguments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, says string }{
		{"", "-org: "},
		{"-org onpoint", "say where: -to FOLDER, or EXPORT_FOLDER"},
		{"-org onpoint -to /none/such", "/none/such is not a folder"},
		{"onpoint", `"onpoint" is not an option`},
	} {
		if err := Export.Run(t.Context(), strings.Fields(tt.args), nowhere, io.Discard, io.Discard); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("export %s: %v, want it to say %q", tt.args, err, tt.says)
		}
	}
}
