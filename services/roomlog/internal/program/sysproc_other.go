//go:build !linux

package program

import "syscall"

// sysProcAttr gives the program a process group of its own, so that Ctrl-C on
// its starter is not also sent to it.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
