// Package proc starts and torments the real programs for the length of a test.
package proc

import "github.com/roomlog/roomlog/services/roomlog/internal/program"

// ErrExited says that a program ended where it should have gone on.
var ErrExited = program.ErrExited

// Spec is what to start.
type Spec = program.Spec

// Process is a started program, with what a test wants of it.
type Process struct{ *program.Process }

// Launch starts a program. The caller ends it: the program does not end with
// any context, nor with a test.
func Launch(s Spec) (*Process, error) {
	p, err := program.Launch(s)
	if err != nil {
		return nil, err
	}
	return &Process{p}, nil
}
