package storetest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// room is what must be free in memory before data is kept there: each server of a run takes about 100 MB.
const room = 2 << 30

// inMemory returns a folder in memory, if there is one with room. On a disk the file system searches for
// inodes that were not freed a moment ago: some thousand files that come and go with each test's database
// make CREATE DATABASE ten times slower.
func inMemory() (dir string, ok bool) {
	const tmpfs = 0x01021994 // statfs(2)
	var fs syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &fs); err != nil || fs.Type != tmpfs || fs.Bavail*uint64(fs.Bsize) < room { //nolint:gosec // a size is not negative
		return "", false
	}
	return filepath.Join("/dev/shm", fmt.Sprintf("countinghouse-%d", os.Getuid())), true
}
