package scale_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// BenchmarkCopy lets one projector fold a log, then copies the rows that it has
// written into the same tables with the same indexes, in the order in which they
// were written, by one COPY a table from a file. Run with -benchtime 3x, the two
// take turns.
func BenchmarkCopy(b *testing.B) {
	s := newSite(b)
	h := newHistory(20, 50)
	n := s.publish(b, h.beginning())
	n += s.publish(b, h.messages(proc.Number(b, "SCALE_EVENTS", 200_000)))
	var folding, copying cost
	for b.Loop() {
		s.database = clustertest.Postgres(b)
		folding.add(s.foldAll(b, n))
		copying.add(copyAll(b, s.database))
	}
	n *= int64(b.N)
	folded, copied := rate(n, folding.took), rate(n, copying.took)
	b.ReportMetric(folded, "folded/s")
	b.ReportMetric(copied, "copied/s")
	b.ReportMetric(folded/copied, "fold:copy")
	b.ReportMetric(perEvent(folding.program, n), "µs-projector/event")
	b.ReportMetric(perEvent(folding.server, n), "µs-server/event")
	b.ReportMetric(perEvent(copying.server, n), "µs-copy/event")
}

// cost is the time that something took, and the processors' time in the program
// and in the database's sessions.
type cost struct{ took, program, server time.Duration }

func (c *cost) add(other cost) {
	c.took += other.took
	c.program += other.program
	c.server += other.server
}

func perEvent(d time.Duration, n int64) float64 { return float64(d.Microseconds()) / float64(n) }

// used is what projectors and their sessions have used so far.
func (s *site) used(b *testing.B, all []*proc.Process) (c cost) {
	b.Helper()
	conn := connect(b, s.database)
	defer func() { _ = conn.Close(context.Background()) }()
	c.server = sessions(b, conn)
	for _, p := range all {
		c.program += processorTime(b, p.PID())
	}
	return c
}

// foldAll folds the whole log by one projector and says what it cost, from its
// first claim on.
func (s *site) foldAll(b *testing.B, n int64, flags ...string) (c cost) {
	b.Helper()
	p := s.start(b, s.database, flags...)
	begun := s.await(b, "the first claim", func(p progress) bool { return p.claimed > 0 })
	c.took = s.await(b, "all is folded", func(p progress) bool { return p.folded >= n }).Sub(begun)
	used := s.used(b, []*proc.Process{p})
	c.program, c.server = used.program, used.server
	p.MustStop(b)
	return c
}

// copyAll copies the tables of a database into one of the same shape.
func copyAll(b *testing.B, from string) (c cost) {
	b.Helper()
	to := clustertest.Postgres(b)
	control, err := driver.OpenControl(b.Context(), driver.Config{Address: to})
	if err != nil {
		b.Fatal(err)
	}
	if err := control.Close(); err != nil {
		b.Fatal(err)
	}
	source, target := connect(b, from), connect(b, to)
	defer func() {
		_ = source.Close(context.Background())
		_ = target.Close(context.Background())
	}()
	for _, table := range tables(b, source) {
		file := filepath.Join(b.TempDir(), table)
		name := pgx.Identifier{"roomlog_v1", table}.Sanitize()
		unload(b, source, name, file)
		begun := time.Now()
		load(b, target, name, file)
		c.took += time.Since(begun)
		if err := os.Remove(file); err != nil {
			b.Fatal(err)
		}
	}
	c.server = sessions(b, target)
	return c
}

// tables are those that rows of the log are in.
func tables(b *testing.B, conn *pgx.Conn) []string {
	b.Helper()
	rows, err := conn.Query(b.Context(), `SELECT relname FROM pg_class
WHERE relnamespace = 'roomlog_v1'::regnamespace AND relkind = 'r' AND relname NOT IN ('checkpoints', 'schema_migrations')`)
	if err != nil {
		b.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.Fatal(err)
	}
	return names
}

func unload(b *testing.B, conn *pgx.Conn, table, file string) {
	b.Helper()
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := conn.PgConn().CopyTo(b.Context(), f, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

func load(b *testing.B, conn *pgx.Conn, table, file string) {
	b.Helper()
	f, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := conn.PgConn().CopyFrom(b.Context(), f, "COPY "+table+" FROM STDIN (FORMAT binary)"); err != nil {
		b.Fatal(err)
	}
}
