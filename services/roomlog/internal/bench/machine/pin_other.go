//go:build !linux

package machine

import (
	"os/exec"
	"runtime"
)

// Pinning reports whether processes can be pinned to processors here.
const Pinning = false

// Processors are those that this process may use, ascending.
func Processors() (all []int, err error) {
	for cpu := range runtime.NumCPU() {
		all = append(all, cpu)
	}
	return all, nil
}

// StartOn starts a command; on which processor is the system's to say.
func StartOn(_ int, cmd *exec.Cmd) error { return cmd.Start() }

// Pin does nothing here.
func Pin(int, ...int) error { return nil }
