package live

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
)

const (
	// waitPoll is how often checkpoints are read while someone waits for one.
	waitPoll = 50 * time.Millisecond
	// idlePoll is how often they are read while the timeline is silent.
	idlePoll = time.Second
	// silence is for how long a partition's timeline may say nothing: its owner
	// sends a beacon every second.
	silence = 3 * timeline.BeaconInterval * time.Second
	// pollTimeout bounds one reading of the checkpoints.
	pollTimeout = 2 * time.Second
	// subscribeRetry is the pause before the timeline is subscribed again.
	subscribeRetry = time.Second
)

// unknown is the head of a partition of which nothing has been heard.
const unknown events.Offset = -1

// FollowerConfig is what a follower needs.
type FollowerConfig struct {
	Timeline message.Subscriber
	Topic    string
	Store    readmodel.Store // of the live version, whichever that is
	Log      events.LogID
	Hub      *Hub
	// Revocations is told which tokens are revoked.
	Revocations Revocations
	Saw         func(logTime int64) // is told the log's time of each event; may be nil
	Logger      *slog.Logger
	Now         func() time.Time
}

// Revocations is a copy of the table of that name. What it is told may be old.
type Revocations interface {
	Revoke(rows ...readmodel.RevocationRow)
	// Load is told all of the table.
	Load(rows []readmodel.RevocationRow)
}

// Follower follows the timeline. It is safe for concurrent use.
type Follower struct {
	FollowerConfig
	changes changes

	mu      sync.Mutex
	live    int // the version of the projection that the store read last; zero: not known yet
	parts   map[events.Partition]*head
	waiting int
	wake    chan struct{} // tells the poller that someone waits
	pollErr error
	stale   bool // revocations may have been missed
}

// head is how far a partition is known to be.
type head struct {
	epoch  int64
	next   events.Offset // where the timeline's chain leads
	folded events.Offset // where the read model is, at least
	heard  time.Time     // of the timeline
	// decided is how far operators' decisions were carried out, when last heard.
	decided events.Offset
	moved   chan struct{} // closed when folded moves
}

// NewFollower makes a follower; Run starts it.
func NewFollower(c FollowerConfig) *Follower {
	return &Follower{
		FollowerConfig: c, changes: changes{seed: maphash.MakeSeed()}, parts: map[events.Partition]*head{}, wake: make(chan struct{}, 1), stale: true,
	}
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { f.listen(ctx); return nil })
	g.Go(func() error { f.poll(ctx); return nil })
	return g.Wait()
}

// Folded is an offset below which the read model is known to have folded
// everything; zero where nothing is known.
func (f *Follower) Folded(p events.Partition) events.Offset {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h, ok := f.parts[p]; ok {
		return h.folded
	}
	return 0
}

// WaitFolded waits until the read model has folded everything of p below next.
// The error is that of ctx.
func (f *Follower) WaitFolded(ctx context.Context, p events.Partition, next events.Offset) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		h := f.head(p)
		if h.folded >= next {
			return nil
		}
		moved := h.moved
		f.waiting++
		f.mu.Unlock()
		f.Hub.listeners.Enter()
		f.rouse()
		var err error
		select {
		case <-moved:
		case <-ctx.Done():
			err = ctx.Err()
		}
		f.Hub.listeners.Leave()
		f.mu.Lock()
		f.waiting--
		if err != nil {
			return err
		}
	}
}

// Silent lists the partitions of which the timeline has said nothing for a while,
// and the last error of reading the checkpoints.
func (f *Follower) Silent() (silent []events.Partition, known int, pollErr error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p, h := range f.parts {
		if f.Now().Sub(h.heard) > silence {
			silent = append(silent, p)
		}
	}
	return silent, len(f.parts), f.pollErr
}

// listen takes what the timeline says, and subscribes again when it ends.
func (f *Follower) listen(ctx context.Context) {
	for ctx.Err() == nil {
		messages, err := f.Timeline.Subscribe(ctx, f.Topic)
		if err == nil {
			for m := range messages {
				f.take(m)
				m.Ack()
			}
		}
		if ctx.Err() != nil {
			return
		}
		f.Logger.Warn("timeline ended, subscribing again", "error", err)
		pause(ctx, subscribeRetry)
	}
}

func (f *Follower) take(m *message.Message) {
	c, err := timeline.Decode(m)
	if err != nil {
		f.Logger.Warn("timeline message cannot be read", "error", err)
		return
	}
	if c.Next < c.Floor || !f.isLive(c.Projection) {
		return
	}
	f.Revocations.Revoke(c.Revocations...) // before anyone learns that it is folded
	f.changes.saw(c.Events)
	if !f.link(c) {
		return
	}
	if f.Saw != nil {
		for i := range c.Events {
			f.Saw(c.Events[i].LogTime)
		}
	}
	f.Hub.Deliver(c.Events, c.Blocked)
}

// link adds a commit to its partition's chain; false: it is of an earlier claim, or
// comes so late that followers were sent to the read model for it, or another version
// has gone live since it was looked at. The epochs of one version say nothing of
// another's: one that is ahead would hide all that the other has to tell.
func (f *Follower) link(c timeline.Commit) bool {
	f.mu.Lock()
	if !f.reads(c.Projection) {
		f.mu.Unlock()
		return false
	}
	h := f.head(c.Partition)
	if c.Epoch < h.epoch || c.Epoch == h.epoch && c.Next < h.next {
		f.mu.Unlock()
		return false
	}
	gap := c.Floor > h.next || h.next == unknown
	gap = h.decide(c.Decisions) || gap
	if c.Epoch > h.epoch {
		h.epoch, h.next = c.Epoch, c.Next
	} else {
		h.next = max(h.next, c.Next)
	}
	h.heard = f.Now()
	h.advance(c.Next)
	f.mu.Unlock()
	if gap {
		f.missed(c.Partition)
	}
	return true
}

// poll reads the checkpoints, often while someone waits for one.
func (f *Follower) poll(ctx context.Context) {
	f.look(ctx)
	for {
		f.mu.Lock()
		waiting := f.waiting > 0
		f.mu.Unlock()
		if waiting {
			pause(ctx, waitPoll)
		} else {
			f.idle(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		f.look(ctx)
	}
}

// idle waits for the next poll of quiet times, or for someone who waits.
func (f *Follower) idle(ctx context.Context) {
	t := time.NewTimer(idlePoll)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-f.wake:
	}
}

// look reads the checkpoints once.
func (f *Follower) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	var all []readmodel.Checkpoint
	var live int
	err := f.Store.Snapshot(ctx, func(r readmodel.Reader) (err error) {
		live = r.Projection()
		all, err = r.Checkpoints(ctx)
		return err
	})
	f.mu.Lock()
	f.pollErr = err
	f.mu.Unlock()
	if err != nil {
		return
	}
	f.goLive(live)
	for _, c := range all {
		if c.Log == f.Log {
			f.seen(c)
		}
	}
	f.lookAtRevocations(ctx)
}

// lookAtRevocations reads which tokens are revoked, where some may have been missed.
// While the tables are away what is known stays, and is read when they are back.
func (f *Follower) lookAtRevocations(ctx context.Context) {
	f.mu.Lock()
	stale := f.stale
	f.stale = false
	f.mu.Unlock()
	if !stale {
		return
	}
	var rows []readmodel.RevocationRow
	err := f.Store.Snapshot(ctx, func(r readmodel.Reader) (err error) {
		rows, err = r.Revocations(ctx)
		return err
	})
	if err != nil {
		f.mu.Lock()
		f.stale, f.pollErr = true, err
		f.mu.Unlock()
		return
	}
	f.Revocations.Load(rows)
}

// missed says that events of partitions may have been missed: streams read them from
// the tables, and so does the poller which tokens are revoked; no glance is certain.
func (f *Follower) missed(partitions ...events.Partition) {
	if len(partitions) == 0 {
		return
	}
	f.changes.missed.Add(1)
	for _, p := range partitions {
		f.Hub.Resync(p)
	}
	f.mu.Lock()
	f.stale = true
	f.mu.Unlock()
	f.rouse()
}

// rouse has the poller look at once.
func (f *Follower) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// isLive reports whether the timeline's commits of that version are those of the
// tables that are read. Until the first look at them any is taken for it.
func (f *Follower) isLive(projection int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads(projection)
}

// reads is isLive; the caller holds mu.
func (f *Follower) reads(projection int) bool { return f.live == 0 || f.live == projection }

// goLive notes which version is read. Another one has claims and a chain of its
// own; its seqs are the same, so that streams go on from where they are. What was heard
// before the first look may be of any.
func (f *Follower) goLive(projection int) {
	f.mu.Lock()
	changed := f.live != 0 && f.live != projection
	var all []events.Partition
	if f.live != projection {
		for p, h := range f.parts {
			h.epoch, h.next = 0, unknown
			all = append(all, p)
		}
	}
	f.live = projection
	f.mu.Unlock()
	f.missed(all...)
	if changed {
		f.Logger.Info("reading another version of the projection", "projection", projection)
	}
}

// seen notes a checkpoint that was read.
func (f *Follower) seen(c readmodel.Checkpoint) {
	f.mu.Lock()
	h := f.head(c.Partition)
	h.advance(c.Next)
	lost := f.Now().Sub(h.heard) > silence && c.Next > h.next || c.Decisions > h.decided
	f.mu.Unlock()
	if !lost {
		return
	}
	f.missed(c.Partition) // before the chain goes on: else a commit that comes now is delivered as if nothing were missing
	f.mu.Lock()
	defer f.mu.Unlock()
	h.next = max(h.next, c.Next)
	h.decide(c.Decisions)
}

// head gives the state of a partition; the caller holds mu.
func (f *Follower) head(p events.Partition) *head {
	h, ok := f.parts[p]
	if !ok {
		h = &head{next: unknown, moved: make(chan struct{})}
		f.parts[p] = h
	}
	return h
}

// decide notes how far decisions are carried out. Moved says that parked events
// may have become visible, with nothing in the chain to show it.
func (h *head) decide(to events.Offset) (moved bool) {
	moved = to > h.decided
	h.decided = max(h.decided, to)
	return moved
}

func (h *head) advance(to events.Offset) {
	if to > h.folded {
		h.folded = to
		close(h.moved)
		h.moved = make(chan struct{})
	}
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
