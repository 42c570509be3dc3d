package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// scroll is books of one table with so many bytes.
type scroll int

func (s scroll) Snapshot(_ context.Context, _ org.Slug, f func(Snapshot) error) error { return f(s) }
func (scroll) About() About                                                           { return About{} }
func (scroll) Tables() []Table                                                        { return []Table{{Name: "t"}} }

// Copy is told of a broken writer as PostgreSQL's client tells: as a connection that is gone.
func (s scroll) Copy(_ context.Context, _ Table, w io.Writer) (int64, error) {
	line := make([]byte, 1000)
	for i := range int(s) / len(line) {
		for j := range line { // that no compression makes small
			line[j] = byte(i*7919+j*j*31+i*j) ^ byte(i>>3)
		}
		if _, err := w.Write(line); err != nil {
			return 0, fault.New(fault.Unavailable, "conn closed")
		}
	}
	return 1, nil
}

// full is a file on a disk that has room for so many bytes, or fails at its end.
type full struct {
	*os.File
	room int
	sync error
}

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return f.File.Write(p)
}

func (f *full) Sync() error { return errors.Join(f.sync, f.File.Sync()) }

func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		room int
		sync error
	}{
		{"from the beginning", 0, nil},
		{"in the middle", 300_000, nil},
		{"at the last byte", 1 << 30, syscall.ENOSPC},
	} {
		folder := t.TempDir()
		x := Exporter{Books: scroll(4 << 20), Folder: folder, Now: time.Now, create: func(folder, pattern string) (file, error) {
			f, err := os.CreateTemp(folder, pattern)
			return &full{f, tt.room, tt.sync}, err
		}}
		_, err := x.Export(t.Context(), "acme")
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "the export cannot be written: ") || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
			t.Errorf("%s: %v is left, %v", tt.name, left, err)
		}
	}
}
