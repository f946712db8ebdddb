package fold_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/fold"
)

var lobby = readmodel.Key{Tenant: events.DefaultTenant, Room: "lobby"}

func by(u events.UserID) events.Command { return events.Command{Sender: u} }

// history has every change that an event can make to a room. Bob leaves and comes
// back; ann's first message is edited twice, and a later one is redacted.
func history(t *testing.T) (records []eventlog.Record, first events.EventID) {
	r := roomtest.NewRoom(t, "ann", roomtest.Settings(events.RoomSettings{History: events.HistoryJoined})) // 1
	r.Join("bob")                                                                                          // 2
	post := func(f events.MessagePosted) events.EventID {
		f.Kind = "text"
		return r.Append(f, events.MessageContent{}).ID
	}
	message := post(events.MessagePosted{Command: by("ann"), Mentions: []events.UserID{"bob", "carl"}})                              // 3
	reply := post(events.MessagePosted{Command: by("bob"), ThreadRoot: message})                                                     // 4
	r.Append(events.MessageEdited{Command: by("ann"), Target: message, Base: 1, Mentions: []events.UserID{"dora"}}, struct{}{})      // 5
	r.Append(events.MessageEdited{Command: by("ann"), Target: message, Base: 2, MentionsRoom: true}, struct{}{})                     // 6
	r.Append(events.ReactionAdded{Command: by("bob"), Target: message, Key: "+1"}, struct{}{})                                       // 7
	r.Append(events.ReactionAdded{Command: by("ann"), Target: message, Key: "+1"}, struct{}{})                                       // 8
	r.Append(events.ReactionRemoved{Command: by("bob"), Target: message, Key: "+1"}, struct{}{})                                     // 9
	r.Append(events.MessagePinned{Command: by("ann"), Target: message}, struct{}{})                                                  // 10
	r.Append(events.MessageRedacted{Command: by("bob"), Target: reply}, struct{}{})                                                  // 11
	r.Append(events.MarkMoved{Command: by("ann"), Mark: events.MarkRead, Seq: 3, ThreadRoot: message}, struct{}{})                   // no seq
	r.Append(events.MarkMoved{Command: by("ann"), Mark: events.MarkRead, Seq: 4, ThreadRoot: message}, struct{}{})                   // no seq
	r.Append(events.PreferencesChanged{Command: by("ann"), Muted: true}, struct{}{})                                                 // no seq
	r.Append(events.MarkMoved{Command: by("ann"), Mark: events.MarkRead, Seq: 1}, struct{}{})                                        // no seq
	r.Leave("bob")                                                                                                                   // 12
	r.Append(events.RoomUpdated{Command: by("ann"), Base: 1, Settings: events.RoomSettings{History: events.HistoryAll}}, struct{}{}) // 13
	r.Join("bob")                                                                                                                    // 14
	r.Post("eve", "a stranger")                                                                                                      // rejected
	for i, rec := range r.Records() {
		records = append(records, eventlog.Record{Offset: events.Offset(i), Time: rec.LogTime, Message: rec.Message})
	}
	return records, message
}

// batch folds records as one batch on the rows, which it brings forward, and
// commits it.
func batch(t *testing.T, cache *fold.Cache, rows readmodel.Rows, records []eventlog.Record) (readmodel.Needs, readmodel.Batch) {
	t.Helper()
	return commit(t, fold.New(room.Apply, undecided, 1, records, cache), rows)
}

// rowsOf is what is read of the lobby, where nothing was judged yet.
func rowsOf(view *room.View) readmodel.Rows {
	return readmodel.Rows{
		Views: map[readmodel.Key]*room.View{lobby: view}, Blocked: map[readmodel.Key]bool{}, Highest: map[readmodel.Key]events.EventID{},
	}
}

func undecided(events.Partition, events.Offset, events.EventID) (decisions.Decision, bool) {
	return decisions.Decision{}, false
}

func commit(t *testing.T, b *fold.Batch, rows readmodel.Rows) (readmodel.Needs, readmodel.Batch) {
	t.Helper()
	needs := b.Needs()
	out, err := b.Fold(rows)
	if err != nil {
		t.Fatal(err)
	}
	b.Committed()
	return needs, out
}

func TestBatchHasEachRowOnceAsItIsAfterwards(t *testing.T) {
	records, message := history(t)
	cache, err := fold.NewCache(10)
	if err != nil {
		t.Fatal(err)
	}
	view := room.NewView()
	_, got := batch(t, cache, rowsOf(view), records)

	if len(got.Headers) != 1 || *got.Headers[0] != *view.Header || got.Headers[0].Seq != 14 || got.Headers[0].Version != 2 || got.Headers[0].Messages != 1 {
		t.Errorf("headers: %+v", got.Headers)
	}
	members := map[events.UserID]room.Member{}
	for _, m := range got.Members {
		members[m.User] = m.Member
	}
	if len(got.Members) != 2 || !reflect.DeepEqual(members, view.Members) || !members["ann"].Muted || members["ann"].Read != 1 || members["bob"].Since != 14 {
		t.Errorf("members: %+v, the view has %+v", got.Members, view.Members)
	}
	state := room.MessageState{Edits: 2, Edit: 6, Replies: 1, LastReply: 4, Pinned: 10, Reactions: []room.ReactionCount{{Key: "+1", Count: 1}}}
	equal(t, "states", got.States, []readmodel.StateRow{{Key: lobby, StateChange: room.StateChange{ID: message, Seq: 3, MessageState: state}}})
	reaction := func(u events.UserID, removed bool) readmodel.ReactionRow {
		id := room.ReactionID{Target: message, Key: "+1", User: u}
		return readmodel.ReactionRow{Key: lobby, ReactionChange: room.ReactionChange{ReactionID: id, Seq: 3, Removed: removed}}
	}
	equal(t, "reactions", got.Reactions, []readmodel.ReactionRow{reaction("bob", true), reaction("ann", false)})
	mark := func(u events.UserID, read events.Seq) readmodel.ThreadMarkRow {
		return readmodel.ThreadMarkRow{Key: lobby, ThreadMark: room.ThreadMark{User: u, Root: 3, Read: read}}
	}
	equal(t, "thread marks", got.ThreadMarks, []readmodel.ThreadMarkRow{mark("bob", 4), mark("ann", 4)})
	equal(t, "mentions", got.Mentions, []readmodel.MentionRow{{Key: lobby, Mentions: room.Mentions{Seq: 3, Room: true}}})
	equal(t, "redactions", got.Redactions, []readmodel.RedactionRow{{Key: lobby, Redaction: room.Redaction{From: 4, To: 4, By: 11}}})
	equal(t, "stays", got.Stays, []readmodel.StayRow{{Key: lobby, Stay: room.Stay{User: "bob", From: 2, To: 12}}})
	equal(t, "history", got.Histories, []readmodel.HistoryRow{
		{Key: lobby, HistoryChange: room.HistoryChange{From: 1, History: events.HistoryJoined}},
		{Key: lobby, HistoryChange: room.HistoryChange{From: 13, History: events.HistoryAll}},
	})

	about := map[events.Seq]events.Seq{}
	for i, e := range got.Events {
		if e.Seq != events.Seq(i+1) || e.Redacted != 0 || e.Messages != map[bool]int64{true: 1}[e.Seq >= 3] {
			t.Errorf("event %d: %+v", i+1, e)
		}
		if e.About > 0 {
			about[e.Seq] = e.About
		}
	}
	equal(t, "what events are about", about, map[events.Seq]events.Seq{5: 3, 6: 3, 7: 3, 8: 3, 9: 3, 10: 3, 11: 4})
	statuses := map[room.Status]int{}
	for _, o := range got.Outcomes {
		statuses[o.Status]++
	}
	equal(t, "outcomes", statuses, map[room.Status]int{room.Accepted: 4, room.Rejected: 1})
}

func TestNeedsAreNamedOnce(t *testing.T) {
	records, message := history(t)
	cache, err := fold.NewCache(10)
	if err != nil {
		t.Fatal(err)
	}
	view := room.NewView()
	needs, _ := batch(t, cache, rowsOf(view), records)
	of := needs[lobby]
	if !of.Header || !slices.Equal(of.Members, []events.UserID{"ann", "bob", "eve"}) {
		t.Errorf("needs: %+v", of)
	}
	id := func(u events.UserID) room.ReactionID { return room.ReactionID{Target: message, Key: "+1", User: u} }
	equal(t, "needed reactions", of.Reactions, []room.ReactionID{id("ann"), id("bob")})
	ids := map[events.EventID]bool{}
	for _, p := range of.Priors {
		ids[p] = true
	}
	if len(ids) != len(of.Priors) || len(ids) != len(records) {
		t.Errorf("%d records need %d priors: %v", len(records), len(of.Priors), of.Priors)
	}
	if needs, _ := batch(t, cache, rowsOf(view), records[:1]); needs[lobby].Header || len(needs[lobby].Members) > 0 {
		t.Errorf("what is cached is needed: %+v", needs[lobby])
	}
}

// TestNewIDsAreNotLookedUp looks at what is asked for of ids that are below, at and above
// the highest of those judged: in an earlier batch, or before the room was cached.
func TestNewIDsAreNotLookedUp(t *testing.T) {
	r := roomtest.NewRoom(t, "ann")
	for _, id := range []events.EventID{"x2", "x1", "x2", "x3", "x1", "x4"} {
		f := events.MessagePosted{Command: by("ann"), Kind: "text"}
		r.Send(&events.Event{ID: id, Type: f.EventType(), Tenant: r.Tenant, Room: r.ID, Facts: f})
	}
	var records []eventlog.Record
	for i, rec := range r.Records() {
		records = append(records, eventlog.Record{Offset: events.Offset(i), Time: rec.LogTime, Message: rec.Message})
	}
	for before, want := range map[events.EventID][2][]events.EventID{
		"": {{"x1", "x2"}, {"x1"}}, "x5": {{"x1", "x2", "x3"}, {"x1", "x4"}},
	} {
		cache, err := fold.NewCache(10)
		if err != nil {
			t.Fatal(err)
		}
		rows := rowsOf(room.NewView())
		rows.Highest[lobby] = before
		if needs, _ := batch(t, cache, rows, records[:2]); len(needs[lobby].Priors) != 2 {
			t.Errorf("of a room that is not cached %v are looked up", needs[lobby].Priors)
		}
		for i, some := range [][]eventlog.Record{records[2:5], records[5:]} {
			view := room.NewView()
			view.Priors = rows.Views[lobby].Priors
			needs, _ := batch(t, cache, rowsOf(view), some)
			equal(t, "looked up", needs[lobby].Priors, want[i])
		}
	}
}

// TestBlockedRoomsAreReadAgain parks an event of a room that is cached, then releases
// it, behind which more may be parked.
func TestBlockedRoomsAreReadAgain(t *testing.T) {
	records, _ := history(t)
	cache, err := fold.NewCache(10)
	if err != nil {
		t.Fatal(err)
	}
	view := room.NewView()
	read := func(what string, want bool) {
		t.Helper()
		if needs := fold.New(room.Apply, undecided, 1, records[1:2], cache).Needs(); needs[lobby].Header != want {
			t.Errorf("%s: it reads whether the room is blocked: %v", what, !want)
		}
	}
	read("at first", true)
	batch(t, cache, rowsOf(view), records[:1])
	read("folded", false)

	parked := fold.New(room.Apply, undecided, 1, records[1:2], cache)
	parked.Refuse(records[1].Offset, "a row")
	_, out := commit(t, parked, rowsOf(view))
	read("parked", true)

	released := fold.Parked(room.Apply, undecided, 1, out.DeadLetters, cache)
	commit(t, released, rowsOf(view))
	read("released", true)
	batch(t, cache, rowsOf(view), records[2:])
	read("folded again", false)
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
