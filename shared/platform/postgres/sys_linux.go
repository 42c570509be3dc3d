package postgres

import "syscall"

// dieWithParent makes the kernel shut the server down, cleanly, when this process is gone.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGINT }
