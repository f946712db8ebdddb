package program

import "syscall"

// sysProcAttr gives the program a process group of its own, so that Ctrl-C on
// its starter is not also sent to it, and ends it with that, however that ends.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
