package scale_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

const (
	partitions = 16
	// patience bounds what must happen at some time.
	patience = time.Hour
	poll     = 10 * time.Millisecond
)

func TestMain(m *testing.M) {
	code := m.Run()
	proc.Clean()
	os.Exit(code)
}

// site is a log and a database of its own, and what folds one into the other.
type site struct {
	cfg       eventlog.Config
	layout    eventlog.Layout
	password  string // file with that of the broker
	projector string // program
	database  string
}

// newSite starts an embedded broker with an empty log, in memory, so that it is
// never what is waited for.
func newSite(b *testing.B) *site {
	b.Helper()
	broker, err := embedded.Start(b.Context(), embedded.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = broker.Close(context.Background()) })
	s := &site{
		cfg:       eventlog.Config{Brokers: broker.Brokers(), Username: broker.Username(), Password: broker.Password()},
		password:  filepath.Join(b.TempDir(), "password"),
		projector: proc.Build(b, "github.com/roomlog/roomlog/services/projector/cmd/projector"),
		database:  clustertest.Postgres(b),
	}
	if err := os.WriteFile(s.password, []byte(broker.Password()), 0o600); err != nil {
		b.Fatal(err)
	}
	if s.layout, err = eventlog.EnsureTopic(b.Context(), s.cfg, s.cfg.EventsTopicSpec(partitions, 0, 0)); err != nil {
		b.Fatal(err)
	}
	s.cfg.Topic = s.layout.Topic
	return s
}

// publish appends events.
func (s *site) publish(b *testing.B, all func(yield func(*events.Event) bool)) (n int64) {
	b.Helper()
	p, err := eventlog.NewPublisher(s.cfg, s.layout)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	var batch []events.Message
	flush := func() {
		if _, err := p.PublishBatch(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		n += int64(len(batch))
		batch = batch[:0]
	}
	for e := range all {
		m, err := events.Encode(e)
		if err != nil {
			b.Fatal(err)
		}
		if batch = append(batch, m); len(batch) == 1000 {
			flush()
		}
	}
	flush()
	return n
}

// start starts a projector into a database.
func (s *site) start(b *testing.B, database string, flags ...string) *proc.Process {
	b.Helper()
	p := proc.Start(b, s.projector, append([]string{
		"--brokers", s.cfg.Brokers[0], "--broker-user", s.cfg.Username, "--broker-password-file", s.password,
		"--database", database, "--partitions", strconv.Itoa(partitions), "--admin", "127.0.0.1:0", "--log-level", "warn",
	}, flags...)...)
	p.MustReady(b)
	return p
}

// progress is how many records have been folded, of how many partitions, by how
// many owners; most is of how many partitions one owner has.
type progress struct {
	folded       int64
	claimed      int
	owners, most int
}

func (s *site) progress(b *testing.B, conn *pgx.Conn) (p progress) {
	b.Helper()
	err := conn.QueryRow(b.Context(), `SELECT COALESCE(sum(next), 0), COALESCE(sum(n), 0), count(*), COALESCE(max(n), 0)
FROM (SELECT sum(next_offset) AS next, count(*) AS n FROM roomlog_v1.checkpoints GROUP BY owner) o`).Scan(&p.folded, &p.claimed, &p.owners, &p.most)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// await polls for what must become true and says when it was.
func (s *site) await(b *testing.B, what string, ok func(progress) bool) time.Time {
	b.Helper()
	conn := connect(b, s.database)
	defer func() { _ = conn.Close(context.Background()) }()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		p := s.progress(b, conn)
		if ok(p) {
			return time.Now()
		}
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("not within %s: %s: %+v", patience, what, p)
		}
	}
}

func connect(b *testing.B, database string) *pgx.Conn {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), database)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// rate is events a second.
func rate(n int64, d time.Duration) float64 { return float64(n) / d.Seconds() }
