package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// revocationsWait is for how long a request waits for a replica that has just
// started and does not know yet which tokens are revoked.
const revocationsWait = 2 * time.Second

// Revocations are the moments before which a person's tokens were issued that are
// refused: a copy of the table, in memory. A moment only ever moves forward, so that
// it may be told often, late and in any order. It is safe for concurrent use.
type Revocations struct {
	loaded chan struct{} // closed once the table has been read
	once   sync.Once

	mu      sync.RWMutex
	before  map[Account]int64 // Unix milliseconds
	watches map[Account]map[*watch]struct{}
}

// watch is what ends when a token is revoked.
type watch struct {
	issued  time.Time
	revoked context.CancelFunc
}

// NewRevocations knows of nothing: until [Revocations.Load] no token is good.
func NewRevocations() *Revocations {
	return &Revocations{loaded: make(chan struct{}), before: map[Account]int64{}, watches: map[Account]map[*watch]struct{}{}}
}

// Load takes all of the table.
func (r *Revocations) Load(rows []readmodel.RevocationRow) {
	r.Revoke(rows...)
	r.once.Do(func() { close(r.loaded) })
}

// Revoke takes some rows of the table.
func (r *Revocations) Revoke(rows ...readmodel.RevocationRow) {
	if len(rows) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range rows {
		who := Account{row.Tenant, row.User}
		if row.Before <= r.before[who] {
			continue
		}
		r.before[who] = row.Before
		for w := range r.watches[who] {
			if r.revoked(who, w.issued) {
				w.revoked()
				r.forget(who, w)
			}
		}
	}
}

// Known reports whether the table has been read.
func (r *Revocations) Known() error {
	select {
	case <-r.loaded:
		return nil
	default:
		return errors.New("the table of revoked tokens has not been read yet")
	}
}

// Check refuses a token that is revoked. Errors are problems (token_revoked,
// read_model_unavailable) or that of ctx.
func (r *Revocations) Check(ctx context.Context, id Identity) error {
	if r.Known() != nil {
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.revoked(id.bearer(), id.Issued) {
		return problem.New(problem.TokenRevoked, "the token has been revoked")
	}
	return nil
}

func (r *Revocations) wait(ctx context.Context) error {
	t := time.NewTimer(revocationsWait)
	defer t.Stop()
	select {
	case <-r.loaded:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return problem.New(problem.ReadModelUnavailable, "it is not known yet which tokens are revoked")
	}
}

// While gives a context that ends when the token is revoked, and with ctx.
func (r *Revocations) While(ctx context.Context, id Identity) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	who, w := id.bearer(), &watch{issued: id.Issued, revoked: cancel}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked(who, w.issued) {
		cancel()
		return ctx, cancel
	}
	if r.watches[who] == nil {
		r.watches[who] = map[*watch]struct{}{}
	}
	r.watches[who][w] = struct{}{}
	return ctx, func() {
		cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.forget(who, w)
	}
}

// revoked compares; the caller holds mu. A token that does not say when it was issued
// may be from before.
func (r *Revocations) revoked(who Account, issued time.Time) bool {
	before, ok := r.before[who]
	return ok && (issued.IsZero() || issued.UnixMilli() < before)
}

// forget ends a watch; the caller holds mu.
func (r *Revocations) forget(who Account, w *watch) {
	if delete(r.watches[who], w); len(r.watches[who]) == 0 {
		delete(r.watches, who)
	}
}
