package embedded

import (
	"errors"
	"os"
	"syscall"
)

// dataSync makes a file's content and size durable, and leaves its times alone.
func dataSync(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
