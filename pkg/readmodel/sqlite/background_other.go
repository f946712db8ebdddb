//go:build !linux

package sqlite

import "os"

// atLowPriority runs what can wait.
func atLowPriority(do func() error) error { return do() }

// beginWriting does nothing: these systems begin when they please.
func beginWriting(*os.File) {}
