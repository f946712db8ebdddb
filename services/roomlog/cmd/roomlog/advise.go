package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// advise adds to an error what to do about it.
func advise(err error) error {
	for _, known := range []struct {
		is     error
		advice string
	}{
		{embedded.ErrLocked, "stop that process, or name another --data"},
		{syscall.EADDRINUSE, "another program listens there: choose another address, port 0 takes any"},
		{readmodel.ErrNewerSchema, "start the newer roomlog that made it, or name another --data"},
		{eventlog.ErrPartitionCount, "leave --partitions out to take what is there"},
		{syscall.ENOSPC, "make room on the disk"},
		{syscall.EROFS, "name another --data"},
		{syscall.ENOTDIR, "name another --data"},
		{fs.ErrPermission, "name another --data, or change its owner"},
	} {
		if errors.Is(err, known.is) {
			return fmt.Errorf("%w; %s", err, known.advice)
		}
	}
	return err
}
