package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/crashpoint"
	"github.com/roomlog/roomlog/pkg/events"
)

// heartbeats is how many heartbeats are sent within a session.
const heartbeats = 4

// ErrNotRunning says that a [Source] is not a member of its group now.
var ErrNotRunning = errors.New("not a member of the group now")

// Handler reads one partition for as long as it is assigned: until ctx ends. The
// cause of ctx is then [ErrRevoked] (finish what you have begun: the partition is
// given up when the handler returns, or after RevokeTimeout), [ErrLost] (another
// member may have it already), or that of the context of [Source.Run]. The reader
// stands at offset 0 and is closed after the handler has returned.
type Handler func(ctx context.Context, r *Reader) error

// Source shares the partitions of a log among the members of a consumer group.
// The group's protocol is used for membership alone: each assigned partition is
// read by a [Reader] of its own, from wherever its handler says, so that a
// handler that is stuck holds up no other.
type Source struct {
	cfg    Config
	layout Layout
	group  string

	mu     sync.Mutex
	member *kgo.Client // nil: not running
}

// NewSource makes a source; it joins the group when it is run.
func NewSource(cfg Config, l Layout, group string) (*Source, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	if group == "" {
		return nil, errors.New("eventlog: a group without a name")
	}
	return &Source{cfg: cfg, layout: l, group: group}, nil
}

// Layout is the log's.
func (s *Source) Layout() Layout { return s.layout }

// Run joins the group and calls handle for each partition that is assigned, each
// in a goroutine of its own, until ctx ends; then it waits for the handlers, for
// at most RevokeTimeout, leaves the group and returns nil. There is never more
// than one handler of a partition here, though another member may still be at
// work on one that it has lost.
//
// A handler that returns an error while it has the partition ends Run with that
// error. One that returns nil has had enough of the partition until it is
// assigned again. A group that does not take us is an error, too. Run must not be
// called again before it has returned.
func (s *Source) Run(ctx context.Context, handle Handler) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	a := &assignments{
		ctx: ctx, fail: fail, cfg: s.cfg, layout: s.layout, handle: handle,
		group: s.group, active: map[events.Partition]*assignment{},
	}
	member, err := s.join(
		kgo.ConsumerGroup(s.group),
		kgo.ConsumeTopics(s.layout.Topic),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(s.cfg.SessionTimeout),
		kgo.HeartbeatInterval(s.cfg.SessionTimeout/heartbeats),
		kgo.RebalanceTimeout(s.cfg.RebalanceTimeout),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(a.assigned),
		kgo.OnPartitionsRevoked(a.revoked),
		kgo.OnPartitionsLost(a.lost),
		kgo.WithHooks(a),
	)
	if err != nil {
		return err
	}
	member.PauseFetchTopics(s.layout.Topic) // membership only
	defer func() {
		a.stop()
		s.setMember(nil)
		leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.CloseTimeout)
		defer cancel()
		if err := member.LeaveGroupContext(leave); err != nil {
			s.cfg.Logger.Warn("could not leave the group, it will wait for the session to end", "group", s.group, "error", err)
		}
		member.Close()
	}()
	if err := awaitTopic(ctx, member, s.layout); err != nil && ctx.Err() == nil {
		return fmt.Errorf("join group %s: %w", s.group, err)
	}
	<-ctx.Done()
	if failed, ok := errors.AsType[*runError](context.Cause(ctx)); ok {
		return failed.error
	}
	return nil
}

// Commit sets the group's committed offset of a partition: the next one to be
// read. It says how far the group has come, for those who watch its lag and for a
// [Subscriber] that begins again; a [Source] does not look at it. Outside Run it
// is [ErrNotRunning].
func (s *Source) Commit(ctx context.Context, p events.Partition, next events.Offset) error {
	member := s.current()
	if member == nil {
		return ErrNotRunning
	}
	offsets := map[string]map[int32]kgo.EpochOffset{s.layout.Topic: {int32(p): {Epoch: -1, Offset: int64(next)}}}
	if err := commit(ctx, member, offsets); err != nil {
		return fmt.Errorf("commit %s/%d at %d: %w", s.layout.Topic, p, next, err)
	}
	return nil
}

// Committed gives what Commit was last called with for a partition, by any
// member, and whether there is such an offset.
func (s *Source) Committed(ctx context.Context, p events.Partition) (events.Offset, bool, error) {
	member := s.current()
	if member == nil {
		return 0, false, ErrNotRunning
	}
	all, err := kadm.NewClient(member).FetchOffsetsForTopics(ctx, s.group, s.layout.Topic)
	if err != nil {
		return 0, false, fmt.Errorf("committed offset of %s/%d: %w", s.layout.Topic, p, err)
	}
	o, ok := all.Lookup(s.layout.Topic, int32(p))
	if !ok || o.At < 0 {
		return 0, false, nil
	}
	if o.Err != nil {
		return 0, false, fmt.Errorf("committed offset of %s/%d: %w", s.layout.Topic, p, o.Err)
	}
	return events.Offset(o.At), true, nil
}

// join makes the member. A handler may run before this has returned: it finds the
// member all the same.
func (s *Source) join(opts ...kgo.Opt) (*kgo.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	member, err := newKgo(s.cfg, opts...)
	s.member = member
	return member, err
}

func (s *Source) setMember(cl *kgo.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.member = cl
}

func (s *Source) current() *kgo.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.member
}

// runError tells the end that a handler or the group forces from the end that the
// caller of Run wants.
type runError struct{ error }

func (e *runError) Unwrap() error { return e.error }

// groupErrors are those that no retry helps against.
var groupErrors = []error{
	kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.InconsistentGroupProtocol,
	kerr.InvalidSessionTimeout, kerr.InvalidGroupID, kerr.SaslAuthenticationFailed,
}

// assignments are the partitions that one Run has. Its callbacks are called by
// the member's client, one after the other.
type assignments struct {
	ctx    context.Context // of Run: not stored beyond it
	fail   context.CancelCauseFunc
	cfg    Config
	layout Layout
	group  string
	handle Handler

	mu      sync.Mutex
	stopped bool
	active  map[events.Partition]*assignment
}

type assignment struct {
	end  context.CancelCauseFunc
	done chan struct{} // closed when the handler has returned
}

func (a *assignments) assigned(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return
	}
	for _, p := range topics[a.layout.Topic] {
		a.start(events.Partition(p)) //nolint:contextcheck // a handler lives as long as Run, not as the callback
	}
}

// start runs a handler, after one that may still be at work on the partition.
func (a *assignments) start(p events.Partition) {
	before := a.active[p]
	ctx, end := context.WithCancelCause(a.ctx)
	as := &assignment{end: end, done: make(chan struct{})}
	a.active[p] = as
	go func() {
		defer close(as.done)
		defer end(nil)
		if before != nil {
			before.end(ErrLost)
			<-before.done
		}
		if ctx.Err() != nil {
			return
		}
		a.cfg.Logger.Info("partition assigned", "group", a.group, "partition", p)
		r := NewReader(a.cfg, a.layout, p)
		defer r.Close()
		if err := a.handle(ctx, r); err != nil && ctx.Err() == nil {
			a.fail(&runError{fmt.Errorf("partition %d: %w", p, err)})
		}
	}()
}

func (a *assignments) revoked(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	ended := a.endAll(topics[a.layout.Topic], ErrRevoked)
	if len(ended) == 0 { // asked at each end of a session
		return
	}
	crashpoint.At(crashpoint.Revoking)
	a.wait(ended)
	crashpoint.At(crashpoint.Revoked)
}

func (a *assignments) lost(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	a.endAll(topics[a.layout.Topic], ErrLost)
}

// endAll ends the handlers of partitions; they stay known until they have
// returned.
func (a *assignments) endAll(partitions []int32, cause error) []*assignment {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ended []*assignment
	for _, p := range partitions {
		if as := a.active[events.Partition(p)]; as != nil {
			a.cfg.Logger.Info("partition given up", "group", a.group, "partition", p, "cause", cause.Error())
			as.end(cause)
			ended = append(ended, as)
		}
	}
	return ended
}

// wait waits for handlers to return, for at most RevokeTimeout.
func (a *assignments) wait(all []*assignment) {
	timeout := time.NewTimer(a.cfg.RevokeTimeout)
	defer timeout.Stop()
	for _, as := range all {
		select {
		case <-as.done:
		case <-timeout.C:
			a.cfg.Logger.Warn("handlers have not finished in time, their partitions go", "group", a.group, "timeout", a.cfg.RevokeTimeout)
			return
		}
	}
}

// stop ends all handlers, with the cause of Run's context, and waits.
func (a *assignments) stop() {
	a.fail(nil)
	a.mu.Lock()
	a.stopped = true
	all := make([]*assignment, 0, len(a.active))
	for _, as := range a.active {
		all = append(all, as)
	}
	a.mu.Unlock()
	a.wait(all)
}

// OnGroupManageError is told what ended a session of the group; the client joins
// again.
func (a *assignments) OnGroupManageError(err error) {
	if errors.Is(err, context.Canceled) || a.ctx.Err() != nil {
		return
	}
	for _, fatal := range groupErrors {
		if errors.Is(err, fatal) {
			a.fail(&runError{fmt.Errorf("group %s: %w", a.group, err)})
			return
		}
	}
	a.cfg.Logger.Warn("the group's session has ended, joining again", "group", a.group, "error", err)
}

var _ kgo.HookGroupManageError = (*assignments)(nil)

// commit waits for the broker's answer.
func commit(ctx context.Context, cl *kgo.Client, offsets map[string]map[int32]kgo.EpochOffset) error {
	var failed error
	cl.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		if failed = err; err != nil {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				failed = errors.Join(failed, kerr.ErrorForCode(p.ErrorCode))
			}
		}
	})
	return failed
}
