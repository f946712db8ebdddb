//go:build !linux

package machine

import "os/exec"

// Pinning reports whether processes can be pinned to processors here.
const Pinning = false

// StartOn starts a command; on which processor is the system's to say.
func StartOn(_ int, cmd *exec.Cmd) error { return cmd.Start() }

// Pin does nothing here.
func Pin(int, ...int) error { return nil }
