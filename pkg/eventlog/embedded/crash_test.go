package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
)

// TestKilled kills a broker under load, several times, and looks for everything
// that it ever acknowledged.
func TestKilled(t *testing.T) {
	const rounds, writers = 3, 8
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	acked := map[events.Position]string{}
	var l eventlog.Layout
	for round := range rounds {
		child := startChild(t, dir)
		info, err := embedded.ReadInfo(dir)
		if err != nil || info.PID != child.Process.Pid {
			t.Fatalf("broker.json: %+v, %v", info, err)
		}
		cfg := configOf(info)
		if now := ensure(t, cfg, 2); round > 0 && now != l {
			t.Fatalf("the log was %+v, is %+v", l, now)
		} else {
			l = now
		}
		most := 200 + random.IntN(400)
		maps.Copy(acked, publishUntilKilled(t, cfg, l, round, writers, func(n int) bool { return n > most }, child))
	}

	b := start(t, embedded.Config{Dir: dir})
	cfg := configOf(b.Info())
	if now := ensure(t, cfg, 2); now != l {
		t.Fatalf("the log was %+v, is %+v", l, now)
	}
	found := map[events.Position]string{}
	for p := range events.Partition(2) {
		for i, r := range read(t, cfg, l, p) {
			if r.Offset != events.Offset(i) {
				t.Fatalf("partition %d has a hole before %d", p, r.Offset)
			}
			found[l.Position(p, r.Offset)] = r.Header(events.HeaderID)
		}
	}
	for pos, id := range acked {
		if found[pos] != id {
			t.Errorf("%s was acknowledged at %d/%d, where %q stands", id, pos.Partition, pos.Offset, found[pos])
		}
	}
	t.Logf("%d acknowledged, %d in the log", len(acked), len(found))
}

func startChild(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe() // the child ends with this process
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()           //nolint:errcheck // a pipe
		child.Process.Kill() //nolint:errcheck // it may be dead
		child.Wait()         //nolint:errcheck // killed
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the broker does not start: %v", err)
	}
	return child
}

func publishUntilKilled(t *testing.T, cfg eventlog.Config, l eventlog.Layout, round, writers int, enough func(int) bool, child *exec.Cmd) map[events.Position]string {
	t.Helper()
	cfg.CloseTimeout = time.Millisecond // nothing that is in flight then matters
	p, err := eventlog.NewPublisher(cfg, l)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acked := map[events.Position]string{}
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			room := fmt.Sprintf("round%d-writer%d", round, w)
			for n := 0; ; n++ {
				pos, err := p.Publish(ctx, event(room, n))
				if err != nil {
					return
				}
				mu.Lock()
				acked[pos] = fmt.Sprintf("%s-%d", room, n)
				if enough(len(acked)) {
					child.Process.Kill() //nolint:errcheck // it may be dead
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	child.Wait() //nolint:errcheck // killed
	t.Cleanup(func() { closePublisher(p) })
	closePublisher(p)
	if len(acked) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	return acked
}

// closePublisher does not wait: the broker is dead.
func closePublisher(p *eventlog.Publisher) { p.Close() } //nolint:errcheck // it gives up at once

// TestTornTail cuts the end of the log off at each byte of the last record, as a
// power cut can, and adds garbage. The journal has that record; without it, as after a
// copy of the segments alone, the others are left.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{Dir: dir})
	cfg := configOf(b.Info())
	l := ensure(t, cfg, 1)
	publish(t, cfg, l, "room", 4)
	sizeOf4 := segmentSize(t, dir)
	publish(t, cfg, l, "last", 1)
	all := ids(read(t, cfg, l, 0))
	size := segmentSize(t, dir)

	// The files of a broker that runs are those of one that is killed.
	cuts := []int64{size - 1, size - 7, (sizeOf4 + size) / 2, sizeOf4 + 12, sizeOf4 + 1, sizeOf4}
	for _, cut := range cuts {
		t.Run(fmt.Sprintf("cut %d", size-cut), func(t *testing.T) {
			checkTorn(t, dir, l, all, func(_, segment string) error { return os.Truncate(segment, cut) })
			checkTorn(t, dir, l, all[:4], func(journal, segment string) error {
				return errors.Join(os.Remove(journal), os.Truncate(segment, cut))
			})
		})
	}
	t.Run("garbage", func(t *testing.T) {
		checkTorn(t, dir, l, all, func(_, segment string) error {
			f, err := os.OpenFile(segment, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString(strings.Repeat("garbage", 100))
			return errors.Join(err, f.Close())
		})
	})
}

// checkTorn copies the data, spoils the copy and starts a broker on it.
func checkTorn(t *testing.T, dir string, l eventlog.Layout, want []string, spoil func(journal, segment string) error) {
	t.Helper()
	spoiled := copied(t, dir)
	if err := spoil(filepath.Join(spoiled, "journal"), segment(t, spoiled)); err != nil {
		t.Fatal(err)
	}
	b := start(t, embedded.Config{Dir: spoiled})
	cfg := configOf(b.Info())
	if now := ensure(t, cfg, 1); now != l {
		t.Fatalf("the log was %+v, is %+v", l, now)
	}
	if got := ids(read(t, cfg, l, 0)); !slices.Equal(got, want) {
		t.Fatalf("the log has %v, want %v", got, want)
	}
	if pos := publish(t, cfg, l, "after", 1)[0]; pos.Offset != events.Offset(len(want)) {
		t.Errorf("the next event stands at %d, want %d", pos.Offset, len(want))
	}
	if got := ids(read(t, cfg, l, 0)); !slices.Equal(got, append(slices.Clip(want), "after-0")) {
		t.Errorf("then the log has %v", got)
	}
}

// A topic that was made anew has the names of the one before: what the journal has of
// that one is not for it.
func TestTopicMadeAnew(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{Dir: dir})
	cfg := configOf(b.Info())
	l := ensure(t, cfg, 1)
	publish(t, cfg, l, "before", 1)
	publish(t, cfg, l, "in-the-journal", 20)
	if _, err := admin(t, cfg).DeleteTopic(testContext(t), l.Topic); err != nil {
		t.Fatal(err)
	}
	again := ensure(t, cfg, 1)
	publish(t, cfg, again, "after, and longer than the first one before", 1)
	want := ids(read(t, cfg, again, 0))
	if len(want) != 1 {
		t.Fatalf("the new topic has %v", want)
	}
	b = start(t, embedded.Config{Dir: copied(t, dir)})
	cfg = configOf(b.Info())
	if got := ids(read(t, cfg, ensure(t, cfg, 1), 0)); !slices.Equal(got, want) {
		t.Errorf("after a crash it has %v, want %v", got, want)
	}
}

// copied gives the data of a broker that runs, as one that is killed leaves them.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func segment(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "log", "partitions", "*", "*.dat"))
	if err != nil || len(found) != 1 {
		t.Fatalf("segments: %v, %v", found, err)
	}
	return found[0]
}

func segmentSize(t *testing.T, dir string) int64 {
	t.Helper()
	s, err := os.Stat(segment(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return s.Size()
}
