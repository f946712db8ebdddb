package bench

import (
	"context"
	"sync"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// sample looks at a system again and again, until the function that it returns is
// called, which gives what was seen. With memory, it looks at that as well.
func (b *bench) sample(ctx context.Context, r *running, memory bool, acked *load.Acked) func() ([]result.Sample, error) {
	ctx, stop := context.WithCancel(ctx)
	var samples []result.Sample
	var failed error
	var sampling sync.WaitGroup
	begun := time.Now()
	sampling.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		var mib float64
		for i := 0; ctx.Err() == nil; i++ {
			s := result.Sample{Messages: acked.Len()}
			if r.tables != nil {
				lag, err := r.tables.lag(ctx)
				if err != nil {
					if ctx.Err() == nil {
						failed = err
					}
					return
				}
				s.Lag = lag
			}
			if memory && i%memoryEvery == 0 {
				mib = float64(machine.Memory(r.roots...)) / bytesInMiB
			}
			s.MemoryMiB = mib
			s.Second = time.Since(begun).Seconds()
			samples = append(samples, s)
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return func() ([]result.Sample, error) {
		stop()
		sampling.Wait()
		return samples, failed
	}
}

// thin keeps as many samples as a chart can show, each with the most lag since the
// one before.
func thin(all []result.Sample) (kept []result.Sample) {
	step := max(1, len(all)/samplesInAll)
	most := 0.0
	for i, s := range all {
		most = max(most, s.Lag)
		if (i+1)%step == 0 || i == len(all)-1 {
			s.Lag, most = most, 0
			kept = append(kept, s)
		}
	}
	return kept
}
