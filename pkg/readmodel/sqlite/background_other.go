//go:build !linux

package sqlite

import (
	"os"

	"github.com/roomlog/roomlog/pkg/processors"
)

// atLowPriority runs what can wait.
func atLowPriority(do func() error) error { return processors.Blocking(do) }

// beginWriting does nothing: these systems begin when they please.
func beginWriting(*os.File) {}
