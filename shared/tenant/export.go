package tenant

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Books is where an organisation's rows are.
type Books interface {
	// Snapshot calls f with the organisation as it is at one instant, however long f takes and
	// whatever is written meanwhile. fault.NotFound: there is no such organisation; fault.Conflict: some
	// of its rows have been erased already. An error of f's is returned as it is.
	Snapshot(ctx context.Context, slug org.Slug, f func(Snapshot) error) error
}

// Snapshot is an organisation at one instant.
type Snapshot interface {
	// About says whose snapshot it is.
	About() About
	// Tables returns those that have rows of the organisation, in an order in which they can be loaded.
	Tables() []Table
	// Copy writes a table's rows as CSV, as PostgreSQL writes it: a line of column names first, instants
	// in UTC, numerics digit for digit, bytes as \x and hexadecimal digits, null as nothing and the empty
	// text as "".
	Copy(ctx context.Context, t Table, w io.Writer) (rows int64, err error)
}

// About is what a snapshot is of.
type About struct {
	Organisation org.Organisation
	Schema       int64      // the newest migration that has run
	Leaving      bool       // its erasing has begun: no sync has changed it since
	LeftOut      []Omission // what is not in Tables
}

// Table is one table's part in an export.
type Table struct {
	Name    string // such as quickbooks.invoices
	Columns []string
	Load    string // the COPY statement that loads Copy's text into a migrated database
}

// Omission is something that an export does not hold, and why.
type Omission struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Manifest is manifest.json, the last file of an export.
type Manifest struct {
	Organisation struct {
		Slug org.Slug `json:"slug"`
		Name string   `json:"name"`
	} `json:"organisation"`
	ExportedAt time.Time  `json:"exported_at"` // UTC
	Version    string     `json:"version"`     // of the program
	Schema     int64      `json:"schema_version"`
	Leaving    bool       `json:"leaving"`
	HowToLoad  string     `json:"how_to_load"`
	Files      []File     `json:"files"`
	LeftOut    []Omission `json:"left_out"`
}

// File is one CSV file of an export.
type File struct {
	Name    string   `json:"file"` // tables/quickbooks.invoices.csv
	Table   string   `json:"table"`
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"` // of the file unpacked, hexadecimal
	Columns []string `json:"columns"`
	Load    string   `json:"load"`
}

const howToLoad = "The files are in an order in which they can be loaded into a database that jobs/migrate has brought to schema_version or later: " +
	"run each file's \"load\" with the file as standard input, for example psql -c \"$load\" < file. Numbers of rows keep their values; " +
	"where more is to be written to the tables of the schema sync, move their sequences beyond them first. " +
	"Values are as they are, and some were typed by strangers: spreadsheets run cells that begin with = + - or @, so import the files as text."

// write writes the snapshot as a zip file. What it holds in memory does not grow with the rows.
func write(ctx context.Context, s Snapshot, w io.Writer, version string, now time.Time) (Manifest, error) {
	a := s.About()
	m := Manifest{ExportedAt: now.UTC(), Version: version, Schema: a.Schema, Leaving: a.Leaving, HowToLoad: howToLoad, LeftOut: a.LeftOut}
	m.Organisation.Slug, m.Organisation.Name = a.Organisation.Slug, a.Organisation.Name
	out := &sink{w: w}
	buffered := bufio.NewWriterSize(out, 1<<18)
	z := zip.NewWriter(buffered)
	for _, t := range s.Tables() {
		f, err := add(ctx, s, t, z, m.ExportedAt)
		if err != nil {
			return m, out.or(err)
		}
		m.Files = append(m.Files, f)
	}
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return m, err
	}
	entry, err := z.CreateHeader(header("manifest.json", m.ExportedAt))
	if err == nil {
		_, err = entry.Write(append(text, '\n'))
	}
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = buffered.Flush()
	}
	return m, out.or(err)
}

func header(name string, at time.Time) *zip.FileHeader {
	return &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at}
}

// add writes one table's file.
func add(ctx context.Context, s Snapshot, t Table, z *zip.Writer, at time.Time) (File, error) {
	f := File{Name: "tables/" + t.Name + ".csv", Table: t.Name, Columns: t.Columns, Load: t.Load}
	entry, err := z.CreateHeader(header(f.Name, at))
	if err != nil {
		return f, err
	}
	sum, size := sha256.New(), counter(0)
	f.Rows, err = s.Copy(ctx, t, io.MultiWriter(entry, sum, &size))
	f.Bytes, f.SHA256 = int64(size), hex.EncodeToString(sum.Sum(nil))
	if err != nil {
		return f, fmt.Errorf("export %s: %w", t.Name, err)
	}
	return f, nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// sink remembers why it could not be written to: what reads from the database would tell of a
// connection that broke.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}

// or returns why the sink failed, if it did, else err.
func (s *sink) or(err error) error {
	if s.err != nil {
		return fault.Wrap(fault.Unavailable, "the export cannot be written", s.err)
	}
	return err
}
