package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Exporter writes exports into a folder.
type Exporter struct {
	Books   Books
	Folder  string
	Version string // of the program, for the manifest
	Now     func() time.Time

	create func(folder, pattern string) (file, error) // nil: os.CreateTemp
}

// file is what an export is written to.
type file interface {
	io.WriteCloser
	Name() string
	Sync() error
}

// Exported is a finished export.
type Exported struct {
	Path     string
	Size     int64 // of the file, in bytes
	Rows     int64
	Manifest Manifest
}

// Export writes SLUG-YYYYMMDDTHHMMSSZ.zip, readable by its owner only. Until it is whole it has another
// name, and when it fails nothing is left of it. Errors: those of Books; fault.Invalid when the folder is
// none; fault.Conflict when the file is there already; fault.Unavailable, with the system's words, when
// it cannot be written.
func (x *Exporter) Export(ctx context.Context, slug org.Slug) (out Exported, err error) {
	if err := Folder(x.Folder); err != nil {
		return out, err
	}
	now := x.Now().UTC()
	out.Path = filepath.Join(x.Folder, fmt.Sprintf("%s-%s.zip", slug, now.Format("20060102T150405Z")))
	if _, err := os.Lstat(out.Path); !errors.Is(err, fs.ErrNotExist) {
		return out, fault.New(fault.Conflict, out.Path+" is there already: it is not written over")
	}
	f, err := x.temporary(slug)
	if err != nil {
		return out, fault.Wrap(fault.Unavailable, "the export cannot be written", err)
	}
	defer os.Remove(f.Name()) // nothing there once it has been renamed
	err = x.Books.Snapshot(ctx, slug, func(s Snapshot) (err error) {
		out.Manifest, err = write(ctx, s, f, x.Version, now)
		return err
	})
	if err != nil {
		f.Close() //nolint:errcheck // it goes
		return out, err
	}
	for _, t := range out.Manifest.Files {
		out.Rows += t.Rows
	}
	out.Size, err = finish(f, out.Path)
	return out, err
}

// Folder fails with fault.Invalid where an export cannot go because there is no such folder.
func Folder(path string) error {
	if at, err := os.Stat(path); err != nil || !at.IsDir() {
		return fault.New(fault.Invalid, fmt.Sprintf("%s is not a folder that can be read: an export goes into one that is there", path))
	}
	return nil
}

func (x *Exporter) temporary(slug org.Slug) (file, error) {
	pattern := "." + string(slug) + "-*.zip.part"
	if x.create != nil {
		return x.create(x.Folder, pattern)
	}
	return os.CreateTemp(x.Folder, pattern) // mode 0600
}

// finish gives a file its name, once all of it is on the disk.
func finish(f file, path string) (size int64, err error) {
	err = errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, "the export cannot be written", err)
	}
	at, err := os.Stat(path)
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, "the export cannot be read back", err)
	}
	return at.Size(), nil
}
