package storetest

import (
	"context"
	"math"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// testEdits has messages with states and edits in every list that has messages.
func testEdits(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").
		says("ann", "two", nil).says("ann", "three", nil).
		edits("ann", 2, "first").edits("ann", 3, "other").edits("ann", 2, "second")
	p.room(inMain("other")).created("ann", events.RoomPublic, "Other").says("ann", "two", nil).edits("ann", 2, "elsewhere")
	r.state(2, room.MessageState{Edits: 1, Edit: 4})
	p.commit(t)
	// Later it is another.
	states := map[events.Seq]room.MessageState{
		2: {Edits: 2, Edit: 6, Pinned: 4, Reactions: []room.ReactionCount{{Key: "+1", Count: 2}, {Key: "\U0001F600", Count: 1}}},
		3: {Edits: 1, Edit: 5},
	}
	r.state(2, states[2]).state(3, states[3]).says("ann", "seven", nil)
	p.commit(t)

	all := read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.EventRow, error) {
		return rd.Events(ctx, r.key, 0, nil, 10)
	})
	message := func(seq events.Seq) readmodel.MessageRow {
		e := all[seq-1]
		m := readmodel.MessageRow{State: states[seq], EventRow: readmodel.EventRow{ // what a message shows
			Key: e.Key, Seq: e.Seq, ID: e.ID, Type: e.Type, Version: e.Version, Sender: e.Sender, SentAt: e.SentAt,
			Redacted: e.Redacted, Facts: e.Facts, Content: e.Content,
		}}
		if m.State.Edit > 0 {
			m.Edited = &all[m.State.Edit-1]
		}
		return m
	}
	want := []readmodel.MessageRow{message(2), message(3), message(7)}
	equal(t, "messages after", read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.MessageRow, error) {
		return rd.MessagesAfter(ctx, r.key, 0, 10)
	}), want)
	equal(t, "messages before", read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.MessageRow, error) {
		return rd.MessagesBefore(ctx, r.key, math.MaxInt64, 10)
	}), want)
	for _, m := range want {
		equal(t, "message", read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.MessageRow], error) {
			return find(rd.Message(ctx, r.key, m.ID))
		}), there(m))
	}
	for _, id := range []events.EventID{eventID(lobby, 1), eventID(lobby, 4), "other-2"} {
		equal(t, "no message "+string(id), read(t, s, func(ctx context.Context, rd readmodel.Reader) (maybe[readmodel.MessageRow], error) {
			return find(rd.Message(ctx, r.key, id))
		}), maybe[readmodel.MessageRow]{})
	}
	last := read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.UserRoom, error) {
		return rd.RoomsOf(ctx, events.DefaultTenant, "ann", false, readmodel.RoomCursor{}, 1)
	})
	equal(t, "last message", last[0].Last, message(7))

	for _, test := range []struct {
		message, after events.Seq
		limit          int
		want           []readmodel.EventRow
	}{
		{2, 0, 10, []readmodel.EventRow{all[3], all[5]}},
		{2, 0, 1, []readmodel.EventRow{all[3]}},
		{2, 4, 10, []readmodel.EventRow{all[5]}},
		{2, 6, 10, []readmodel.EventRow{}},
		{3, 0, 10, []readmodel.EventRow{all[4]}},
		{7, 0, 10, []readmodel.EventRow{}},
	} {
		equal(t, "edits", read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.EventRow, error) {
			return rd.Edits(ctx, r.key, test.message, test.after, test.limit)
		}), test.want)
	}
}

func testPins(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	for range 4 {
		r.says("ann", "pinned", nil)
	}
	r.state(2, room.MessageState{Pinned: 9}).state(3, room.MessageState{Pinned: 6}).state(4, room.MessageState{Pinned: 7}).
		state(5, room.MessageState{Edits: 1})
	p.room(inMain("other")).created("ann", events.RoomPublic, "Other").says("ann", "x", nil).state(2, room.MessageState{Pinned: 8})
	p.commit(t)
	pins := func(before events.Seq, limit int) []events.Seq {
		t.Helper()
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]events.Seq, error) {
			return seqsOf(rd.Pins(ctx, r.key, before, limit))
		})
	}
	equal(t, "pins", pins(math.MaxInt64, 10), []events.Seq{2, 4, 3})
	equal(t, "the latest pin", pins(math.MaxInt64, 1), []events.Seq{2})
	equal(t, "pins before one", pins(7, 10), []events.Seq{3})
	r.redacts("ann", room.Redaction{From: 4, To: 4}).state(3, room.MessageState{})
	p.commit(t)
	equal(t, "pins after a redaction and an unpin", pins(math.MaxInt64, 10), []events.Seq{2})
}

func testThreads(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby"). // 1
										says("ann", "a", nil).says("ann", "b", nil).           // 2, 3
										replies("bob", 2).replies("ann", 3).replies("bob", 2). // 4, 5, 6
										says("ann", "c", nil).replies("ann", 2).               // 7, 8
										state(2, room.MessageState{Replies: 3, LastReply: 8}).
										state(3, room.MessageState{Replies: 1, LastReply: 5}).
										state(7, room.MessageState{Pinned: 7})
	p.commit(t)
	type lister = func(readmodel.Reader, context.Context, readmodel.Key, events.EventID, events.Seq, int) ([]readmodel.MessageRow, error)
	thread := func(list lister, root, seq events.Seq, limit int) []events.Seq {
		t.Helper()
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]events.Seq, error) {
			return seqsOf(list(rd, ctx, r.key, eventID(lobby, root), seq, limit))
		})
	}
	after, before := readmodel.Reader.Thread, readmodel.Reader.ThreadBefore
	equal(t, "a thread", thread(after, 2, 0, 10), []events.Seq{4, 6, 8})
	equal(t, "its beginning", thread(after, 2, 0, 2), []events.Seq{4, 6})
	equal(t, "after one", thread(after, 2, 4, 10), []events.Seq{6, 8})
	equal(t, "before the end", thread(before, 2, math.MaxInt64, 2), []events.Seq{6, 8})
	equal(t, "before one", thread(before, 2, 8, 10), []events.Seq{4, 6})
	equal(t, "no thread", thread(after, 7, 0, 10), []events.Seq{})

	roots := func(before events.Seq, limit int) []readmodel.MessageRow {
		t.Helper()
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.MessageRow, error) {
			return rd.Threads(ctx, r.key, before, limit)
		})
	}
	list := func(before events.Seq, limit int) []events.Seq {
		seqs, _ := seqsOf(roots(before, limit), nil)
		return seqs
	}
	equal(t, "threads", list(math.MaxInt64, 10), []events.Seq{2, 3})
	equal(t, "the latest thread", list(math.MaxInt64, 1), []events.Seq{2})
	equal(t, "threads before one", list(8, 10), []events.Seq{3})
	equal(t, "a root's state", roots(8, 10)[0].State, room.MessageState{Replies: 1, LastReply: 5})

	unread := func(u events.UserID) map[events.Seq]int64 {
		t.Helper()
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) (map[events.Seq]int64, error) {
			return rd.ThreadUnread(ctx, r.key, u, roots(math.MaxInt64, 10))
		})
	}
	equal(t, "unread without a mark", unread("zoe"), map[events.Seq]int64{2: 3, 3: 1})
	r.readsThread("zoe", 2, 4).readsThread("bob", 3, 5).redacts("ann", room.Redaction{From: 6, To: 6})
	p.commit(t)
	equal(t, "unread with a mark and a redaction", unread("zoe"), map[events.Seq]int64{2: 1, 3: 1})
	equal(t, "unread of another", unread("bob"), map[events.Seq]int64{2: 2, 3: 0})
	r.readsThread("zoe", 2, 8)
	p.commit(t)
	equal(t, "unread with the mark moved", unread("zoe"), map[events.Seq]int64{2: 0, 3: 1})
	none := read(t, s, func(ctx context.Context, rd readmodel.Reader) (map[events.Seq]int64, error) {
		return rd.ThreadUnread(ctx, r.key, "zoe", nil)
	})
	equal(t, "unread of no threads", none, map[events.Seq]int64{})
}

func testReactions(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	const smile = "\U0001F600"
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").says("ann", "a", nil).says("ann", "b", nil).
		reacts("ann", 2, smile, false).reacts("bob", 2, smile, false).reacts("Zoe", 2, smile, false).
		reacts("ann", 2, "+1", false).reacts("ann", 3, "+1", false).
		reacts("ann", 3, "never there", true)
	p.room(inMain("other")).created("ann", events.RoomPublic, "Other").says("ann", "x", nil).reacts("eve", 2, smile, false)
	p.commit(t)

	reacted := func(u events.UserID, from, to events.Seq) map[events.Seq][]string {
		t.Helper()
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) (map[events.Seq][]string, error) {
			return rd.Reacted(ctx, r.key, u, from, to)
		})
	}
	reactors := func(key string, after events.UserID, limit int) []events.UserID {
		t.Helper()
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]events.UserID, error) {
			return rd.Reactors(ctx, r.key, 2, key, after, limit)
		})
	}
	equal(t, "ann's", reacted("ann", 1, 3), map[events.Seq][]string{2: {"+1", smile}, 3: {"+1"}})
	equal(t, "ann's to one", reacted("ann", 3, 3), map[events.Seq][]string{3: {"+1"}})
	equal(t, "nobody's", reacted("eve", 1, 3), map[events.Seq][]string{})
	equal(t, "who", reactors(smile, "", 10), []events.UserID{"Zoe", "ann", "bob"})
	equal(t, "the first", reactors(smile, "", 1), []events.UserID{"Zoe"})
	equal(t, "after one", reactors(smile, "ann", 10), []events.UserID{"bob"})
	equal(t, "with another key", reactors("-1", "", 10), []events.UserID{})

	r.reacts("ann", 2, smile, true).reacts("bob", 2, smile, false).reacts("bob", 2, "+1", false)
	p.commit(t)
	equal(t, "ann's after one is removed", reacted("ann", 1, 3), map[events.Seq][]string{2: {"+1"}, 3: {"+1"}})
	equal(t, "who after one is removed", reactors(smile, "", 10), []events.UserID{"Zoe", "bob"})
	equal(t, "bob's", reacted("bob", 1, 3), map[events.Seq][]string{2: {"+1", smile}})
}

func testVisibility(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	k := inMain(lobby)
	stay := func(u events.UserID, from, invited, to events.Seq) room.Stay {
		return room.Stay{User: u, From: from, Invited: invited, To: to}
	}
	bobs := []room.Stay{stay("bob", 3, 2, 5), stay("bob", 9, 0, 12)}
	changes := []room.HistoryChange{{From: 1, History: events.HistoryJoined}, {From: 10, History: events.HistoryAll}}
	for i, s := range append(bobs, stay("ann", 4, 0, 6)) {
		p.batch.Stays = append(p.batch.Stays, readmodel.StayRow{Key: k, Stay: s})
		if i < len(changes) {
			p.batch.Histories = append(p.batch.Histories, readmodel.HistoryRow{Key: k, HistoryChange: changes[i]})
		}
		p.record()
		p.commit(t)
	}
	of := func(k readmodel.Key, u events.UserID) []room.Stay {
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]room.Stay, error) { return rd.Stays(ctx, k, u) })
	}
	equal(t, "bob's stays", of(k, "bob"), bobs)
	equal(t, "carl's stays", of(k, "carl"), []room.Stay{})
	equal(t, "stays in another room", of(inMain("other"), "bob"), []room.Stay{})
	histories := func(k readmodel.Key) []room.HistoryChange {
		return read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]room.HistoryChange, error) {
			return rd.Histories(ctx, k)
		})
	}
	equal(t, "history", histories(k), changes)
	equal(t, "history of another room", histories(inMain("other")), []room.HistoryChange{})
}

func seqsOf(rows []readmodel.MessageRow, err error) ([]events.Seq, error) {
	list := []events.Seq{}
	for i := range rows {
		list = append(list, rows[i].Seq)
	}
	return list, err
}
