package postgres

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

// explaining runs statements twice and keeps their plans.
type explaining struct {
	querier
	t     *testing.T
	plans strings.Builder
}

func (e *explaining) Query(ctx context.Context, sql string, args ...any) (tables.Rows, error) {
	rows, err := e.tx.Query(ctx, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) "+sql, args...)
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

// Batch runs them one by one: a plan each.
func (e *explaining) Batch(ctx context.Context, queries []tables.Query) error {
	for _, q := range queries {
		rows, err := e.Query(ctx, q.SQL, q.Args...)
		if err == nil {
			err = tables.Each(rows, q.Row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removed says how many rows a step reads in vain.
var removed = regexp.MustCompile(`Rows Removed by (?:Join )?Filter: (\d+)`)

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
		"MessagesBefore": "events_pkey", "MessagesAfter": "events_pkey", "Events/messages": "events_pkey",
		"Events/others": "events_by_type", "Event": "events_by_id", "Outcome": "events_by_id",
		"Message": "events_by_id", "Edits": "events_edits", "Thread": "events_in_thread", "ThreadBefore": "events_in_thread",
		"ThreadUnread": "events_in_thread", "Threads": "message_states_threads", "Pins": "message_states_pins", "Reactors": "reactions_by_key",
		"RoomsOf": "members_by_user", "RoomsOf/latest": "rooms_by_activity", "BlockedRooms": "dead_letters_first", "Events": "events_pkey", "Members": "members_pkey",
		"ahead": "Index Scan Backward using events_pkey", "Dump": "events_pkey", "Stays": "stays_pkey", "Histories": "histories_pkey", "Reacted": "reactions_pkey",
		"prefetch/priors": "events_by_id", "prefetch/reactions": "reactions_by_key", "delete/reactions": "reactions_pkey", "delete/mentions": "mentions_pkey",
		"redact/0/0": "events_pkey", "redact/0/1": "events_edits", "redact/0/2": "mentions_pkey",
		"redact/1/0": "events_pkey", "redact/1/1": "mentions_pkey",
	}
	if state != "empty" { // these lookups are planned where there is something to look up
		const before, halves = ".seq - 1)))", ".width / 2))))"
		maps.Copy(index, map[string]string{"MessagesBefore": before, "MessagesAfter": halves, "Events/messages": halves, "MessageAt": halves})
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
		for _, found := range removed.FindAllStringSubmatch(plan, -1) {
			if n, err := strconv.Atoi(found[1]); err != nil || n > 100 && name != "Dump" {
				t.Errorf("%s, %s reads %d rows to leave them out, %v:\n%s", state, name, n, err, plan)
			}
		}
		if !strings.Contains(plan, index[name]) || plan == "" {
			t.Errorf("%s, %s does not go by %s:\n%s", state, name, index[name], plan)
		}
	}
	for name, run := range storetest.Reads() {
		e := &explaining{querier: querier{tx: tx}, t: t}
		if err := run(t.Context(), tables.NewReader(e, dialect, s.version)); err != nil {
			t.Fatal(name, err)
		}
		check(name, e)
	}
	for _, before := range []events.Seq{0, 7_000} {
		ahead := tables.Ahead{Ahead: readmodel.Ahead{Key: readmodel.Key{Tenant: "main", Room: "lobby"}, User: "ann", Before: before, Limit: 50}}
		e := &explaining{querier: querier{tx: tx}, t: t}
		if err := e.Batch(t.Context(), ahead.Queries(dialect)); err != nil {
			t.Fatal(err)
		}
		check("ahead", e)
	}
	explain := func(name, sql string, args ...any) {
		t.Helper()
		e := &explaining{querier: querier{tx: tx}, t: t}
		rows, err := e.Query(t.Context(), sql, args...)
		if err != nil {
			t.Fatal(name, err)
		}
		rows.Close()
		check(name, e)
	}
	for _, w := range tables.NewPrefetch(storetest.Needs(1)).Wants(dialect) {
		explain("prefetch/"+w.Name, w.SQL, w.Args...)
	}
	for i, r := range storetest.Redactions() {
		for j, st := range dialect.Redact(&r) {
			explain(fmt.Sprintf("redact/%d/%d", i, j), st.SQL, st.Args...)
		}
	}
	one := func(s string) []string { return []string{s} }
	explain("RoomsOf/latest", dialect.RoomsLatest(), "t", "u", int64(7), "r", 51, 0, 1000)
	explain("delete/reactions", deleteReactions.sql, one("t"), one("r"), one("u"), []int64{1}, one("+1"))
	explain("delete/mentions", deleteMentions.sql, one("t"), one("r"), []int64{1})
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
			seq, u := events.Seq(i+1), events.UserID("user-"+id)
			b.Members = append(b.Members, readmodel.MemberRow{Key: k, Member: room.Member{User: u}})
			b.Events = append(b.Events, readmodel.EventRow{
				Key: k, Seq: seq, ID: events.EventID(id), Type: events.TypeMessagePosted, Version: 1, SentAt: int64(i), Facts: "{}", Content: "{}",
			})
			if i%10 > 0 {
				continue
			}
			b.States = append(b.States, readmodel.StateRow{Key: k, StateChange: room.StateChange{Seq: seq, MessageState: room.MessageState{Replies: 1, LastReply: seq, Pinned: seq}}})
			b.Reactions = append(b.Reactions, readmodel.ReactionRow{Key: k, ReactionChange: room.ReactionChange{ReactionID: room.ReactionID{Key: "+1", User: u}, Seq: seq}})
			b.Mentions = append(b.Mentions, readmodel.MentionRow{Key: k, Mentions: room.Mentions{Seq: seq, Users: []events.UserID{u}}})
			b.ThreadMarks = append(b.ThreadMarks, readmodel.ThreadMarkRow{Key: k, ThreadMark: room.ThreadMark{User: u, Root: seq}})
			b.Stays = append(b.Stays, readmodel.StayRow{Key: k, Stay: room.Stay{User: u, From: seq, To: seq}})
			b.Histories = append(b.Histories, readmodel.HistoryRow{Key: k, HistoryChange: room.HistoryChange{From: seq}})
		}
	}
	// A room with much between two messages.
	k, last := readmodel.Key{Tenant: "main", Room: "lobby"}, events.Seq(0)
	for seq := events.Seq(1); seq <= 10_000; seq++ {
		e := readmodel.EventRow{Key: k, Seq: seq, ID: events.EventID(fmt.Sprint(seq)), Type: events.TypeMemberChanged, Version: 1, Facts: "{}", Content: "{}"}
		if seq%1390 == 40 { // one each is near where pages are read
			e.Type, last = events.TypeMessagePosted, seq
		}
		e.LastMessage, e.Posted, e.SentUntil = last, int64(last/1390+min(last, 1)), int64(last)
		b.Events = append(b.Events, e)
		b.States = append(b.States, readmodel.StateRow{Key: k, StateChange: room.StateChange{Seq: seq}})
	}
	b.Mentions = append(b.Mentions, readmodel.MentionRow{Key: k, Mentions: room.Mentions{Seq: 2, Users: []events.UserID{"ann"}}})
	b.Headers = append(b.Headers, &room.Header{Tenant: k.Tenant, Room: k.Room, Seq: 10_000, LastMessage: last, ContentSeq: 9000, Posted: int64(last/1390 + 1), SentUntil: int64(last)})
	f := readmodel.Fence{Epoch: c.Epoch, Next: 1}
	if err := s.Fold(t.Context(), f, nil, func(readmodel.Rows) (readmodel.Batch, error) { return b, nil }); err != nil {
		t.Fatal(err)
	}
}
