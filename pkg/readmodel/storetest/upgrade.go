package storetest

import (
	"context"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// firstTables are rows, of a room with little in it and of one with 249 events between
// messages, as programs wrote them that knew the first migration only.
const firstTables = `
INSERT INTO checkpoints (partition, log_id, next_offset, last_offset, last_id, epoch, owner, updated, decisions, decisions_log)
VALUES (0, 'a1020000000000000000000000000000', 3, 2, 'r2', 1, 'owner', 1, 0, '');
INSERT INTO rooms (tenant, room, kind, rules, creator, settings, seq, digest, content_seq, last_message, members, created, log_time)
VALUES ('main', 'lobby', 'public', 1, 'ann', '{"max_message_length":400}', 3, 'd3', 1, 3, 1, 1, 3);
INSERT INTO members (tenant, room, user_id, membership, role, since, until) VALUES ('main', 'lobby', 'ann', 'join', 'owner', 1, 0);
INSERT INTO events (tenant, room, seq, event_id, type, sender, sent_at, log_time, partition, log_offset, digest, thread_root, content_key, facts, content)
VALUES ('main', 'lobby', 1, 'lobby-1', 'room.created', 'ann', 1, 1, 0, 0, '', '', '', '{"kind":"public"}', '{"name":"Lobby"}'),
       ('main', 'lobby', 2, 'lobby-2', 'message.posted', 'ann', 2, 2, 0, 1, '', '', '', '{"kind":"text"}', '{"text":"two"}'),
       ('main', 'lobby', 3, 'lobby-3', 'message.posted', 'ann', 3, 3, 0, 2, '', '', '', '{"kind":"text"}', '{"text":"three"}');
INSERT INTO rooms (tenant, room, kind, rules, creator, settings, seq, digest, content_seq, last_message, members, created, log_time)
VALUES ('main', 'old', 'public', 1, 'ann', '{}', 1000, 'd1000', 1, 752, 1, 1, 3);
INSERT INTO events (tenant, room, seq, event_id, type, sender, sent_at, log_time, partition, log_offset, digest, thread_root, content_key, facts, content)
SELECT 'main', 'old', n, 'old-' || n, CASE WHEN n % 250 = 2 THEN 'message.posted' ELSE 'member.changed' END, 'ann', 5000 - n, 3, 0, 2, '', '', '', '{}', '{}'
FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000) SELECT n FROM s) s`

// Upgrade shows that tables of the first migration go on serving. first makes
// such tables and runs statements on them; open opens the store.
func Upgrade(t *testing.T, first func(migrations fs.FS, sql string), all fs.FS, open func() readmodel.Store) {
	const name = "00001_read_model.sql"
	file, err := fs.ReadFile(all, name)
	if err != nil {
		t.Fatal(err)
	}
	first(fstest.MapFS{name: {Data: file}}, firstTables)
	s := open()
	k := inMain(lobby)
	p := claimed(t, s, 0)
	got := read(t, s, func(ctx context.Context, r readmodel.Reader) (maybe[readmodel.RoomRow], error) {
		return find(r.Room(ctx, k))
	})
	header := room.Header{
		Tenant: "main", Room: lobby, Kind: events.RoomPublic, Rules: 1, Creator: "ann", Settings: events.RoomSettings{MaxMessageLength: 400},
		Seq: 3, Digest: "d3", Version: 1, ContentSeq: 1, LastMessage: 3, Posted: 2, SentUntil: 3, Members: 1, Created: 1, LogTime: 3,
	}
	equal(t, "the room", got, there(readmodel.RoomRow{Header: header, Content: `{"name":"Lobby"}`}))
	ann := room.Member{User: "ann", Membership: events.MembershipJoin, Role: events.RoleOwner, Since: 1}
	equal(t, "a view", viewOf(t, s, k, room.Needs{Members: []events.UserID{"ann"}, Priors: []events.EventID{"lobby-2"}}), &room.View{
		Header: &header, Members: map[events.UserID]room.Member{"ann": ann}, States: map[events.EventID]room.MessageState{}, Reactions: map[room.ReactionID]bool{},
		Priors: map[events.EventID]room.Prior{"lobby-2": {Type: events.TypeMessagePosted, Sender: "ann", Seq: 2}},
	})
	unread := func() int64 {
		rooms := read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.UserRoom, error) {
			return r.RoomsOf(ctx, "main", "ann", false, readmodel.RoomCursor{}, 1)
		})
		if len(rooms) != 1 || rooms[0].Last.Seq != rooms[0].LastMessage {
			t.Fatalf("ann's rooms: %+v", rooms)
		}
		return rooms[0].Unread
	}
	equal(t, "unread of what was not counted", unread(), int64(0))

	upgradedPages(t, s)

	r := p.room(k)
	r.Header, r.members["ann"] = header, ann
	r.says("ann", "four", nil).state(2, room.MessageState{Pinned: 4})
	p.commit(t)
	equal(t, "unread of what is counted since", unread(), int64(1))
	r.redacts("ann", room.Redaction{From: 1, To: 4})
	p.commit(t)
	equal(t, "unread of what is redacted", unread(), int64(0))
	equal(t, "messages", read(t, s, func(ctx context.Context, r readmodel.Reader) (states []room.MessageState, err error) {
		rows, err := r.MessagesAfter(ctx, k, 0, 10)
		for _, m := range rows {
			states = append(states, m.State)
		}
		return states, err
	}), []room.MessageState{{Pinned: 4}, {}, {}})
}

// upgradedPages shows that messages of a room are found that was folded before.
func upgradedPages(t *testing.T, s readmodel.Store) {
	k := inMain("old")
	var so struct {
		Type        events.Type `json:"type"`
		SentAt      int64       `json:"sent_at"`
		LastMessage events.Seq  `json:"last_message"`
		Posted      int64       `json:"posted"`
		SentUntil   int64       `json:"sent_until"`
	}
	n := events.Seq(0)
	for _, row := range dump(t, s) {
		if row.Table != "events" || !strings.HasPrefix(row.Key, "main old ") {
			continue
		}
		n++
		got := so
		if err := json.Unmarshal([]byte(row.Value), &got); err != nil {
			t.Fatal(err)
		}
		so.Type, so.SentAt = got.Type, got.SentAt
		if so.Type == events.TypeMessagePosted {
			so.LastMessage, so.Posted, so.SentUntil = n, so.Posted+1, max(so.SentUntil, so.SentAt)
		}
		equal(t, "what the room had come to with "+row.Key, got, so)
	}
	equal(t, "events", n, events.Seq(1000))
	got := read(t, s, func(ctx context.Context, r readmodel.Reader) ([][]events.Seq, error) {
		before, err := seqsOf(r.MessagesBefore(ctx, k, 1001, 3))
		if err != nil {
			return nil, err
		}
		after, err := seqsOf(r.MessagesAfter(ctx, k, 2, 2))
		if err != nil {
			return nil, err
		}
		first, _, err := r.MessageAt(ctx, k, 4000)
		return [][]events.Seq{before, after, {first}}, err
	})
	equal(t, "pages", got, [][]events.Seq{{252, 502, 752}, {252, 502}, {2}})
}
