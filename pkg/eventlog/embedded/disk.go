package embedded

import (
	"errors"
	"os"
)

// realDisk is the operating system's.
type realDisk struct{}

func (realDisk) syncData(f *os.File) error { return dataSync(f) }

func (realDisk) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
