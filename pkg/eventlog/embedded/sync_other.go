//go:build !linux

package embedded

import (
	"errors"
	"os"
)

// blockingSync makes a file durable.
func blockingSync(f *os.File) error { return f.Sync() }

// kernelSync is for Linux.
type kernelSync struct{}

func newKernelSync() (*kernelSync, error) { return nil, errors.ErrUnsupported }

func (*kernelSync) sync(*os.File) error { return errNotSubmitted }
