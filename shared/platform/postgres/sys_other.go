//go:build !darwin && !linux

package postgres

import (
	"os"
	"syscall"
)

// On these systems a server runs as our own user, is ended by force, and folders are not locked:
// PostgreSQL's own postmaster.pid keeps two servers apart.

func owner() *user                          { return nil }
func attributes(*user) *syscall.SysProcAttr { return nil }
func alive(int) bool                        { return false }
func commandLine(int) string                { return "" }
func ownerOf(string) int                    { return -2 } // nobody: not even os.Geteuid, which is -1 here
func lock(string) (func(), error)           { return func() {}, nil }

func send(pid int, _ string) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}
