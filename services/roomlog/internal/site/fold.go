package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/projector"
)

const (
	pollInterval = 100 * time.Millisecond
	// stuckTimeout is how long a projection may stand still while it is waited for.
	stuckTimeout = 60 * time.Second
)

// errFolded ends the projector that Fold runs.
var errFolded = errors.New("all is folded")

// Fold returns when everything that the log had at the call is folded. On a data
// directory that no other process has, it runs a projector for that; else it
// waits for those that run. Progress is told how many events are folded of how
// many.
func (s *Site) Fold(ctx context.Context, store readmodel.Store, progress func(done, total int64)) error {
	ends, err := s.ends(ctx)
	if err != nil {
		return err
	}
	if done, total, err := folded(ctx, store, ends); err != nil || done == total {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := awaitFolded(ctx, store, ends, progress); err != nil {
			return err
		}
		return errFolded
	})
	if s.broker != nil {
		g.Go(func() error { return s.project(ctx) })
	}
	if err := g.Wait(); !errors.Is(err, errFolded) {
		return err
	}
	return nil
}

// errDone ends the projector that Projecting runs.
var errDone = errors.New("all is done")

// Projecting calls do. On a data directory that no other process has, a projector
// runs meanwhile.
func (s *Site) Projecting(ctx context.Context, do func(context.Context) error) error {
	if s.broker == nil {
		return do(ctx)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.project(ctx) })
	g.Go(func() error {
		if err := do(ctx); err != nil {
			return err
		}
		return errDone
	})
	if err := g.Wait(); !errors.Is(err, errDone) {
		return err
	}
	return nil
}

// project runs a projector of this process until ctx ends.
func (s *Site) project(ctx context.Context) (err error) {
	control, err := s.OpenControl(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.Close()) }()
	service, err := projector.New(projector.Config{}, projector.Deps{
		Log: s.Log.Config, Layout: s.Log.Layout, Control: control, Open: s.OpenVersion,
		// Nobody follows, and the channel drops what nobody follows.
		Timeline: gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{}), TimelineTopic: timeline.DefaultTopic,
		Metrics: prometheus.NewRegistry(), Logger: s.logger,
	})
	if err != nil {
		return err
	}
	return service.Run(ctx)
}

func (s *Site) ends(ctx context.Context) ([]events.Offset, error) {
	client, err := eventlog.NewClient(s.Log.Config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Ends(ctx, s.Log.Layout)
}

// awaitFolded waits until every checkpoint is at its end.
func awaitFolded(ctx context.Context, store readmodel.Store, ends []events.Offset, progress func(done, total int64)) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var last int64
	moved := time.Now()
	for {
		done, total, err := folded(ctx, store, ends)
		if err != nil {
			return err
		}
		if progress(done, total); done == total {
			return nil
		}
		if done != last {
			last, moved = done, time.Now()
		}
		if time.Since(moved) > stuckTimeout {
			return fmt.Errorf("%d of %d events are folded and it does not go on: see roomlog projector status", done, total)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// folded tells how many events are folded, of how many.
func folded(ctx context.Context, store readmodel.Store, ends []events.Offset) (done, total int64, err error) {
	for _, end := range ends {
		total += int64(end)
	}
	err = store.Snapshot(ctx, func(r readmodel.Reader) error {
		checkpoints, err := r.Checkpoints(ctx)
		for _, cp := range checkpoints {
			if int(cp.Partition) < len(ends) {
				done += int64(min(cp.Next, ends[cp.Partition]))
			}
		}
		return err
	})
	return done, total, err
}
