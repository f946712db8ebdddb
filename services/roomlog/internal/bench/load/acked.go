package load

import (
	"bytes"
	"iter"
	"sync/atomic"
)

// Acked is what the service has acknowledged, to be looked for afterwards. Clients
// add to it while they run.
type Acked struct {
	clients []*ids
	n       atomic.Int64
}

// ids are a client's, each with a line's end. One slice without pointers: a million
// of them are nothing for the garbage collector to look at.
type ids struct {
	lines []byte
	n     *atomic.Int64 // of all clients
}

func (i *ids) add(id []byte) {
	i.lines = append(append(i.lines, id...), '\n')
	i.n.Add(1)
}

func (a *Acked) client() *ids {
	one := &ids{n: &a.n}
	a.clients = append(a.clients, one)
	return one
}

// Len is how many there are by now.
func (a *Acked) Len() int { return int(a.n.Load()) }

// All gives each id, when the clients have ended.
func (a *Acked) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, c := range a.clients {
			for line := range bytes.Lines(c.lines) {
				if !yield(string(bytes.TrimSuffix(line, []byte("\n")))) {
					return
				}
			}
		}
	}
}
