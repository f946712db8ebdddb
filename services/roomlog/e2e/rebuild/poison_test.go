package rebuild

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

const (
	// poisoned is the room that is blocked by its event poison, of so many.
	poisoned, poison, inPoisoned = 7, 300, 5000
	// others are rooms in all partitions, each of which is written to so often.
	others, each = 24, 10
	// mostLag bounds how long the other rooms' events wait until they are folded, on
	// a machine that does as well without the poisoned room.
	mostLag = time.Second
)

// TestPoisonedRoom has a room whose events nobody can judge, and more and more of
// them. The other rooms, those of its partition too, are folded within a second.
// After the first one is discarded, what waited is folded, and tables that are made
// anew are the same.
func TestPoisonedRoom(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *installation{"embedded": startEmbedded, "kafka": startKafka} {
		t.Run(name, func(t *testing.T) {
			in := start(t)
			calm := in.lag(t, "calm")
			var writing sync.WaitGroup
			writing.Go(func() { in.fillPoisoned(t) })
			beside := in.lag(t, "beside")
			writing.Wait()
			if beside > max(mostLag, 3*calm) {
				t.Errorf("beside a poisoned room 1 %% of the events wait for %s, without one for %s", beside, calm)
			}
			in.awaitFolded(t, 1)
			behind := 0 // the poisoned one included
			for n := poison; n < inPoisoned; n++ {
				if filling(n, poisoned).Room == filling(0, poisoned).Room {
					behind++
				}
			}
			if parked := in.parked(t); parked != behind {
				t.Errorf("%d events are parked, want the %d from the poisoned one on", parked, behind)
			}

			proc.Output(t, in.roomlog, slices.Concat([]string{
				"projector", "dead", "discard", "--room", string(filling(0, poisoned).Room),
				"--event", string(fillID(poison, poisoned)), "--reason", "of a newer program", "--wait", "60s",
			}, in.flags)...)
			if parked := in.parked(t); parked > 0 {
				t.Errorf("%d events are parked still", parked)
			}
			proc.Output(t, in.roomlog, slices.Concat([]string{"projector", "rebuild"}, in.flags)...)
			in.awaitFolded(t, 1)
			in.awaitFolded(t, 2)
			t.Logf("figure: poison: %d rows are equal after a rebuild", equalTables(t, in.open(t, 1), in.open(t, 2)))
		})
	}
}

// fillPoisoned appends the events of the poisoned room, one by one; some are of
// accounts, which nothing holds up.
func (in *installation) fillPoisoned(t *testing.T) {
	p, err := eventlog.NewPublisher(in.log, in.layout)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = p.Close() }()
	for n := range inPoisoned {
		encode := events.Encode
		if n == poison {
			encode = ofNewerProgram
		}
		m, err := encode(filling(n, poisoned))
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := p.Publish(t.Context(), m); err != nil {
			t.Error(err)
			return
		}
	}
}

// parked is how many events wait in the poisoned room.
func (in *installation) parked(t *testing.T) (n int) {
	t.Helper()
	err := in.open(t, 1).Snapshot(t.Context(), func(r readmodel.Reader) error {
		all, err := r.Parked(t.Context(), readmodel.Key{Tenant: events.DefaultTenant, Room: filling(0, poisoned).Room}, 2*inPoisoned)
		n = len(all)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lag writes to all other rooms, and gives how long an answer took that waited until
// its event was folded: 99 of 100 took no longer.
func (in *installation) lag(t *testing.T, when string) time.Duration {
	t.Helper()
	var all []time.Duration
	var mu sync.Mutex
	var writing sync.WaitGroup
	first := client.New(in.urls[0], in.token(t, "writer"))
	t.Cleanup(first.Close)
	for n := range others {
		room := events.RoomID(fmt.Sprintf("%s-%d", when, n))
		if _, err := first.PutRoom(t.Context(), room, client.NewRoom{Kind: events.RoomPublic}, client.Command{Wait: 20 * time.Second}); err != nil {
			t.Fatal(err)
		}
		c := first.At(in.urls[n%len(in.urls)])
		writing.Go(func() {
			for i := range each {
				begun := time.Now()
				ack, err := c.Post(t.Context(), room, client.NewMessage{Text: "as ever"}, client.Command{Key: fmt.Sprint(i), Wait: 20 * time.Second})
				if err != nil || ack.Seq == 0 {
					t.Errorf("%s: seq %d, %v", room, ack.Seq, err)
					return
				}
				mu.Lock()
				all = append(all, time.Since(begun))
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	if t.Failed() {
		t.FailNow()
	}
	slices.Sort(all)
	most := all[len(all)*99/100]
	t.Logf("figure: poison: %s: %d events folded after %s (median), %s (99 %%)", when, len(all), all[len(all)/2], most)
	return most
}
