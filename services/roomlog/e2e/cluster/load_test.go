package cluster_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// readPause is the pause of a reader between two pages.
const readPause = 10 * time.Millisecond

// readers read pages all the while, each on one replica after the other with the
// position of what they have read before.
type readers struct {
	stop    context.CancelFunc
	ended   sync.WaitGroup
	mu      sync.Mutex
	pages   int
	slowest time.Duration
	failed  []error
}

func (d *deployment) startReaders(t *testing.T) *readers {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &readers{stop: stop}
	for i := range d.urls {
		reader := d.people.Owner(i).As(d.token(t, "load-owner"))
		replicas := []*client.Client{reader, reader.At(d.urls[(i+1)%len(d.urls)])}
		r.ended.Go(func() {
			tick := time.NewTicker(readPause)
			defer tick.Stop()
			for room := 0; ctx.Err() == nil; room++ {
				began := time.Now()
				rooms := d.people.Rooms()
				page, err := replicas[room%2].Messages(context.WithoutCancel(ctx), rooms[room%len(rooms)], url.Values{"limit": {"20"}})
				if err == nil && len(page.Items) > 20 {
					err = fmt.Errorf("a page of %d", len(page.Items))
				}
				r.note(time.Since(began), err)
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	return r
}

func (r *readers) note(d time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pages++
	r.slowest = max(r.slowest, d)
	if err != nil && len(r.failed) < 10 {
		r.failed = append(r.failed, err)
	}
}

// end stops the readers and fails the test where one of them could not read.
func (r *readers) end(t *testing.T) {
	t.Helper()
	r.stop()
	r.ended.Wait()
	for _, err := range r.failed {
		t.Errorf("a reader failed: %v", err)
	}
	t.Logf("figure: %s: %d pages read meanwhile, %d failed, the slowest took %s", t.Name(), r.pages, len(r.failed), r.slowest.Round(time.Millisecond))
}

// underLoad torments while everyone writes, lets the load go on for a while after,
// and then checks everything. Before and after the torment there are at least
// CLUSTER_ACKS acknowledgements.
func (d *deployment) underLoad(t *testing.T, torment func()) {
	t.Helper()
	load, stop := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { d.people.Run(load) })
	defer func() {
		stop()
		ended.Wait()
	}()
	begun, acked := time.Now(), d.people.Acked()
	d.awaitAcks(t)
	torment()
	d.awaitAcks(t)
	stop()
	ended.Wait()
	took := time.Since(begun)
	t.Logf("figure: %s: %d acknowledged in %s under load", t.Name(), d.people.Acked()-acked, took.Round(time.Millisecond))
	d.check(t)
}

// awaitAcks waits for the next acknowledgements.
func (d *deployment) awaitAcks(t *testing.T) {
	t.Helper()
	target := d.people.Acked() + proc.Number(t, "CLUSTER_ACKS", 300)
	until(t, "more acknowledgements", func() bool { return d.people.Acked() >= target })
}

// check lets everyone send again what has no answer, reads what is new and
// applies the rules.
func (d *deployment) check(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.people.Resend(ctx); err != nil {
		t.Fatalf("send again: %v", err)
	}
	found, err := d.people.Survey(ctx, 100)
	if err != nil {
		t.Fatal(err)
	}
	d.report(t, found)
}

func (d *deployment) report(t *testing.T, found []checker.Violation) {
	t.Helper()
	for _, o := range d.people.Oddities() {
		t.Errorf("an answer that must not be: %v", o)
	}
	for i, f := range found {
		if i == 20 {
			t.Errorf("and %d more", len(found)-i)
			break
		}
		t.Errorf("violation: %s", f)
	}
	if t.Failed() {
		t.FailNow()
	}
}
