package scale_test

import (
	"fmt"
	"testing"

	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// BenchmarkGrowth lets one projector fold until the tables have 10⁵ events, 10⁶,
// and so on, and says what each of the next ones costs.
func BenchmarkGrowth(b *testing.B) {
	b.Run("ids=in-order", func(b *testing.B) { grow(b, true) })
	b.Run("ids=any-order", func(b *testing.B) { grow(b, false) })
}

func grow(b *testing.B, inOrder bool) {
	const sample = 50_000
	most := int64(proc.Number(b, "SCALE_GROWTH", 1_000_000))
	for b.Loop() {
		s := newSite(b)
		all := []*proc.Process{s.start(b, s.database)}
		h := newHistory(20, 50)
		h.inOrder = inOrder
		n := s.publish(b, h.beginning())
		for size := int64(100_000); size <= most; size *= 10 {
			n += s.publish(b, h.messages(int(size-n)))
			s.await(b, "the tables have grown", func(p progress) bool { return p.folded >= n })
			before := s.used(b, all)
			n += s.publish(b, h.messages(sample))
			s.await(b, "some more are folded", func(p progress) bool { return p.folded >= n })
			after := s.used(b, all)
			b.ReportMetric(perEvent(after.program-before.program, sample), fmt.Sprintf("µs-projector/event@%.0e", float64(size)))
			b.ReportMetric(perEvent(after.server-before.server, sample), fmt.Sprintf("µs-server/event@%.0e", float64(size)))
		}
		all[0].MustStop(b)
	}
}
