//go:build !linux

package proc

import "syscall"

// sysProcAttr gives the program a process group of its own, so that Ctrl-C on
// the test is not also sent to it.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
