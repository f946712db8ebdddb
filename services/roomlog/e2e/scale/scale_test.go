package scale_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// BenchmarkScaleOut adds 5 ms to each round trip to the database. Batches are
// small, so that waiting is what a projector does, not working: the machine that
// runs this may have two processors for all of them and PostgreSQL.
func BenchmarkScaleOut(b *testing.B) {
	batch := proc.Number(b, "SCALE_BATCH", 10)
	const delay = 5 * time.Millisecond
	compare(b, delay, batch, 2000*batch)
}

// BenchmarkScaleUp is the same without delay and with batches of 500.
func BenchmarkScaleUp(b *testing.B) {
	compare(b, 0, 500, proc.Number(b, "SCALE_EVENTS", 200_000))
}

// compare lets one projector fold one partition at a time, then eight, then one
// all partitions at once.
func compare(b *testing.B, delay time.Duration, batch, messages int) {
	var one, eight, parallel cost
	few := []string{"--parallel", "1", "--max-batch", strconv.Itoa(batch)}
	for b.Loop() {
		one.add(scaled(b, delay, 1, messages, few...))
		eight.add(scaled(b, delay, 8, 4*messages, few...))
		parallel.add(scaled(b, delay, 1, 4*messages, "--parallel", "16", "--max-batch", strconv.Itoa(batch)))
	}
	n := int64(b.N * messages)
	rates := [...]float64{rate(n, one.took), rate(4*n, eight.took), rate(4*n, parallel.took)}
	b.ReportMetric(rates[0], "one/s")
	b.ReportMetric(rates[1], "eight/s")
	b.ReportMetric(rates[2], "parallel16/s")
	b.ReportMetric(rates[1]/rates[0], "eight:one")
	b.ReportMetric(rates[2]/rates[0], "parallel16:one")
	b.ReportMetric(perEvent(one.program, n)*float64(batch), "µs-projector/batch")
	b.ReportMetric(perEvent(one.server, n)*float64(batch), "µs-server/batch")
}

// scaled folds some messages by some projectors. They have shared the partitions
// before there is anything to fold.
func scaled(b *testing.B, delay time.Duration, projectors, messages int, flags ...string) (c cost) {
	b.Helper()
	s := newSite(b)
	database := s.database
	if delay > 0 {
		database = slow(b, database, delay)
	}
	var all []*proc.Process
	for range projectors {
		all = append(all, s.start(b, database, flags...))
	}
	s.await(b, fmt.Sprintf("%d projectors share %d partitions", projectors, partitions), func(p progress) bool {
		return p.claimed == partitions && p.owners == projectors && p.most == partitions/projectors
	})
	h := newHistory(2, 5)
	n := s.publish(b, h.beginning())
	s.await(b, "the rooms are there", func(p progress) bool { return p.folded >= n })
	before := s.used(b, all)
	begun := time.Now()
	n += s.publish(b, h.messages(messages))
	c.took = s.await(b, "all is folded", func(p progress) bool { return p.folded >= n }).Sub(begun)
	after := s.used(b, all)
	c.program, c.server = after.program-before.program, after.server-before.server
	for _, p := range all {
		p.MustStop(b)
	}
	return c
}
