// Package query reads for clients. Each answer comes from one snapshot of the
// read model: checkpoint, authorization and rows are of one moment.
package query

import (
	"context"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/position"
)

const (
	// behindPause is the pause before a snapshot that was behind is tried again.
	behindPause = 20 * time.Millisecond
	// verifyAfter is how long a position is waited for before it is doubted.
	verifyAfter = 100 * time.Millisecond
	// endsTimeout is how long the log may take to say where it ends.
	endsTimeout = time.Second
)

// Follower waits for the read model.
type Follower interface {
	Folded(p events.Partition) events.Offset
	WaitFolded(ctx context.Context, p events.Partition, next events.Offset) error
}

// Config is what a service needs.
type Config struct {
	Store    readmodel.Store
	Gate     *position.Gate
	Follower Follower
	Log      events.LogID
	Now      func() time.Time
	// Timeout bounds each snapshot.
	Timeout time.Duration
	// Wait is how long an answer waits for the position that the request asks
	// for, where the request does not say.
	Wait time.Duration
}

// Service answers reads. It is safe for concurrent use. Its errors are problems,
// or that of the request's context.
type Service struct {
	store    readmodel.Store
	gate     *position.Gate
	follower Follower
	log      events.LogID
	now      func() time.Time
	timeout  time.Duration
	wait     time.Duration
}

// New makes a service.
func New(c Config) *Service {
	return &Service{
		store: c.Store, gate: c.Gate, follower: c.Follower, log: c.Log,
		now: c.Now, timeout: c.Timeout, wait: c.Wait,
	}
}

// Page is a list and the cursors of what is around it; nil is the end.
type Page[T any] struct {
	Items      []T
	Next, Prev *string
}
