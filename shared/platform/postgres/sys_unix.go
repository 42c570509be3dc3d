//go:build darwin || linux

package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// owner returns whom the server runs as when we are root, else nil: ourselves.
func owner() *user {
	if os.Geteuid() != 0 {
		return nil
	}
	as := &user{name: "nobody", uid: 65534, gid: 65534}
	if u, err := osuser.Lookup(as.name); err == nil {
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			as.uid, as.gid = uid, gid
		}
	}
	return as
}

func attributes(as *user) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if as != nil {
		a.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid), Groups: []uint32{}}
	}
	dieWithParent(a)
	return a
}

func send(pid int, how string) error {
	return syscall.Kill(pid, map[string]syscall.Signal{fast: syscall.SIGINT, immediate: syscall.SIGQUIT, force: syscall.SIGKILL}[how])
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return (err == nil || errors.Is(err, syscall.EPERM)) && !zombie(pid)
}

// zombie reports whether a process has ended but nobody has asked how, as happens in containers
// whose first process adopts orphans and forgets them. Linux only.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z")
}

// commandLine returns the program and arguments of a process, or "".
func commandLine(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		b, _ = exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	}
	return strings.ReplaceAll(string(b), "\x00", " ")
}

func ownerOf(path string) int {
	fi, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return int(fi.Sys().(*syscall.Stat_t).Uid)
}

// lock takes file for this process until unlock or its end. Its error is fault.Conflict when
// another process has it.
func lock(file string) (unlock func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "database folder", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "another process is using the database folder of "+file+": stop it first, or choose another folder")
		}
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	return func() { f.Close() }, nil
}
