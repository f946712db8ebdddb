// Package position reads and writes the tokens by which clients read their own
// writes. It knows the log's layout and how far the read model is.
package position

import (
	"context"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Header is the name of the header that carries a token, both ways.
const Header = "Roomlog-Position"

// ClockSkew is how far the clocks of API and brokers may differ. An event is given
// so much more time, or a broker's fast clock would expire it, and counts as
// expired only when its time has been over for so long.
const ClockSkew = 5 * time.Second

// Log says how long the log is.
type Log interface {
	Layout() eventlog.Layout
	Ends(ctx context.Context) ([]events.Offset, error)
}

// Folded says how far the read model is, at least.
type Folded interface {
	Folded(p events.Partition) events.Offset
}

// Gate checks the positions that clients send and joins them with those of
// answers. It is safe for concurrent use.
type Gate struct {
	log    Log
	folded Folded
	asking endsReader

	mu   sync.Mutex
	ends []events.Offset // the log is at least so long
}

// NewGate makes a gate.
func NewGate(log Log, folded Folded) *Gate {
	return &Gate{
		log: log, folded: folded, ends: make([]events.Offset, log.Layout().Partitions),
		asking: endsReader{ask: log.Ends},
	}
}

// Layout is the log's.
func (g *Gate) Layout() eventlog.Layout { return g.log.Layout() }

// PartitionOf is the partition of a room.
func (g *Gate) PartitionOf(t events.Tenant, r events.RoomID) events.Partition {
	return eventlog.PartitionOf(events.Key(t, r), g.log.Layout().Partitions)
}

// Read reads a client's token; an empty one asks for nothing. Whether the log is
// that long is [Gate.Verify]'s to say. Errors are problems: invalid_position,
// position_of_another_log.
func (g *Gate) Read(token string) (events.Vector, error) {
	if token == "" {
		return events.Vector{}, nil
	}
	v, err := events.ParseToken(token)
	if err != nil {
		p := problem.In(problem.InvalidPosition, Header, "this is not a position: send back what an answer carried")
		p.Cause = err
		return events.Vector{}, p
	}
	l := g.log.Layout()
	if v.Log != l.Log || v.Epoch != l.Epoch {
		return events.Vector{}, anotherLog()
	}
	for p := range v.All {
		if int(p) >= l.Partitions {
			return events.Vector{}, anotherLog()
		}
	}
	return v, nil
}

// ReadAt reads the token of one event's place, which is in the partition. Errors
// are as of [Gate.Read].
func (g *Gate) ReadAt(token string, p events.Partition) (*events.Position, error) {
	v, err := g.Read(token)
	if err != nil {
		return nil, err
	}
	next, ok := v.Next(p)
	if !ok || next == 0 || v.Len() != 1 {
		return nil, problem.In(problem.InvalidPosition, "position", "this is not the place of an event of the room")
	}
	at := g.Position(p, next-1)
	return &at, nil
}

// Verify gives the problem position_of_another_log where v asks for more than the
// log has. It asks the log only where nothing else tells, and where the log does
// not answer it lets v pass: to wait for it does no harm.
func (g *Gate) Verify(ctx context.Context, v events.Vector) error {
	if g.plausible(v) {
		return nil
	}
	if _, err := g.Ends(ctx); err != nil || g.plausible(v) {
		return nil //nolint:nilerr // as said
	}
	return anotherLog()
}

// Ends reads the log's ends, as they are after the call.
func (g *Gate) Ends(ctx context.Context) ([]events.Offset, error) {
	ends, err := g.asking.read(ctx)
	if err == nil {
		g.learn(ends)
	}
	return ends, err
}

// Published notes that the log has an event at the position.
func (g *Gate) Published(p events.Position) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ends[p.Partition] = max(g.ends[p.Partition], p.Offset+1)
}

// Join gives the token for a client that sent v and sees everything of p below
// next: without what every reader sees by now, but with the answer's own entry.
func (g *Gate) Join(v events.Vector, p events.Partition, next events.Offset) events.Vector {
	l := g.log.Layout()
	v = v.Without(g.folded.Folded)
	v.Log, v.Epoch = l.Log, l.Epoch
	return v.With(p, next)
}

// Trim gives the token for a client that sent v, where the answer adds nothing.
func (g *Gate) Trim(v events.Vector) events.Vector {
	l := g.log.Layout()
	v = v.Without(g.folded.Folded)
	v.Log, v.Epoch = l.Log, l.Epoch
	return v
}

func (g *Gate) learn(ends []events.Offset) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range min(len(ends), len(g.ends)) {
		g.ends[p] = max(g.ends[p], ends[p])
	}
}

// plausible reports whether the log is known to have all that v asks for.
func (g *Gate) plausible(v events.Vector) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p, next := range v.All {
		if next > max(g.ends[p], g.folded.Folded(p)) {
			return false
		}
	}
	return true
}

func anotherLog() error {
	return problem.In(problem.PositionOfAnotherLog, Header, "the position is not of this log: drop it")
}

// Position is a place in this log.
func (g *Gate) Position(p events.Partition, o events.Offset) events.Position {
	return g.log.Layout().Position(p, o)
}
