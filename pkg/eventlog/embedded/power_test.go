package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

// TestPowerCut loses all that was not synced, at the moment when one more event was
// acknowledged, or was read. Whatever anyone was told of must be there afterwards.
func TestPowerCut(t *testing.T) {
	for _, at := range []int{1, 2, 40, 700} {
		for _, segment := range []int{1_000, 1 << 20} { // many; one, which only the journal makes durable
			t.Run(fmt.Sprintf("acknowledged %d, segments of %d", at, segment), func(t *testing.T) { powerCut(t, segment, at, 0) })
			t.Run(fmt.Sprintf("read %d, segments of %d", at, segment), func(t *testing.T) { powerCut(t, segment, 0, at) })
		}
	}
}

// powerCut cuts at the given number of acknowledgements, or of records read. The journal
// begins anew all the time.
func powerCut(t *testing.T, segment, atAck, atRead int) {
	const writers, partitions = 8, 2
	dir := t.TempDir()
	disk := newLossyDisk(dir)
	b := start(t, embedded.WithJournal(embedded.OnDisk(embedded.Config{Dir: dir}, disk), 8<<10))
	cfg := configOf(b.Info())
	l := ensure(t, cfg, partitions)
	sizeSegments(t, cfg, l, segment)
	cfg.CloseTimeout = time.Millisecond

	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	told := &told{disk: disk, cut: cancel, acks: atAck, reads: atRead, at: map[events.Position]string{}}
	ways := [2]eventlog.Config{cfg, cfg} // within the process, and by the network
	ways[0].Dial = b.Dial
	var publishers [2]*eventlog.Publisher // one alone sends nothing while it waits for an answer
	for i := range publishers {
		p, err := eventlog.NewPublisher(ways[i], l)
		if err != nil {
			t.Fatal(err)
		}
		defer closePublisher(p)
		publishers[i] = p
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			p, room := publishers[w%len(publishers)], fmt.Sprintf("room%d", w)
			for n := 0; ; n++ {
				pos, err := p.Publish(ctx, event(room, n))
				if err != nil {
					return
				}
				told.acknowledged(pos, fmt.Sprintf("%s-%d", room, n))
			}
		})
	}
	for part := range events.Partition(partitions) {
		wg.Go(func() {
			r := eventlog.NewReader(ways[part], l, part)
			defer r.Close()
			for {
				records, err := r.Read(ctx, 10)
				if err != nil {
					return
				}
				for _, rec := range records {
					told.read(l.Position(part, rec.Offset), rec.Header(events.HeaderID))
				}
			}
		})
	}
	wg.Wait()
	stop(t, b)
	if len(told.at) == 0 {
		t.Fatal("nobody was told of anything")
	}

	b = start(t, embedded.Config{Dir: disk.left(t)})
	cfg = configOf(b.Info())
	if now := ensure(t, cfg, partitions); now != l {
		t.Fatalf("the log was %+v, is %+v", l, now)
	}
	found := map[events.Position]string{}
	for part := range events.Partition(partitions) {
		for _, r := range read(t, cfg, l, part) {
			found[l.Position(part, r.Offset)] = r.Header(events.HeaderID)
		}
	}
	for pos, id := range told.at {
		if found[pos] != id {
			t.Errorf("%s was told of at %d/%d, where %q stands", id, pos.Partition, pos.Offset, found[pos])
		}
	}
	t.Logf("%d events were told of, %d are left", len(told.at), len(found))
}

// told is what clients were told until the power cut.
type told struct {
	disk        *lossyDisk
	cut         func()
	mu          sync.Mutex
	acks, reads int // how many more until the cut
	at          map[events.Position]string
}

func (w *told) acknowledged(p events.Position, id string) { w.add(p, id, &w.acks) }
func (w *told) read(p events.Position, id string)         { w.add(p, id, &w.reads) }

func (w *told) add(p events.Position, id string, left *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut == nil {
		return
	}
	w.at[p] = id
	if *left--; *left == 0 {
		w.disk.cut()
		w.cut()
		w.cut = nil
	}
}

// sizeSegments has the log go on to a new segment after so many bytes.
func sizeSegments(t *testing.T, cfg eventlog.Config, l eventlog.Layout, bytes int) {
	t.Helper()
	size := strconv.Itoa(bytes)
	if _, err := admin(t, cfg).AlterTopicConfigs(testContext(t), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "segment.bytes", Value: &size}}, l.Topic); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFails has one sync fail: nothing is acknowledged or read from then on, even
// if later ones would work.
func TestDiskFails(t *testing.T) {
	dir := t.TempDir()
	disk := newLossyDisk(dir)
	b, err := embedded.Start(testContext(t), embedded.OnDisk(embedded.Config{Dir: dir}, disk))
	if err != nil {
		t.Fatal(err)
	}
	cfg := configOf(b.Info())
	l := ensure(t, cfg, 1)
	publish(t, cfg, l, "before", 3)
	cfg.CloseTimeout = time.Millisecond
	p, err := eventlog.NewPublisher(cfg, l)
	if err != nil {
		t.Fatal(err)
	}
	defer closePublisher(p)
	disk.fail(errors.New("the disk is broken"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if pos, err := p.Publish(ctx, event("after", 0)); !errors.Is(err, eventlog.ErrUnknownOutcome) {
		t.Errorf("published at %v, %v", pos, err)
	}
	disk.fail(nil)
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r := eventlog.NewReader(cfg, l, 0)
	defer r.Close()
	if records, err := r.Read(ctx, 10); err == nil {
		t.Errorf("%d records were read", len(records))
	}
	closing, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Close(closing); err == nil {
		t.Error("closed without a word")
	}
}

// TestWriteFails has the broker fail to write: what it may have taken back is in doubt.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{Dir: dir})
	cfg := configOf(b.Info())
	l := ensure(t, cfg, 1)
	sizeSegments(t, cfg, l, 1)
	publish(t, cfg, l, "before", 1)
	if embedded.Complained(b) {
		t.Fatal("it complains of nothing")
	}
	next := filepath.Join(filepath.Dir(segment(t, dir)), "1.dat")
	if err := os.Mkdir(next, 0o700); err != nil {
		t.Fatal(err)
	}
	hasty := cfg
	hasty.CloseTimeout = time.Millisecond
	p, err := eventlog.NewPublisher(hasty, l)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if pos, err := p.Publish(ctx, event("failed", 0)); err == nil {
		t.Errorf("published at %v, where a directory is", pos)
	}
	closePublisher(p)
	if !embedded.Complained(b) {
		t.Error("its complaint was not heard")
	}
	if err := os.Remove(next); err != nil {
		t.Fatal(err)
	}
	publish(t, cfg, l, "after", 2)
	if embedded.Complained(b) {
		t.Error("what was in doubt still is")
	}
	if got := ids(read(t, cfg, l, 0)); !slices.Equal(got, []string{"before-0", "after-0", "after-1"}) {
		t.Errorf("the log has %v", got)
	}
}

// TestGroupCommit has many wait for one sync.
func TestGroupCommit(t *testing.T) {
	const writers, each = 64, 20
	dir := t.TempDir()
	disk := newLossyDisk(dir)
	b := start(t, embedded.OnDisk(embedded.Config{Dir: dir}, disk))
	cfg := configOf(b.Info())
	l := ensure(t, cfg, 1)
	p, err := eventlog.NewPublisher(cfg, l)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				if _, err := p.Publish(testContext(t), event(fmt.Sprintf("room%d", w), n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if disk.syncs > writers*each/2 {
		t.Errorf("%d syncs for %d events", disk.syncs, writers*each)
	}
	t.Logf("%d syncs for %d events", disk.syncs, writers*each)
}
