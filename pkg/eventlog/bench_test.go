package eventlog_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkPublish is the embedded broker with fsync, in its process, one event a call.
func BenchmarkPublish(b *testing.B) {
	for _, partitions := range []int{1, 4} {
		for _, callers := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("partitions=%d/callers=%d", partitions, callers), func(b *testing.B) {
				broker, cfg := startBroker(b, b.TempDir())
				cfg.Dial = broker.Dial
				l := ensureEvents(b, cfg, partitions)
				p := newPublisher(b, cfg, l)
				ctx := b.Context()
				var n atomic.Int64
				var wg sync.WaitGroup
				b.ResetTimer()
				for c := range callers {
					wg.Go(func() {
						room := fmt.Sprint("room", c)
						for {
							i := n.Add(1)
							if i > int64(b.N) {
								return
							}
							if _, err := p.Publish(ctx, event(room, int(i))); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkPublishBatch is an import: one room, in order.
func BenchmarkPublishBatch(b *testing.B) {
	_, cfg := startBroker(b, b.TempDir())
	l := ensureEvents(b, cfg, 4)
	p := newPublisher(b, cfg, l)
	ms := messages("room", b.N)
	b.ResetTimer()
	if _, err := p.PublishBatch(b.Context(), ms); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkRead is a rebuild: one partition from its start.
func BenchmarkRead(b *testing.B) {
	_, cfg := startBroker(b, b.TempDir())
	l := ensureEvents(b, cfg, 1)
	if _, err := newPublisher(b, cfg, l).PublishBatch(b.Context(), messages("room", b.N)); err != nil {
		b.Fatal(err)
	}
	r := newReader(b, cfg, l, 0)
	b.ResetTimer()
	for int(r.Next()) < b.N {
		if _, err := r.Read(b.Context(), 500); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
