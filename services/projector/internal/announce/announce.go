// Package announce tells the timeline what became visible, in the order of the
// commits of each partition, and sends the beacons that show a lost one.
//
// It may lose commits (a full queue, a broker that is away) and never holds up
// the fold: followers find the gap in the chain and read the model. So what comes
// late, while a partition catches up, is not told at all: the beacon says how far
// it is.
package announce

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomlog/roomlog/pkg/crashpoint"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

const (
	queue     = 256
	drainTime = time.Second
	// maxBytes is about how large the contents of one timeline message get.
	maxBytes = 256 << 10
)

// Announcer publishes commits.
type Announcer struct {
	pub        message.Publisher
	encode     Encode
	topic      string
	projection int
	states     *partition.States
	log        *slog.Logger
	lost       prometheus.Counter

	in    chan partition.Commit
	muted atomic.Bool
	last  map[events.Partition]partition.Commit // of Run alone
	down  bool                                  // the last publish failed
}

// Encode makes a message of a commit: [timeline.NewMessage] does.
type Encode func(timeline.Commit) (*message.Message, error)

// New makes an announcer of the projection's version.
func New(pub message.Publisher, encode Encode, topic string, projection int, states *partition.States, reg prometheus.Registerer, log *slog.Logger) *Announcer {
	a := &Announcer{
		pub: pub, encode: encode, topic: topic, projection: projection, states: states, log: log,
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "roomlog_projector_timeline_lost_total", Help: "Commits that were not told to the timeline; followers read them from the tables.",
		}),
		in: make(chan partition.Commit, queue), last: map[events.Partition]partition.Commit{},
	}
	reg.MustRegister(a.lost)
	return a
}

// Mute makes it tell nothing, for a version of the projection that nobody reads.
func (a *Announcer) Mute(on bool) { a.muted.Store(on) }

// Announce queues a commit. It never blocks.
func (a *Announcer) Announce(c partition.Commit) {
	if a.muted.Load() {
		c.Floor, c.Events, c.Blocked, c.Revocations = c.Next, nil, nil, nil // told later, it is a beacon: it claims no events
	}
	select {
	case a.in <- c:
	default:
		a.lost.Inc()
	}
}

// Run publishes until ctx ends, and then what is queued still, for a second.
func (a *Announcer) Run(ctx context.Context) error {
	tick := time.NewTicker(timeline.BeaconInterval * time.Second)
	defer tick.Stop()
	for {
		select {
		case c := <-a.in:
			a.last[c.Partition] = partition.Commit{Partition: c.Partition, Epoch: c.Epoch, Floor: c.Next, Next: c.Next, Decisions: c.Decisions}
			if !c.Late {
				a.publish(c)
			}
		case <-tick.C:
			a.beacons()
		case <-ctx.Done():
			a.drain()
			return nil
		}
	}
}

// drain tells what is queued, unless the timeline takes too long: then it is lost.
func (a *Announcer) drain() {
	for end := time.Now().Add(drainTime); time.Now().Before(end); {
		select {
		case c := <-a.in:
			if !c.Late {
				a.publish(c)
			}
		default:
			return
		}
	}
	a.lost.Add(float64(len(a.in)))
}

// beacons says again how far the partitions are that this process folds.
func (a *Announcer) beacons() {
	owned := map[events.Partition]bool{}
	for _, s := range a.states.All() {
		owned[s.Partition] = s.Phase == partition.Folding
	}
	for p, c := range a.last {
		if owned[p] {
			a.publish(c)
		} else {
			delete(a.last, p)
		}
	}
}

func (a *Announcer) publish(c partition.Commit) {
	if a.muted.Load() {
		return
	}
	for _, part := range split(c) {
		m, err := a.encode(timeline.Commit{
			Projection: a.projection, Epoch: part.Epoch, Partition: part.Partition, Floor: part.Floor, Next: part.Next,
			Decisions: part.Decisions, Events: part.Events, Blocked: part.Blocked, Revocations: part.Revocations,
		})
		if err == nil {
			err = a.pub.Publish(a.topic, m)
		}
		if err != nil {
			a.lost.Inc()
			if !a.down {
				a.log.Warn("cannot tell the timeline, followers will read the tables", "error", err)
			}
		}
		a.down = err != nil
		if len(part.Events) > 0 {
			crashpoint.At(crashpoint.Published)
		}
	}
}

// split cuts a commit into a chain of smaller ones.
func split(c partition.Commit) []partition.Commit {
	var out []partition.Commit
	rest, blocked, floor := c.Events, c.Blocked, c.Floor
	for {
		n, bytes := 0, 0
		for n < len(rest) && (n == 0 || bytes+size(rest[n]) <= maxBytes) {
			bytes += size(rest[n])
			n++
		}
		part := partition.Commit{Partition: c.Partition, Epoch: c.Epoch, Floor: floor, Next: c.Next, Decisions: c.Decisions, Events: rest[:n]}
		if rest = rest[n:]; len(rest) == 0 {
			part.Blocked, part.Revocations = blocked, c.Revocations
			return append(out, part)
		}
		// Events that were parked are older than the floor, which stays then.
		part.Next = max(floor, part.Events[n-1].Offset+1)
		floor = part.Next
		end := slices.IndexFunc(blocked, func(b timeline.Block) bool { return b.Offset >= floor })
		if end < 0 {
			end = len(blocked)
		}
		part.Blocked, blocked = blocked[:end:end], blocked[end:]
		out = append(out, part)
	}
}

func size(r readmodel.EventRow) int { return len(r.Facts) + len(r.Content) + 256 }
