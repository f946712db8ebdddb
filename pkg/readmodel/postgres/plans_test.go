package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

// explaining runs statements and keeps their plans.
type explaining struct {
	querier
	t     *testing.T
	plans strings.Builder
}

func (e *explaining) Query(ctx context.Context, sql string, args ...any) (tables.Rows, error) {
	rows, err := e.tx.Query(ctx, "EXPLAIN (COSTS OFF) "+sql, args...)
	if err != nil {
		e.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		e.t.Fatal(err)
	}
	e.plans.WriteString(strings.Join(lines, "\n") + "\n")
	return e.querier.Query(ctx, sql, args...)
}

// TestPlans shows that every read goes by its index: in empty tables, in tables
// that nobody has analyzed, and in analyzed ones of one tenant.
func TestPlans(t *testing.T) {
	s, err := Open(t.Context(), Config{URL: clustertest.Postgres(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	plans(t, "empty", s)
	fill(t, s)
	plans(t, "filled", s)
	if _, err := s.pool.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	plans(t, "analyzed", s)
}

func plans(t *testing.T, state string, s *Store) {
	index := map[string]string{
		"MessagesBefore": "events_by_type", "MessagesAfter": "events_by_type", "Events/messages": "events_by_type",
		"Events/others": "events_by_type", "MessageAt": "events_messages_at", "Event": "events_by_id", "Outcome": "events_by_id",
		"RoomsOf": "members_by_user", "BlockedRooms": "dead_letters_first", "Events": "events_pkey", "Members": "members_pkey",
		"Dump": "events_pkey",
	}
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	check := func(name string, e *explaining) {
		plan := e.plans.String()
		for _, bad := range []string{"Seq Scan", "Hash Join", "Merge Join"} {
			if strings.Contains(plan, bad) {
				t.Errorf("%s, %s has a %s:\n%s", state, name, bad, plan)
			}
		}
		if !strings.Contains(plan, index[name]) || plan == "" {
			t.Errorf("%s, %s does not go by %s:\n%s", state, name, index[name], plan)
		}
	}
	for name, run := range storetest.Reads() {
		e := &explaining{querier: querier{tx: tx}, t: t}
		if err := run(t.Context(), tables.NewReader(e, s.version)); err != nil {
			t.Fatal(name, err)
		}
		check(name, e)
	}
	k := readmodel.Key{Tenant: "main", Room: "lobby"}
	needs := tables.NewPrefetch(readmodel.Needs{k: {Header: true, Members: []events.UserID{"u"}, Priors: []events.EventID{"e"}}})
	for _, w := range wanted(needs) {
		e := &explaining{querier: querier{tx: tx}, t: t}
		rows, err := e.Query(t.Context(), w.sql, w.args()...)
		if err != nil {
			t.Fatal(w.name, err)
		}
		rows.Close()
		check("prefetch of "+w.name, e)
	}
}

// fill writes rooms with members and messages, all of one tenant.
func fill(t *testing.T, s *Store) {
	c, err := s.Claim(t.Context(), 0, events.LogID{1}, "fill")
	if err != nil {
		t.Fatal(err)
	}
	var b readmodel.Batch
	for n := range 50 {
		k := readmodel.Key{Tenant: "main", Room: events.RoomID(fmt.Sprintf("room-%d", n))}
		for i := range 100 {
			id := fmt.Sprintf("%d-%d", n, i)
			b.Members = append(b.Members, readmodel.MemberRow{Key: k})
			b.Members[len(b.Members)-1].User = events.UserID("user-" + id)
			b.Events = append(b.Events, readmodel.EventRow{
				Key: k, Seq: events.Seq(i + 1), ID: events.EventID(id), Type: events.TypeMessagePosted, SentAt: int64(i), Facts: "{}", Content: "{}",
			})
		}
	}
	f := readmodel.Fence{Epoch: c.Epoch, Next: 1}
	if err := s.Fold(t.Context(), f, nil, func(readmodel.Rows) (readmodel.Batch, error) { return b, nil }); err != nil {
		t.Fatal(err)
	}
}
