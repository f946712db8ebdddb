package embedded

import (
	"net"
	"os"
)

// Disk is what tests put in the place of the real one.
type Disk interface {
	SyncData(f *os.File) error
	SyncDir(path string) error
}

// OnDisk makes the broker use another disk.
func OnDisk(c Config, d Disk) Config {
	c.disk = exportedDisk{d}
	return c
}

// WithJournal has the broker begin its journal anew when it has so many bytes.
func WithJournal(c Config, most int64) Config {
	c.journal = most
	return c
}

// Complained reports whether the broker's warnings were heard, and nothing was written
// since.
func Complained(b *Broker) bool { return b.durable.complained.Load() }

type exportedDisk struct{ Disk }

func (d exportedDisk) syncData(f *os.File) error { return d.SyncData(f) }
func (d exportedDisk) syncDir(path string) error { return d.SyncDir(path) }

// MemoryConn gives both ends of a connection within the process.
func MemoryConn() (server, client net.Conn) { return newMemoryConn(&net.TCPAddr{}) }
