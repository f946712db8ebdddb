package storetest

import (
	_ "embed"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Rewrite is the environment variable that makes the suite write the golden dump
// instead of comparing with it.
const Rewrite = "ROOMLOG_REWRITE"

//go:embed testdata/dump.golden
var goldenDump string

// testDump compares with a dump that SQLite made: all stores dump alike.
func testDump(t *testing.T, open Open) {
	s := open(t, nil)
	tell := func(s readmodel.Store, partitions ...events.Partition) {
		for i, n := range partitions {
			p := claimed(t, s, n)
			for range i * 3 { // offsets differ by partition and are not dumped
				p.record()
			}
			k := readmodel.Key{Tenant: events.DefaultTenant, Room: "lobby"}
			if i == 1 {
				k = readmodel.Key{Tenant: "main-2", Room: "a.b"} // sorts after "main", not before "main "
			}
			r := p.room(k).created("ann", events.RoomPublic, "Lobby \U0001F600 <&>").
				becomes("Bob", events.MembershipJoin).becomes("bob", events.MembershipInvite).becomes("~", events.MembershipBan)
			// Of what is written again every column becomes another.
			r.state(5, room.MessageState{Edits: 99, Edit: 99, Replies: 99, LastReply: 99, Pinned: 99, Reactions: []room.ReactionCount{{Key: "99", Count: 99}}}).
				readsThread("ann", 5, 99).revokes("ann", 6).member("Bob", func(m *room.Member) {
				*m = room.Member{User: "Bob", Until: 99, Since: 99, Invited: 99, Read: 99, Delivered: 99, LastPost: 99, Hidden: 99}
			})
			header, bob := r.Header, room.Member{User: "Bob", Membership: events.MembershipJoin, Role: events.RoleMember, Since: 2}
			r.Header = room.Header{
				Tenant: k.Tenant, Room: k.Room, Rules: 99, Creator: "99", Settings: events.RoomSettings{SlowMode: 99}, Seq: 99, Digest: "99", Version: 99,
				ContentSeq: 99, LastMessage: 99, Messages: 99, Posted: 99, SentUntil: 99, Members: 99, Created: 99, LogTime: 99,
			}
			p.commit(t)
			r.Header = header
			for range 7 { // past ten: numbers sort as numbers
				r.says("Bob", "\"quoted\"\n", func(e *readmodel.EventRow) { e.Digest, e.ContentKey, e.ThreadRoot = "d", "k", "t" })
			}
			r.state(5, room.MessageState{Edits: 2, Edit: 12, Replies: 3, LastReply: 13, Pinned: 14}).
				state(11, room.MessageState{Reactions: []room.ReactionCount{{Key: "+1", Count: 2}, {Key: "\U0001F600 x", Count: 1}}}).
				reacts("ann", 11, "+1", false).reacts("Bob", 11, "\U0001F600 x", false).reacts("Bob", 11, "+1", false).
				mentions(5, true, "Bob").mentions(11, false, "ann", "Bob").readsThread("ann", 11, 7).readsThread("ann", 5, 7).revokes("ann", 7).
				redacts("ann", room.Redaction{From: 6, To: 7}).
				member("Bob", func(m *room.Member) {
					*m = bob
					m.Invited, m.Read, m.Delivered, m.LastPost, m.Muted, m.Archived, m.Hidden = 1, 2, 3, 4, true, true, 5
				})
			r.Version, r.Archived, r.Deleted = 2, true, true
			p.batch.Stays = append(p.batch.Stays, readmodel.StayRow{Key: k, Stay: room.Stay{User: "~", From: 2, Invited: 1, To: 4}})
			p.batch.Histories = append(p.batch.Histories,
				readmodel.HistoryRow{Key: k, HistoryChange: room.HistoryChange{From: 1, History: events.HistoryJoined}},
				readmodel.HistoryRow{Key: k, HistoryChange: room.HistoryChange{From: 10, History: events.HistoryAll}})
			r.verdict("v", "eve", room.Rejected, room.CodeExpired)
			r.verdict("v", "eve", room.Rejected, room.CodeNotAMember)
			r.verdict("v-1", "ann", room.Accepted, "")
			p.room(readmodel.Key{Tenant: k.Tenant, Room: k.Room + "-2"}).created("ann", events.RoomPrivate, "")
			p.bad("not dumped")
			p.room(readmodel.Key{Tenant: k.Tenant, Room: "stuck"}).parked("not dumped", room.CodePanic)
			p.commit(t)
		}
	}
	tell(s, 0, 1)

	rows := dump(t, s)
	var b strings.Builder
	for _, rows := range [][]readmodel.DumpRow{rows, dumpPositions(t, s)} {
		for i, r := range rows {
			b.WriteString(r.Table + " " + r.Key + " " + r.Value + "\n")
			if i > 0 && (rows[i-1].Table > r.Table || rows[i-1].Table == r.Table && rows[i-1].Key >= r.Key) {
				t.Errorf("%s %s comes after %s %s", r.Table, r.Key, rows[i-1].Table, rows[i-1].Key)
			}
		}
	}
	if os.Getenv(Rewrite) != "" {
		if err := os.WriteFile("../storetest/testdata/dump.golden", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if b.String() != goldenDump {
		t.Errorf("the dump differs from testdata/dump.golden:\n%s", b.String())
	}

	failure := errors.New("enough")
	n := 0
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
		return r.Dump(t.Context(), func(readmodel.DumpRow) error {
			n++
			return failure
		})
	})
	if !errors.Is(err, failure) || n != 1 {
		t.Errorf("an error of the receiver: got %v after %d rows", err, n)
	}
	if got := dump(t, s); len(got) != len(rows) {
		t.Errorf("a dump after a broken one has %d rows", len(got))
	}
}
