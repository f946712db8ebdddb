package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Rewritten shows that a store reads the same before and after a migration that writes
// tables anew, and goes on. rewrite has an earlier program's tables in the place of those
// of open's, with the same in them.
func Rewritten(t *testing.T, open func() readmodel.Store, rewrite func()) {
	s := open()
	p := claimed(t, s, 0)
	var keys []readmodel.Key
	for _, k := range []readmodel.Key{inMain("z"), inMain(lobby), {Tenant: "aside", Room: "z"}, inMain("a")} { // not in order
		keys = append(keys, k)
		busy(p, k)
		p.commit(t)
	}
	for _, k := range keys {
		p.room(k).says("bob", "once more", nil)
	}
	p.commit(t)
	before := answers(t, s, keys)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	rewrite()
	s = open()
	for what, answer := range answers(t, s, keys) {
		equal(t, what, answer, before[what])
	}
	p.store = s
	k := inMain("new")
	busy(p, k)
	for _, k := range keys {
		p.room(k).says("bob", "and once more", nil)
	}
	p.commit(t)
	for _, k := range append(keys, k) {
		if last := read(t, s, findRoomOf(k)).Value; last.Seq != p.room(k).Seq {
			t.Errorf("%v is at %d, not at %d", k, last.Seq, p.room(k).Seq)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// busy does something for each kind of read in a room.
func busy(p *projector, k readmodel.Key) {
	r := p.room(k).created("ann", events.RoomPublic, string(k.Room)).becomes("bob", events.MembershipJoin)
	for range 3 {
		r.says("ann", "a message", nil).becomes("eve", events.MembershipJoin).becomes("eve", events.MembershipLeave)
	}
	r.says("ann", strings.Repeat("long ", 2000), nil) // more than a page
	r.replies("bob", 3).replies("ann", 3).edits("ann", 6, "another text").says("bob", "@ann", nil).says("bob", "@all", nil)
	r.state(3, room.MessageState{Replies: 2, LastReply: r.Seq - 3, Reactions: []room.ReactionCount{{Key: "+1", Count: 1}}}).
		state(6, room.MessageState{Edits: 1, Edit: r.Seq - 2, Pinned: r.Seq}).
		reacts("bob", 3, "+1", false).readsThread("bob", 3, 3).mentions(r.Seq-1, false, "ann").mentions(r.Seq, true).
		says("ann", "taken away", nil)
	r.redacts("ann", room.Redaction{From: r.Seq, To: r.Seq})
	r.verdict("rejected", "eve", room.Rejected, room.CodeNotAMember)
}

func findRoomOf(k readmodel.Key) func(context.Context, readmodel.Reader) (maybe[readmodel.RoomRow], error) {
	return func(ctx context.Context, r readmodel.Reader) (maybe[readmodel.RoomRow], error) {
		return find(r.Room(ctx, k))
	}
}

// answers are those of the reads that look at events, by what is asked.
func answers(t testing.TB, s readmodel.Store, keys []readmodel.Key) map[string]any {
	t.Helper()
	const all = 100
	out := map[string]any{"a dump": dump(t, s), "a dump of positions": dumpPositions(t, s)}
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
		ctx := t.Context()
		var failed error
		ask := func(what string, of any, read func() (any, error)) {
			answer, err := read()
			if err != nil {
				failed = fmt.Errorf("%s of %v: %w", what, of, err)
			}
			out[fmt.Sprint(what, " of ", of)] = answer
		}
		for _, tenant := range []events.Tenant{"main", "aside"} {
			for _, u := range []events.UserID{"ann", "bob", "eve"} {
				who := fmt.Sprint(tenant, "/", u)
				ask("rooms", who, func() (any, error) { return r.RoomsOf(ctx, tenant, u, false, readmodel.RoomCursor{}, all) })
				ask("heads", who, func() (any, error) { return r.Heads(ctx, tenant, u) })
			}
		}
		for _, k := range keys {
			ask("the room", k, func() (any, error) { return find(r.Room(ctx, k)) })
			ask("events", k, func() (any, error) { return r.Events(ctx, k, 0, nil, all) })
			ask("events of types", k, func() (any, error) {
				return r.Events(ctx, k, 2, []events.Type{events.TypeMessagePosted, events.TypeMemberChanged, events.TypeMessageEdited}, all)
			})
			ask("messages before", k, func() (any, error) { return r.MessagesBefore(ctx, k, 12, 3) })
			ask("messages after", k, func() (any, error) { return r.MessagesAfter(ctx, k, 1, 3) })
			ask("a thread", k, func() (any, error) { return r.Thread(ctx, k, eventID(k.Room, 3), 0, all) })
			ask("a thread's end", k, func() (any, error) { return r.ThreadBefore(ctx, k, eventID(k.Room, 3), 100, 1) })
			ask("edits", k, func() (any, error) { return r.Edits(ctx, k, 6, 0, all) })
			ask("pins", k, func() (any, error) { return r.Pins(ctx, k, 100, all) })
			threads, err := r.Threads(ctx, k, 100, all)
			ask("threads", k, func() (any, error) { return threads, err })
			ask("unread of threads", k, func() (any, error) { return r.ThreadUnread(ctx, k, "bob", threads) })
			ask("the seq before an offset", k, func() (any, error) { return r.SeqBefore(ctx, k, 20) })
			ask("the message of a time", k, func() (any, error) { return find(r.MessageAt(ctx, k, epochOfTests+25_000)) })
			for seq := events.Seq(1); seq <= 18; seq++ {
				id, of := eventID(k.Room, seq), fmt.Sprint(k, " ", seq)
				ask("the event", of, func() (any, error) { return find(r.Event(ctx, k, id)) })
				ask("the message", of, func() (any, error) { return find(r.Message(ctx, k, id)) })
				ask("the outcome", of, func() (any, error) { return find(r.Outcome(ctx, k, id)) })
				ask("a view", of, func() (any, error) {
					return r.View(ctx, k, room.Needs{Members: []events.UserID{"bob"}, Priors: []events.EventID{id}, Reactions: []room.ReactionID{{Target: id, Key: "+1", User: "bob"}}})
				})
			}
		}
		return failed
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
