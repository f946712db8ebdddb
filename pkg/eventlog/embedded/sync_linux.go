package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// blockingSync makes a file's content and size durable, and leaves its times alone.
func blockingSync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// kernelSync does the same and keeps no thread: the kernel syncs (io_submit(2),
// IOCB_CMD_FDSYNC, since Linux 4.18), and an eventfd(2), which a goroutine waits for as for
// a connection, says when it has. One file at a time.
type kernelSync struct {
	one     sync.Mutex // held while a file is synced
	context uintptr
	told    *os.File
	control *iocb
}

// iocb is the kernel's struct of that name, as far as a sync needs it, and ioEvent is io_event
// (linux/aio_abi.h).
type iocb struct {
	_      uint64    // data
	_      [2]uint32 // key, flags for reads and writes
	opcode uint16
	_      uint16 // priority
	file   uint32
	_      [4]uint64 // buffer, bytes, offset, reserved
	flags  uint32
	told   uint32
}

type ioEvent struct {
	_      [2]uint64 // data, iocb
	result int64
	_      int64 // second result
}

const (
	opFDSync   = 3 // IOCB_CMD_FDSYNC
	flagEvent  = 1 // IOCB_FLAG_RESFD
	inFlight   = 1
	eventBytes = 8
)

// newKernelSync gives an error where the kernel, or who guards it, has no such thing.
func newKernelSync() (*kernelSync, error) {
	k := &kernelSync{control: &iocb{opcode: opFDSync, flags: flagEvent}}
	if _, _, errno := syscall.Syscall(unix.SYS_IO_SETUP, inFlight, uintptr(unsafe.Pointer(&k.context)), 0); errno != 0 {
		return nil, fmt.Errorf("io_setup: %w", errno)
	}
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_, _, _ = syscall.Syscall(unix.SYS_IO_DESTROY, k.context, 0, 0)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	k.control.told = uint32(fd)
	k.told = os.NewFile(uintptr(fd), "eventfd")
	if err := k.try(); err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k, nil
}

// try syncs a file that is nowhere.
func (k *kernelSync) try() error {
	fd, err := unix.MemfdCreate("sync", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "sync")
	return errors.Join(k.sync(f), f.Close())
}

// sync gives [errNotSubmitted] where the kernel has not begun, as while it syncs another.
func (k *kernelSync) sync(f *os.File) error {
	if !k.one.TryLock() {
		return errNotSubmitted
	}
	defer k.one.Unlock()
	k.control.file = uint32(f.Fd())
	controls := &[1]*iocb{k.control}
	n, _, errno := syscall.Syscall(unix.SYS_IO_SUBMIT, k.context, 1, uintptr(unsafe.Pointer(controls)))
	runtime.KeepAlive(f)
	if errno != 0 || n != 1 {
		return fmt.Errorf("%w: io_submit: %w", errNotSubmitted, errno)
	}
	var event [eventBytes]byte
	if _, err := io.ReadFull(k.told, event[:]); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	if n := binary.NativeEndian.Uint64(event[:]); n != 1 {
		return fmt.Errorf("eventfd: %d syncs have ended, want 1", n)
	}
	var done ioEvent
	n, _, errno = syscall.Syscall6(unix.SYS_IO_GETEVENTS, k.context, 1, 1, uintptr(unsafe.Pointer(&done)), 0, 0)
	if errno != 0 || n != 1 {
		return fmt.Errorf("io_getevents: %d: %w", n, errno)
	}
	return done.err()
}

// err is what became of what was submitted.
func (e ioEvent) err() error {
	if e.result < 0 {
		return syscall.Errno(-e.result)
	}
	return nil
}

func (k *kernelSync) close() error {
	_, _, errno := syscall.Syscall(unix.SYS_IO_DESTROY, k.context, 0, 0)
	err := k.told.Close()
	if errno != 0 {
		err = errors.Join(err, fmt.Errorf("io_destroy: %w", errno))
	}
	return err
}
