package postgres_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

// pageRead is what a page of messages looks at.
type pageRead struct {
	version    int
	checkpoint readmodel.Checkpoint
	room       readmodel.RoomRow
	member     room.Member
	messages   []readmodel.MessageRow
}

// readPage reads a page before a seq, zero: the latest.
func readPage(t *testing.T, s readmodel.Store, before events.Seq, limit int, ahead ...readmodel.Ahead) (page pageRead) {
	t.Helper()
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) (err error) {
		ctx := t.Context()
		page = pageRead{version: r.Projection()}
		if page.checkpoint, _, err = r.Checkpoint(ctx, 1); err != nil {
			return err
		}
		if page.room, _, err = r.Room(ctx, theRoom); err != nil {
			return err
		}
		if page.member, _, err = r.Member(ctx, theRoom, "ann"); err != nil {
			return err
		}
		if before == 0 {
			before = page.room.Seq + 1
		}
		page.messages, err = r.MessagesBefore(ctx, theRoom, before, limit)
		return err
	}, ahead...)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestAhead reads what was told ahead, on one connection and of two versions that are
// live in turn: it is what is read without, in two round trips where no more is asked.
func TestAhead(t *testing.T) {
	database := clustertest.Postgres(t)
	c := storetest.Opened(t, postgres.OpenControl, postgres.Config{URL: database})
	if _, err := c.Build(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for version := 1; version <= 2; version++ {
		s := open(t, postgres.Config{URL: database, Version: version})
		claim, err := s.Claim(t.Context(), 1, events.LogID{1}, fmt.Sprint("owner of ", version))
		if err != nil {
			t.Fatal(err)
		}
		fence := readmodel.Fence{Partition: 1, Epoch: claim.Epoch, Next: 1}
		if err := s.Fold(t.Context(), fence, nil, func(readmodel.Rows) (readmodel.Batch, error) { return aheadBatch(version), nil }); err != nil {
			t.Fatal(err)
		}
	}
	seen := &trips{}
	live := storetest.Opened(t, postgres.OpenLive, postgres.Config{URL: database, MaxConns: 1, Tracer: seen})
	for n := range 5 {
		version := 1 + n%2
		if err := c.CutOver(t.Context(), version, int64(n), nil); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			before events.Seq
			limit  int
			trips  int
		}{
			{0, 2, 2},
			{15, 3, 2},
			{0, 3, 3}, // an edit
			{20, 4, 3},
			{0, 12, 3}, // more than is nearby
			{5, 12, 2},
		} {
			ahead := readmodel.Ahead{Partition: 1, Key: theRoom, User: "ann", Before: test.before, Limit: test.limit}
			first := readPage(t, live, test.before, test.limit, ahead) // another version may have been live
			want := readPage(t, live, test.before, test.limit)
			if !reflect.DeepEqual(first, want) {
				t.Errorf("version %d, %+v, at first:\ngot  %+v\nwant %+v", version, test, first, want)
			}
			for range 2 { // the first time may prepare
				seen.n = 0
				if got := readPage(t, live, test.before, test.limit, ahead); !reflect.DeepEqual(got, want) || got.version != version || len(got.messages) == 0 {
					t.Errorf("version %d, %+v:\ngot  %+v\nwant %+v", version, test, got, want)
				}
			}
			if seen.n != test.trips {
				t.Errorf("%+v: %d round trips", test, seen.n)
			}
			for _, other := range []readmodel.Ahead{
				{Partition: 2, Key: theRoom, User: "bob", Before: test.before, Limit: test.limit + 1},
				{Partition: 1, Key: readmodel.Key{Tenant: "main", Room: "none"}, User: "ann", Limit: test.limit},
				{Partition: 1, Key: theRoom, User: "ann", Before: test.before + 1, Limit: test.limit},
			} {
				if got := readPage(t, live, test.before, test.limit, other); !reflect.DeepEqual(got, want) {
					t.Errorf("version %d, %+v, told %+v:\ngot  %+v\nwant %+v", version, test, other, got, want)
				}
			}
		}
	}
	// A connection that has forgotten what it had prepared.
	want := readPage(t, live, 0, 3)
	query(t, database, `SELECT string_agg(pg_terminate_backend(pid)::text, ',') FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err := live.Ping(t.Context()); err != nil {
		t.Log("the connection that was cut off:", err)
	}
	if got := readPage(t, live, 0, 3, readmodel.Ahead{Partition: 1, Key: theRoom, User: "ann", Limit: 3}); !reflect.DeepEqual(got, want) {
		t.Errorf("on another connection: got %+v, want %+v", got, want)
	}
}

// aheadBatch is a room of 20 events: a stretch of messages, joins, messages again, one
// edited, some with a state. Each version has its own.
func aheadBatch(version int) (b readmodel.Batch) {
	last := events.Seq(0)
	posted := int64(0)
	for seq := events.Seq(1); seq <= 20; seq++ {
		e := readmodel.EventRow{
			Key: theRoom, Seq: seq, ID: events.EventID(fmt.Sprint(version, "-", seq)), Type: events.TypeMessagePosted, Version: 1,
			Sender: "ann", SentAt: int64(seq), Facts: "{}", Content: fmt.Sprintf(`{"text":"%d"}`, version),
		}
		if seq == 1 || seq > 4 && seq < 10 {
			e.Type = events.TypeMemberChanged
		}
		if seq == 20 {
			e.Type, e.About = events.TypeMessageEdited, 17
		}
		if e.Type == events.TypeMessagePosted {
			last, posted = seq, posted+1
		}
		e.LastMessage, e.Posted, e.SentUntil = last, posted, int64(last)
		b.Events = append(b.Events, e)
	}
	state := func(seq events.Seq, s room.MessageState) {
		b.States = append(b.States, readmodel.StateRow{Key: theRoom, StateChange: room.StateChange{Seq: seq, MessageState: s}})
	}
	state(14, room.MessageState{Pinned: 15})
	state(17, room.MessageState{Edits: 1, Edit: 20})
	state(19, room.MessageState{Reactions: []room.ReactionCount{{Key: "+1", Count: int64(version)}}})
	b.Headers = []*room.Header{{Tenant: theRoom.Tenant, Room: theRoom.Room, Seq: 20, LastMessage: last, Posted: posted, ContentSeq: 1, Members: int64(version)}}
	b.Members = []readmodel.MemberRow{{Key: theRoom, Member: room.Member{User: "ann", Membership: events.MembershipJoin, Since: 1}}}
	return b
}
