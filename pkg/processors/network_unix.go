//go:build unix

package processors

import (
	"os"
	"sync"
	"syscall"
)

// askNetwork returns when Go has asked the network and the disk, and all who could go on
// then have done so; or false at once, where the process has no file left for it. Go asks
// when nobody can run, so the caller waits for a pipe that it is told of there. Who sleeps in
// its place is awake as soon as the time is over: where two compute and sleep in turns, one
// of them can always run, and nobody asks.
func askNetwork() bool {
	p, _ := pipes.Get().(*pipe)
	if p == nil {
		return false
	}
	written := false
	err := p.raw.Read(func(fd uintptr) (done bool) {
		if !written { // not before: what Go is told of earlier counts for nothing
			written = true
			_, err := p.w.Write(p.one[:])
			return err != nil
		}
		_, _ = syscall.Read(int(fd), p.one[:])
		return true
	})
	if err != nil {
		return false
	}
	pipes.Put(p)
	return true
}

// pipe is empty when nobody waits for it.
type pipe struct {
	r, w *os.File
	raw  syscall.RawConn // of r
	one  [1]byte
}

// pipes that nobody waits for. There is none where the process has no file left.
var pipes = sync.Pool{New: func() any {
	r, w, err := os.Pipe()
	if err != nil {
		return (*pipe)(nil)
	}
	raw, err := r.SyscallConn()
	if err != nil {
		return (*pipe)(nil)
	}
	return &pipe{r: r, w: w, raw: raw}
}}
