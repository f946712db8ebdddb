package cluster_test

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// rywClients is how many clients write and read at the same time.
const rywClients = 16

// readYourWrites writes on one replica and reads on the other with the position,
// while projectors are frozen and let go on at random: a read either sees the
// write or says 503 read_model_behind, never an older state.
func (d *deployment) readYourWrites(t *testing.T) {
	tries := proc.Number(t, "RYW_TRIES", 2000)
	lagging, stop := context.WithCancel(t.Context())
	var frozen sync.WaitGroup
	frozen.Go(func() { d.injectLag(lagging, t) })
	defer func() {
		stop()
		frozen.Wait()
	}()
	var s rywStats
	g, ctx := errgroup.WithContext(t.Context())
	for i := range rywClients {
		user := events.UserID(fmt.Sprintf("ryw-%d", i))
		c := client.New(d.urls[i%2], d.token(t, user))
		defer c.Close()
		g.Go(func() error {
			return s.writeAndRead(ctx, c, c.At(d.urls[(i+1)%2]), events.RoomID(user), (tries+rywClients-1)/rywClients)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	stop()
	frozen.Wait()
	t.Logf("figure: read your writes: %d tries, each seen; %d reads had to wait more than 100 ms, %d were told to come again (read_model_behind), the longest wait was %s",
		s.tries.Load(), s.waited.Load(), s.behind.Load(), time.Duration(s.longest.Load()).Round(time.Millisecond))
	if int(s.tries.Load()) < tries {
		t.Errorf("only %d of %d tries", s.tries.Load(), tries)
	}
	if s.waited.Load() == 0 {
		t.Error("no read has met a projector that lags: the test shows nothing")
	}
}

type rywStats struct {
	tries, waited, behind, longest atomic.Int64
}

// writeAndRead writes to a room of its own, where the last message must always be
// the one just written.
func (s *rywStats) writeAndRead(ctx context.Context, writer, reader *client.Client, room events.RoomID, n int) error {
	key := time.Now().UnixNano()
	if _, err := s.write(ctx, writer, func(ctx context.Context) (client.Ack, error) {
		return writer.PutRoom(ctx, room, client.NewRoom{Kind: events.RoomPrivate}, client.Command{Key: fmt.Sprint(key)})
	}); err != nil {
		return err
	}
	for i := range n {
		text := fmt.Sprintf("%s %d", room, i)
		ack, err := s.write(ctx, writer, func(ctx context.Context) (client.Ack, error) {
			return writer.Post(ctx, room, client.NewMessage{Text: text}, client.Command{Key: fmt.Sprintf("%d-%d", key, i)})
		})
		if err != nil {
			return err
		}
		began := time.Now()
		page, err := s.read(ctx, reader, room)
		if err != nil {
			return fmt.Errorf("read %q: %w", text, err)
		}
		if len(page.Items) != 1 || page.Items[0].Text != text || page.Items[0].ID != ack.EventID {
			return fmt.Errorf("wrote %q (%s), then read %+v with position %s", text, ack.EventID, page.Items, reader.Position())
		}
		s.tries.Add(1)
		took := time.Since(began)
		if took > 100*time.Millisecond {
			s.waited.Add(1)
		}
		for {
			longest := s.longest.Load()
			if int64(took) <= longest || s.longest.CompareAndSwap(longest, int64(took)) {
				break
			}
		}
	}
	return nil
}

// write sends until the log has it.
func (s *rywStats) write(ctx context.Context, c *client.Client, send func(context.Context) (client.Ack, error)) (client.Ack, error) {
	for {
		ack, err := send(ctx)
		var p *client.Problem
		switch {
		case err == nil && ack.Known():
			return ack, nil
		case ctx.Err() != nil:
			return ack, ctx.Err()
		case errors.As(err, &p) && p.Code != "rate_limited" && p.Code != "log_unavailable":
			return ack, err
		case err != nil && p == nil:
			return ack, err
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// read reads the newest message; what says that it does not know yet is asked
// again.
func (s *rywStats) read(ctx context.Context, c *client.Client, room events.RoomID) (client.Page[client.Message], error) {
	for {
		page, err := c.Messages(ctx, room, url.Values{"limit": {"1"}})
		if client.CodeOf(err) != "read_model_behind" {
			return page, err
		}
		s.behind.Add(1)
	}
}

// injectLag freezes projectors, one after the other, mostly for less than their
// session, and lets the last one go on when ctx ends.
func (d *deployment) injectLag(ctx context.Context, t *testing.T) {
	rng := mathrand.New(mathrand.NewPCG(d.rng.Uint64(), 3))
	for ctx.Err() == nil {
		p := d.projectors[rng.IntN(len(d.projectors))]
		if err := p.Pause(); err != nil {
			t.Error(err)
			return
		}
		frozen := time.Duration(50+rng.IntN(700)) * time.Millisecond
		if rng.IntN(20) == 0 {
			frozen = groupSession + time.Second
		}
		pause(ctx, frozen)
		if err := p.Continue(); err != nil {
			t.Error(err)
			return
		}
		pause(ctx, time.Duration(20+rng.IntN(200))*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
