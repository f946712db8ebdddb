package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

const (
	starts = 3 // of which the median counts
	// collections are as many as it takes for stacks to shrink.
	collections = 5
	// spareFiles is what a process opens beside streams.
	spareFiles = 500
)

// restarts stops a service and starts it again: how long until it serves. What its
// files have is seen while it is stopped, when nothing waits to be written back.
func restarts(name string) measurement {
	return measurement{name: name, look: func(ctx context.Context, r *running) (*result.Measured, error) {
		var got load.Result
		var disk *result.Disk
		begun := time.Now()
		for range starts {
			var err error
			if disk, err = r.restart(ctx); err != nil {
				return nil, err
			}
			got.Latencies = append(got.Latencies, r.home.took)
		}
		got.Took = time.Since(begun)
		slices.Sort(got.Latencies)
		out := measured(got)
		out.Disk = disk
		out.MemoryMiB = float64(machine.Memory(r.roots...)) / bytesInMiB
		return out, nil
	}}
}

// restart stops the service, looks at its files, and starts it again.
func (r *running) restart(ctx context.Context) (*result.Disk, error) {
	if err := r.tables.settle(ctx); err != nil {
		return nil, err
	}
	ends, err := r.home.seen.client.Ends(ctx, r.home.seen.site.Log.Layout)
	if err != nil {
		return nil, err
	}
	if err := r.stopTo(ctx, r.kept); err != nil {
		return nil, err
	}
	disk := new(result.Disk)
	for _, end := range ends {
		disk.Events += int64(end)
	}
	dir := r.home.flags.Data
	if disk.Log, err = size(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	all, err := size(dir)
	if err != nil {
		return nil, err
	}
	disk.Tables = all - disk.Log
	_, err = r.home.serve(ctx, r)
	return disk, err
}

// size is how many bytes the files of a directory have.
func size(dir string) (bytes int64, err error) {
	return bytes, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		bytes += info.Size()
		return nil
	})
}

// idle opens streams on which nothing comes, and compares what memory is in use
// before and after, garbage left out.
func idle(name string, streams int, path func(*running) (string, error)) measurement {
	return measurement{name: name, fresh: true, look: func(ctx context.Context, r *running) (*result.Measured, error) {
		path, err := path(r)
		if err != nil {
			return nil, err
		}
		before, err := r.inUse(ctx)
		if err != nil {
			return nil, err
		}
		begun := time.Now()
		stop, err := load.Idle(ctx, r.target, streams, path)
		defer stop()
		if err != nil {
			return nil, err
		}
		out := &result.Measured{N: streams, Seconds: time.Since(begun).Seconds()}
		out.Rate = float64(streams) / out.Seconds
		after, err := r.inUse(ctx)
		if err != nil {
			return nil, err
		}
		out.StreamBytes = (after - before) / float64(streams)
		out.MemoryMiB = float64(machine.Memory(r.roots...)) / bytesInMiB
		stop()
		return out, r.until(ctx, "roomlog_streams", 0)
	}}
}

// personStream is all of a person's, in the first room.
func personStream(*running) (string, error) { return load.PersonPath([]int{0}), nil }

// roomStream is what comes in the first room from now on.
func roomStream(r *running) (string, error) {
	c := r.target.Dial(owner)
	defer c.Close()
	answer, err := c.Do(http.MethodGet, load.RoomPath(0), "", nil)
	if err != nil {
		return "", err
	}
	var room struct{ Seq int }
	err = json.Unmarshal(answer, &room)
	return fmt.Sprintf("%s/events?after=%d", load.RoomPath(0), room.Seq), err
}

// inUse is what heap and stacks have after a collection, in bytes.
func (r *running) inUse(ctx context.Context) (bytes float64, err error) {
	for range collections {
		if err := r.ask(ctx, "/debug/pprof/heap?gc=1", func(string) {}); err != nil {
			return 0, err
		}
	}
	return r.metrics(ctx, "go_memstats_heap_inuse_bytes", "go_memstats_stack_inuse_bytes")
}

// until waits until a metric has a value.
func (r *running) until(ctx context.Context, metric string, want float64) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	for {
		got, err := r.metrics(ctx, metric)
		if err != nil || got == want {
			return err
		}
		select {
		case <-time.After(sampleEvery):
		case <-ctx.Done():
			return fmt.Errorf("%s is %v and not %v: %w", metric, got, want, ctx.Err())
		}
	}
}

// metrics adds some up.
func (r *running) metrics(ctx context.Context, names ...string) (sum float64, err error) {
	found := 0
	err = r.ask(ctx, "/metrics", func(line string) {
		name, text, _ := strings.Cut(line, " ")
		if value, err := strconv.ParseFloat(text, 64); err == nil && slices.Contains(names, name) {
			sum += value
			found++
		}
	})
	if err == nil && found != len(names) {
		err = fmt.Errorf("the service does not say all of %s", strings.Join(names, ", "))
	}
	return sum, err
}

// ask asks the admin listener and calls each line of the answer.
func (r *running) ask(ctx context.Context, path string, line func(string)) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.admin()+path, http.NoBody)
	if err != nil {
		return err
	}
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, bytesInMiB)
	for lines.Scan() {
		line(lines.Text())
	}
	return lines.Err()
}
