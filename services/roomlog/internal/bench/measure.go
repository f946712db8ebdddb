package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

const (
	mostClients   = people
	pageClients   = everywhere
	pageLimit     = 50
	deliveryRate  = 1000
	fanoutRate    = 10
	slowClients   = 8
	hotClients    = everywhere
	growthPart    = 5 * time.Second
	growthLimit   = 3 * time.Minute // of growth, in all
	sampleEvery   = 250 * time.Millisecond
	memoryEvery   = 4  // samples: the kernel adds pages up for it
	samplesInAll  = 60 // that are kept of a long measurement
	bytesInMiB    = 1 << 20
	inMillisecond = float64(time.Millisecond)
)

// measurement is one load, put on whatever system runs.
type measurement struct {
	name  string
	round int  // where it is not the turn's
	long  bool // sampled all the time, and as long as such ones are
	run   func(ctx context.Context, r *running, w load.Window, acked *load.Acked) (load.Result, error)
	fresh bool // the service is started anew before it: its memory tells
	// look is there in the place of run where no load is put on it.
	look func(ctx context.Context, r *running) (*result.Measured, error)
}

func sends(name string, clients, rooms int) measurement {
	return measurement{name: name, run: func(ctx context.Context, r *running, w load.Window, acked *load.Acked) (load.Result, error) {
		return load.Send(ctx, r.target, clients, rooms, w, acked), nil
	}}
}

// pages are the newest of all rooms, for everybody.
var pages = reads(result.Pages16, func(int) (paths []string) {
	for room := range load.Rooms {
		paths = append(paths, pagePath(room, ""))
	}
	return paths
})

var deliver = measurement{
	name: result.Deliver,
	run: func(ctx context.Context, r *running, w load.Window, acked *load.Acked) (load.Result, error) {
		return load.Deliver(ctx, r.target, load.Spread(deliveryRate), w, acked)
	},
}

// fanout is one room that many follow.
func fanout(streams int) measurement {
	return measurement{name: result.Fanout(streams), run: func(ctx context.Context, r *running, w load.Window, acked *load.Acked) (load.Result, error) {
		return load.Deliver(ctx, r.target, load.Fanout(fanoutRate, streams, 1, everywhere), w, acked)
	}}
}

// slow delays the database's statements for the length of a measurement.
func slow(d time.Duration) measurement {
	m := sends(result.Slow(d), slowClients, load.Rooms)
	run := m.run
	m.run = func(ctx context.Context, r *running, w load.Window, acked *load.Acked) (load.Result, error) {
		r.proxy.Set(d)
		defer r.proxy.Set(0)
		return run(ctx, r, w, acked)
	}
	return m
}

// sustained is long enough for the tables to fall behind, and for memory to grow.
func sustained() measurement {
	m := sends(result.Sustained, mostClients, load.Rooms)
	m.long = true
	return m
}

// growth goes on until the log has so many messages, and measures the last part of it.
func growth(messages int) measurement {
	m := sends(result.Growth, mostClients, load.Rooms)
	run := m.run
	m.long = true
	m.run = func(ctx context.Context, r *running, w load.Window, acked *load.Acked) (last load.Result, err error) {
		w.Time = min(w.Time, growthPart)
		for begun := time.Now(); err == nil && ctx.Err() == nil; {
			last, err = run(ctx, r, w, acked)
			if acked.Len() >= messages || time.Since(begun) > growthLimit {
				break
			}
		}
		return last, err
	}
	return m
}

// measure puts one load on a running system.
func (b *bench) measure(ctx context.Context, r *running, m measurement, acked *load.Acked) (*result.Measured, error) {
	w := load.Window{Warm: b.Warm, Time: b.Time}
	if m.long {
		w.Time = b.Long
	}
	if m.fresh {
		if _, err := r.restart(ctx); err != nil {
			return nil, err
		}
	}
	if !b.Quick {
		machine.Settle()
	}
	if m.look != nil {
		return m.look(ctx, r)
	}
	sampled := b.sample(ctx, r, m.long, acked)
	var before, after machine.Usage
	var servers, serversAfter machine.Usage
	var own, ownAfter time.Duration
	var memory int64
	w.Watch = func() func() {
		before, servers, own = machine.UsageOf(r.roots...), machine.UsageOf(r.servers...), machine.Self()
		return func() {
			after, serversAfter, ownAfter = machine.UsageOf(r.roots...), machine.UsageOf(r.servers...), machine.Self()
			memory = machine.Memory(r.roots...)
		}
	}
	got, err := m.run(ctx, r, w, acked)
	samples, lagError := sampled()
	if err == nil {
		err = lagError
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	out := measured(got)
	seconds := got.Took.Seconds()
	out.CPU = perThousand(after.CPU-before.CPU, out.N)
	out.CPUServers = perThousand(serversAfter.CPU-servers.CPU, out.N)
	out.MemoryMiB = float64(memory) / bytesInMiB
	out.ServerBusy, out.LoadBusy = share(before, after, b.stage.serverCPU, seconds), share(before, after, b.LoadCPU, seconds)
	out.ServerOwn, out.LoadOwn = (after.CPU-before.CPU).Seconds()/seconds, (ownAfter-own).Seconds()/seconds
	for _, s := range samples {
		out.Lag = max(out.Lag, s.Lag)
	}
	if m.long {
		out.Series = thin(samples)
	}
	return out, b.drain(ctx, r, out)
}

// measured is a load's result in the units of records.
func measured(got load.Result) *result.Measured {
	ms := func(percent float64) float64 { return float64(load.Percentile(got.Latencies, percent)) / inMillisecond }
	out := &result.Measured{
		Seconds: got.Took.Seconds(), N: len(got.Latencies), Rate: got.Rate(),
		P50: ms(50), P95: ms(95), P99: ms(99), Max: ms(100),
		Errors: got.Errors, Items: got.Items, Sent: got.Sent,
		Late: float64(load.Percentile(got.Late, 99)) / inMillisecond,
	}
	if got.Sent > 0 {
		out.Lost = got.Sent - out.N
	}
	if got.Err != nil {
		out.FirstError = got.Err.Error()
	}
	return out
}

func perThousand(d time.Duration, n int) float64 { return d.Seconds() / float64(max(1, n)) * 1000 }

// share is how much of a processor was used, by whoever it was.
func share(before, after machine.Usage, cpu int, seconds float64) float64 {
	if cpu >= len(before.Busy) || cpu >= len(after.Busy) {
		return 0
	}
	return (after.Busy[cpu] - before.Busy[cpu]).Seconds() / seconds
}

// drain waits until the tables have all that the log has: the next measurement is not
// to pay for this one.
func (b *bench) drain(ctx context.Context, r *running, out *result.Measured) error {
	if r.tables == nil {
		return nil
	}
	begun := time.Now()
	if err := r.tables.settle(ctx); err != nil {
		return fmt.Errorf("wait for the tables: %w", err)
	}
	out.Drain = time.Since(begun).Seconds()
	return nil
}
