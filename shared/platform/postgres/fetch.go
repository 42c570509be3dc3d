package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// fetchVersion is what is downloaded where PostgreSQL is not installed.
const fetchVersion = embedded.V17

// fetch returns server programs from the cache folder, downloading them (10 to 25 MB) the first time.
func fetch(ctx context.Context, o Options, as *user) (binary, error) {
	cache, err := cacheDir(o.Cache, as)
	if err != nil {
		return binary{}, err
	}
	home := filepath.Join(cache, "postgresql-"+string(fetchVersion))
	bin := filepath.Join(home, "bin")
	if b, err := probe(ctx, bin, as); err == nil {
		return b, nil
	}
	o.Progress("downloading PostgreSQL " + string(fetchVersion) + " (once)")
	work, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return binary{}, err
	}
	unpacked := make(chan error, 1)
	go func() { unpacked <- unpack(work, o.Repository) }()
	select {
	case err = <-unpacked:
		defer os.RemoveAll(work)
	case <-ctx.Done(): // the download itself cannot be stopped
		go func() { <-unpacked; os.RemoveAll(work) }() //nolint:errcheck // a temporary folder
		err = ctx.Err()
	}
	if err != nil {
		return binary{}, fmt.Errorf("download: %w", err)
	}
	if err := os.Rename(filepath.Join(work, "home"), home); err != nil {
		if b, err := probe(ctx, bin, as); err == nil { // another process was faster
			return b, nil
		}
		return binary{}, fmt.Errorf("download: %w", err)
	}
	return probe(ctx, bin, as)
}

// unpack downloads the programs into work/home and does nothing else.
//
// The library fetches only as the first part of its own Start, which goes on to run initdb and the
// server as the present user. So it is given a data folder that it cannot clear, which it tries
// after unpacking and before running anything: os.RemoveAll refuses, by its contract, a path that
// ends in a dot. Its error is then expected; that it has made its runtime folder, which it does just
// before, tells that everything was unpacked.
func unpack(work, repository string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	cfg := embedded.DefaultConfig().Version(fetchVersion).Port(uint32(port)).Logger(io.Discard).
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(filepath.Join(work, "home")).
		DataPath(work + string(filepath.Separator) + ".")
	if repository != "" {
		cfg = cfg.BinaryRepositoryURL(repository)
	}
	db := embedded.NewDatabase(cfg)
	err = db.Start()
	if err == nil {
		return errors.Join(errors.New("the library started a server of its own"), db.Stop())
	}
	if _, missing := os.Stat(filepath.Join(work, "runtime")); missing != nil {
		return err
	}
	return os.Chmod(filepath.Join(work, "home"), 0o755)
}

// cacheDir returns the folder for downloads, made and reachable for user as.
func cacheDir(dir string, as *user) (string, error) {
	if dir == "" && as != nil {
		dir = "/var/cache/countinghouse"
	}
	if dir == "" {
		d, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(d, "countinghouse")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if at := barrier(dir, as); at != "" {
		return "", fmt.Errorf("cache folder %s: user %s may not enter %s", dir, as.name, at)
	}
	return dir, nil
}
