package quickbooks_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
)

// TestGolden compares what client and catalog make of each testdata/*.json with the rows in the
// .golden file beside it. A new case is a file, named after its entity or cdc.
func TestGolden(t *testing.T) {
	if *update {
		record(t)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) < len(rehearsed) {
		t.Fatalf("%d recordings, %v; want at least %d", len(files), err, len(rehearsed))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			entity, _, _ := strings.Cut(filepath.Base(file), "_")
			got := retold(t, strings.TrimSuffix(entity, ".json"), body)
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v: run %s", err, again)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got); if that is right, run %s:\n%s", golden, again, diff)
			}
		})
	}
}

// retold lists the rows that an answer leads to, as text.
func retold(t *testing.T, entity string, body []byte) string {
	t.Helper()
	var out strings.Builder
	decoders := map[string]*catalog.Decoder{}
	tables := map[string]*catalog.Table{}
	list := quickbooks.Catalog()
	for i := range list {
		tables[list[i].Stream], decoders[list[i].Stream] = &list[i], catalog.NewDecoder(&list[i])
		if strings.EqualFold(list[i].Stream, entity) {
			entity = list[i].Stream
		}
	}
	row := func(stream string, raw []byte) error {
		id, _, err := tables[stream].Identify(raw)
		if err != nil {
			return err
		}
		if deleted(raw) {
			fmt.Fprintf(&out, "%s %s is deleted\n", stream, id)
			return nil
		}
		return decoders[stream].Decode(raw, func(r catalog.Row) error {
			tell(&out, id, r)
			return nil
		})
	}
	client := quickbooks.New(quickbooks.Options{
		API: "https://quickbooks.example", Realm: "1", HTTP: &http.Client{Transport: canned(body)}, Tokens: bearer{},
	})
	var err error
	if entity == "cdc" {
		_, err = client.Changes(t.Context(), []string{"Invoice"}, time.Now(), row)
	} else {
		_, err = client.Query(t.Context(), quickbooks.Query{Entity: entity}, func(raw []byte) error { return row(entity, raw) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// tell writes a row: its table and key, then a line for each column that is not null.
func tell(out io.Writer, id string, r catalog.Row) {
	fmt.Fprintf(out, "%s %s", r.Relation.Qualified(), id)
	if r.Relation.Parent != nil {
		fmt.Fprintf(out, " position %d", r.Position)
	}
	if r.Parent != 0 {
		fmt.Fprintf(out, " in %d", r.Parent)
	}
	fmt.Fprintln(out)
	for i, c := range r.Relation.Columns {
		if v := r.Values[i]; v.Valid {
			fmt.Fprintf(out, "\t%s %s\n", c.Name, told(v, c.Type))
		}
	}
}

func told(v catalog.Value, typ catalog.Type) string {
	switch typ {
	case catalog.Text:
		return fmt.Sprintf("%q", v.Text)
	case catalog.Boolean:
		return fmt.Sprint(v.Int == 1)
	case catalog.Integer:
		return fmt.Sprint(v.Int)
	case catalog.Date:
		return time.Unix(v.Int*24*60*60, 0).UTC().Format(time.DateOnly)
	case catalog.Timestamp:
		return time.UnixMicro(v.Int).UTC().Format(time.RFC3339Nano)
	}
	return string(v.Text)
}

// canned answers every request with itself.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c)), Request: r}, nil
}

type bearer struct{}

func (bearer) Access(context.Context) (string, error)        { return "token", nil }
func (bearer) Renew(context.Context, string) (string, error) { return "token", nil }
