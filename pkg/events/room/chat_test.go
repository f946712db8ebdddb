package room_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

func createdWith(by_ events.UserID, s events.RoomSettings) command {
	return facts(events.RoomCreated{Command: by(by_), Kind: events.RoomPublic, Rules: 2, Settings: s})
}

func edit(u events.UserID, target events.EventID, base int) command {
	return facts(events.MessageEdited{Command: by(u), Target: target, Base: base, TextBytes: 3})
}

func redact(u events.UserID, target events.EventID) command {
	return facts(events.MessageRedacted{Command: by(u), Target: target})
}

func redactRange(u events.UserID, from, to events.Seq, author events.UserID) command {
	return facts(events.MessageRedacted{Command: by(u), Range: events.MessageRange{From: from, To: to, Author: author}})
}

func react(u events.UserID, target events.EventID, key string) command {
	return facts(events.ReactionAdded{Command: by(u), Target: target, Key: key})
}

func unreact(u events.UserID, target events.EventID, key string) command {
	return facts(events.ReactionRemoved{Command: by(u), Target: target, Key: key})
}

func pin(u events.UserID, target events.EventID) command {
	return facts(events.MessagePinned{Command: by(u), Target: target})
}

func unpin(u events.UserID, target events.EventID) command {
	return facts(events.MessageUnpinned{Command: by(u), Target: target})
}

func read(u events.UserID, seq events.Seq) command {
	return facts(events.MarkMoved{Command: by(u), Mark: events.MarkRead, Seq: seq})
}

func change(u events.UserID, base int, how func(*events.RoomUpdated)) command {
	f := events.RoomUpdated{Command: by(u), Base: base}
	if how != nil {
		how(&f)
	}
	return facts(f)
}

func archive(u events.UserID, base int) command {
	return change(u, base, func(f *events.RoomUpdated) { f.Archived = true })
}

func setRole(by_, u events.UserID, r events.Role) command {
	return facts(events.MemberChanged{Command: by(by_), Target: u, Membership: events.MembershipJoin, Role: r})
}

// state is that of a message in the end.
func state(id events.EventID, want room.MessageState) expectation {
	return func(s *scenario) string {
		if got := s.view.States[id]; !reflect.DeepEqual(got, want) {
			return "its state is " + dump(got) + ", not " + dump(want)
		}
		return ""
	}
}

// kept is accepted without a seq, and the sender's row is as check has it.
func kept(u events.UserID, check func(room.Member) bool) expectation {
	return func(s *scenario) string {
		if s.verdict.Status != room.Accepted || s.verdict.Seq != 0 || s.changes.Header != nil {
			return "it is " + dump(s.verdict)
		}
		if m := s.view.Members[u]; !check(m) {
			return "the row is " + dump(m)
		}
		return ""
	}
}

func about(seq events.Seq) expectation {
	return func(s *scenario) string {
		if s.changes.About != seq {
			return "it is about " + dump(s.changes.About)
		}
		return ""
	}
}

// In these rooms alice made the room (seq 1), bob joined (2), e3 is bob's message.
var talk = []command{created("alice"), join("bob"), post("bob")}

func TestEdits(t *testing.T) {
	given(t, talk...).when(edit("bob", "e3", 1)).then(accepted(4), about(3), state("e3", room.MessageState{Edits: 1, Edit: 4})).
		when(edit("bob", "e3", 1)).then(rejected(room.CodeVersion)).
		when(edit("bob", "e3", 2)).then(accepted(5), state("e3", room.MessageState{Edits: 2, Edit: 5}))
	given(t, talk...).when(edit("alice", "e3", 1)).then(rejected(room.CodeForbidden)) // an owner too
	given(t, talk...).when(edit("bob", "e2", 1)).then(rejected(room.CodeMessageUnknown))
	given(t, talk...).when(edit("carol", "e3", 1)).then(rejected(room.CodeNotAMember))
	given(t, append(talk, redact("bob", "e3"))...).when(edit("bob", "e3", 1)).then(rejected(room.CodeRedacted))
	given(t, append(talk, archive("alice", 1))...).when(edit("bob", "e3", 1)).then(rejected(room.CodeRoomArchived))

	t.Run("mentions are replaced", func(t *testing.T) {
		s := given(t, talk...).when(facts(events.MessagePosted{
			Command: by("bob"), Kind: "text", Mentions: []events.UserID{"carol", "alice", "bob", "carol"},
		}))
		if want := (&room.Mentions{Seq: 4, Users: []events.UserID{"alice", "carol"}}); !reflect.DeepEqual(s.changes.Mentions, want) {
			t.Errorf("posted: %+v", s.changes.Mentions)
		}
		s.when(edit("bob", "e4", 1))
		if want := (&room.Mentions{Seq: 4}); !reflect.DeepEqual(s.changes.Mentions, want) {
			t.Errorf("edited: %+v", s.changes.Mentions)
		}
	})
}

func TestRedactions(t *testing.T) {
	given(t, talk...).when(redact("bob", "e3")).then(accepted(4), about(3)).when(redact("bob", "e3")).then(unchanged())
	given(t, talk...).when(redact("alice", "e3")).then(accepted(4))
	given(t, append(talk, join("carol"))...).when(redact("carol", "e3")).then(rejected(room.CodeForbidden))
	given(t, talk...).when(redact("bob", "nothing")).then(rejected(room.CodeMessageUnknown))
	given(t, talk...).when(redact("bob", "e2")).then(rejected(room.CodeMessageUnknown))

	t.Run("a range", func(t *testing.T) {
		s := given(t, append(talk, post("alice"), post("bob"))...).when(redactRange("alice", 1, 99, "bob")).then(accepted(6))
		if want := (&room.Redaction{From: 1, To: 5, Author: "bob", By: 6}); !reflect.DeepEqual(s.changes.Redaction, want) {
			t.Errorf("it takes away %+v", s.changes.Redaction)
		}
		for id, by := range map[events.EventID]events.Seq{"e3": 6, "e4": 0, "e5": 6, "e2": 0} {
			if got := s.view.Priors[id].Redacted; got != by {
				t.Errorf("%s is redacted by %d", id, got)
			}
		}
		s.when(post("bob")).when(edit("bob", "e7", 1)).then(accepted(8)) // after it
	})
	given(t, talk...).when(redactRange("bob", 1, 9, "bob")).then(accepted(4)) // one's own
	given(t, talk...).when(redactRange("bob", 1, 9, "")).then(rejected(room.CodeForbidden))
	given(t, talk...).when(redactRange("bob", 1, 9, "alice")).then(rejected(room.CodeForbidden))
	given(t, talk...).when(redactRange("alice", 4, 9, "")).then(rejected(room.CodeMessageUnknown))
	for name, f := range map[string]events.MessageRedacted{
		"nothing":            {},
		"both":               {Target: "e3", Range: events.MessageRange{From: 1, To: 2}},
		"an author of one":   {Target: "e3", Range: events.MessageRange{Author: "bob"}},
		"an author alone":    {Range: events.MessageRange{Author: "bob"}},
		"ends first":         {Range: events.MessageRange{From: 3, To: 2}},
		"from nowhere":       {Range: events.MessageRange{To: 2}},
		"a negative begin":   {Range: events.MessageRange{From: -1, To: 2}},
		"an author who is t": {Range: events.MessageRange{From: 1, To: 2, Author: "no id!"}},
	} {
		f.Command = by("alice")
		t.Run(name, func(t *testing.T) { given(t, talk...).when(facts(f)).then(rejected(room.CodeInvalid)) })
	}
}

func TestReactions(t *testing.T) {
	one := func(key string, n int64) room.MessageState {
		return room.MessageState{Reactions: []room.ReactionCount{{Key: key, Count: n}}}
	}
	given(t, talk...).when(react("alice", "e3", "+1")).then(accepted(4), about(3), state("e3", one("+1", 1))).
		when(react("alice", "e3", "+1")).then(unchanged()).
		when(react("bob", "e3", "+1")).then(accepted(5), state("e3", one("+1", 2))).
		when(unreact("alice", "e3", "+1")).then(accepted(6), state("e3", one("+1", 1))).
		when(unreact("alice", "e3", "+1")).then(unchanged()).
		when(unreact("bob", "e3", "+1")).then(accepted(7), state("e3", room.MessageState{})).
		when(react("bob", "e3", "+1")).then(accepted(8))
	given(t, talk...).when(unreact("alice", "e3", "+1")).then(unchanged())
	given(t, talk...).when(react("alice", "e3", "")).then(rejected(room.CodeInvalid))
	given(t, talk...).when(react("alice", "e3", strings.Repeat("x", 65))).then(rejected(room.CodeInvalid))
	given(t, talk...).when(react("alice", "e2", "+1")).then(rejected(room.CodeMessageUnknown))
	given(t, talk...).when(react("carol", "e3", "+1")).then(rejected(room.CodeNotAMember))
	given(t, append(talk, redact("bob", "e3"))...).when(react("alice", "e3", "+1")).then(rejected(room.CodeRedacted))
	given(t, append(talk, archive("alice", 1))...).when(react("alice", "e3", "+1")).then(rejected(room.CodeRoomArchived))
	off := []command{createdWith("alice", events.RoomSettings{ReactionsOff: true}), post("alice")}
	given(t, off...).when(react("alice", "e2", "+1")).then(rejected(room.CodeReactionsOff))

	t.Run("keys are bounded", func(t *testing.T) {
		s := given(t, talk...)
		for i := range room.MaxReactionKeys {
			if s.when(react("alice", "e3", strings.Repeat("x", i+1))); s.verdict.Status != room.Accepted {
				t.Fatalf("key %d: %+v", i, s.verdict)
			}
		}
		s.when(react("alice", "e3", "y")).then(rejected(room.CodeReactionKeys)).
			when(react("bob", "e3", "x")).then(accepted(54)) // a known key
	})
}

func TestPins(t *testing.T) {
	given(t, talk...).when(pin("bob", "e3")).then(accepted(4), about(3), state("e3", room.MessageState{Pinned: 4})).
		when(pin("alice", "e3")).then(unchanged()).
		when(unpin("alice", "e3")).then(accepted(5), state("e3", room.MessageState{})).
		when(unpin("alice", "e3")).then(unchanged())
	given(t, createdWith("alice", events.RoomSettings{}), join("bob"), post("bob"), setRole("alice", "bob", events.RoleGuest)).when(pin("bob", "e3")).then(rejected(room.CodeForbidden))
	given(t, append(talk, redact("bob", "e3"))...).when(pin("bob", "e3")).then(rejected(room.CodeRedacted))
	given(t, append(talk, pin("bob", "e3"), redact("bob", "e3"))...).when(unpin("bob", "e3")).then(accepted(6))
}

func TestThreads(t *testing.T) {
	s := given(t, talk...).when(inThread("alice", "e3")).
		then(accepted(4), state("e3", room.MessageState{Replies: 1, LastReply: 4}))
	if want := (&room.ThreadMark{User: "alice", Root: 3, Read: 4}); !reflect.DeepEqual(s.changes.ThreadMark, want) {
		t.Errorf("the mark in the thread is %+v", s.changes.ThreadMark)
	}
	if h := s.view.Header; h.Messages != 1 || h.LastMessage != 4 || s.view.Members["alice"].Read != 1 {
		t.Errorf("a reply in a thread counts: %+v, read %d", h, s.view.Members["alice"].Read)
	}
	s.when(inThread("bob", "e4")).then(rejected(room.CodeThreadNested))
	off := []command{createdWith("alice", events.RoomSettings{ThreadsOff: true}), post("alice")}
	given(t, off...).when(inThread("alice", "e2")).then(rejected(room.CodeThreadsOff))

	mark := func(root events.EventID, m events.Mark) command {
		return facts(events.MarkMoved{Command: by("bob"), Mark: m, Seq: 99, ThreadRoot: root})
	}
	s = given(t, append(talk, inThread("alice", "e3"))...).when(mark("e3", events.MarkRead))
	if want := (&room.ThreadMark{User: "bob", Root: 3, Read: 4}); !reflect.DeepEqual(s.changes.ThreadMark, want) || s.changes.Members != nil {
		t.Errorf("the mark in the thread is %+v", s.changes)
	}
	s.when(mark("e4", events.MarkRead)).then(rejected(room.CodeThreadNotFound)).
		when(mark("e2", events.MarkRead)).then(rejected(room.CodeThreadNotFound)).
		when(mark("e3", events.MarkDelivered)).then(rejected(room.CodeInvalid))
}

func TestMarks(t *testing.T) {
	at := func(read, delivered events.Seq) func(room.Member) bool {
		return func(m room.Member) bool { return m.Read == read && m.Delivered == delivered }
	}
	s := given(t, append(talk, post("alice"))...)
	if m := s.view.Members["bob"]; m.Read != 3 { // by posting
		t.Errorf("bob has read to %d", m.Read)
	}
	s.when(read("bob", 4)).then(kept("bob", at(4, 4))).
		when(read("bob", 1)).then(kept("bob", at(1, 4))). // back
		when(read("bob", 99)).then(kept("bob", at(4, 4))).
		when(read("bob", 0)).then(kept("bob", at(0, 4))).
		when(read("bob", -1)).then(rejected(room.CodeInvalid)).
		when(read("carol", 1)).then(rejected(room.CodeNotAMember)).
		when(facts(events.MarkMoved{Command: by("bob"), Mark: "heard"})).then(rejected(room.CodeInvalid))
	given(t, append(talk, post("alice"))...).
		when(facts(events.MarkMoved{Command: by("bob"), Mark: events.MarkDelivered, Seq: 4})).then(kept("bob", at(3, 4))).
		when(facts(events.MarkMoved{Command: by("bob"), Mark: events.MarkDelivered, Seq: 1})).then(kept("bob", at(3, 4)))
	s = given(t, append(talk, leave("bob"), post("alice"), join("bob"))...)
	if m := s.view.Members["bob"]; m.Read != 6 { // nothing is unread to who comes
		t.Errorf("bob has read to %d", m.Read)
	}
}

func TestPreferences(t *testing.T) {
	prefer := func(f events.PreferencesChanged) command { f.Command = by("bob"); return facts(f) }
	given(t, talk...).
		when(prefer(events.PreferencesChanged{Muted: true, Hidden: true})).
		then(kept("bob", func(m room.Member) bool { return m.Muted && !m.Archived && m.Hidden == 3 })).
		when(post("alice")).
		when(prefer(events.PreferencesChanged{Hidden: true, Archived: true})).
		then(kept("bob", func(m room.Member) bool { return !m.Muted && m.Archived && m.Hidden == 4 })).
		when(prefer(events.PreferencesChanged{})).
		then(kept("bob", func(m room.Member) bool { return !m.Muted && !m.Archived && m.Hidden == 0 }))
	given(t, created("alice")).when(prefer(events.PreferencesChanged{})).then(rejected(room.CodeNotAMember))
}

func TestRoomUpdated(t *testing.T) {
	slow := func(f *events.RoomUpdated) { f.Settings.SlowMode = 30 }
	s := given(t, talk...).when(change("alice", 1, slow)).then(accepted(4))
	if h := s.view.Header; h.Version != 2 || h.ContentSeq != 4 || h.Settings.SlowMode != 30 {
		t.Errorf("the room is %+v", h)
	}
	s.when(change("alice", 1, slow)).then(rejected(room.CodeVersion)).
		when(change("bob", 2, slow)).then(rejected(room.CodeForbidden)).
		when(change("carol", 2, slow)).then(rejected(room.CodeNotAMember))
	for name, how := range map[string]func(*events.RoomUpdated){
		"history":       func(f *events.RoomUpdated) { f.Settings.History = "some" },
		"read marks":    func(f *events.RoomUpdated) { f.Settings.ReadMarks = "some" },
		"slow mode":     func(f *events.RoomUpdated) { f.Settings.SlowMode = events.MaxSlowMode + 1 },
		"negative slow": func(f *events.RoomUpdated) { f.Settings.SlowMode = -1 },
		"a role":        func(f *events.RoomUpdated) { f.Settings.Permissions.Pin = "emperor" },
	} {
		t.Run(name, func(t *testing.T) { given(t, talk...).when(change("alice", 1, how)).then(rejected(room.CodeInvalid)) })
	}
	t.Run("who may update gives themselves no more", func(t *testing.T) {
		moderators := func(f *events.RoomUpdated) { f.Settings.Permissions.Update = events.RoleModerator }
		more := func(f *events.RoomUpdated) { f.Settings.Permissions.Update = events.RoleMember }
		given(t, append(talk, setRole("alice", "bob", events.RoleModerator), change("alice", 1, moderators))...).
			when(change("bob", 2, more)).then(rejected(room.CodeForbidden)).
			when(change("bob", 2, moderators)).then(accepted(6))
	})
	t.Run("archived rooms are read only", func(t *testing.T) {
		s := given(t, append(talk, archive("alice", 1))...)
		for _, c := range []command{post("bob"), pin("bob", "e3"), join("carol"), invite("alice", "dave"), edit("bob", "e3", 1)} {
			s.when(c).then(rejected(room.CodeRoomArchived))
		}
		s.when(redact("alice", "e3")).then(accepted(5)).
			when(leave("bob")).then(accepted(6)).
			when(change("alice", 2, nil)).then(accepted(7)).
			when(post("alice")).then(accepted(8))
	})
}

func TestRoomDeleted(t *testing.T) {
	gone := facts(events.RoomDeleted{Command: by("alice")})
	s := given(t, talk...).when(facts(events.RoomDeleted{Command: by("bob")})).then(rejected(room.CodeForbidden)).
		when(gone).then(accepted(4))
	if want := (&room.Redaction{From: 1, To: 4, By: 4, All: true}); !reflect.DeepEqual(s.changes.Redaction, want) {
		t.Errorf("it takes away %+v", s.changes.Redaction)
	}
	s.when(post("alice")).then(rejected(room.CodeRoomNotFound)).
		when(gone).then(rejected(room.CodeRoomNotFound)).
		when(created("alice")).then(rejected(room.CodeRoomIDTaken))
}

func TestRulesUpgraded(t *testing.T) {
	to := func(u events.UserID, rules int) command {
		return facts(events.RulesUpgraded{Command: by(u), Rules: rules})
	}
	s := given(t, talk...).when(to("bob", 2)).then(rejected(room.CodeForbidden)).
		when(to("alice", 1)).then(unchanged()).
		when(setRole("alice", "bob", events.RoleGuest)).then(rejected(room.CodeInvalid)).
		when(to("alice", 2)).then(accepted(4)).
		when(setRole("alice", "bob", events.RoleGuest)).then(accepted(5)).
		when(to("alice", 1)).then(rejected(room.CodeInvalid)).
		when(to("alice", 99)).then(parked(room.CodeUnknownRules))
	if s.view.Header.Rules != 2 {
		t.Errorf("rules %d", s.view.Header.Rules)
	}
}

// A private room that is archived told strangers so when they knocked, and so that it is
// there; since rules 3 it does not.
func TestKnocksAtAnArchivedRoom(t *testing.T) {
	knock := member("bob", "bob", events.MembershipKnock)
	private := facts(events.RoomCreated{Command: by("alice"), Kind: events.RoomPrivate, Rules: 2, Settings: events.RoomSettings{Knocks: true}})
	archived := facts(events.RoomUpdated{Command: by("alice"), Base: 1, Settings: events.RoomSettings{Knocks: true}, Archived: true})
	given(t, private, archived).
		when(knock).then(rejected(room.CodeRoomArchived)).
		when(facts(events.RulesUpgraded{Command: by("alice"), Rules: 3})).then(accepted(3)).
		when(knock).then(rejected(room.CodeRoomNotFound))
}

func TestDirectRooms(t *testing.T) {
	id := events.DirectRoomID("main", "alice", "bob")
	if id != events.DirectRoomID("main", "bob", "alice") || id == events.DirectRoomID("acme", "alice", "bob") || !id.Reserved() {
		t.Fatalf("the room is %s", id)
	}
	open := func(u, with events.UserID) command {
		return facts(events.RoomCreated{Command: by(u), Kind: events.RoomDirect, Rules: 2, With: with}).in(id)
	}
	s := given(t, open("alice", "bob")).then(accepted(1), members(2),
		standing("alice", events.MembershipJoin, events.RoleOwner, 1), standing("bob", events.MembershipJoin, events.RoleOwner, 1))
	s.when(open("bob", "alice")).then(unchanged()).
		when(post("bob").in(id)).then(accepted(2)).
		when(leave("bob").in(id)).then(rejected(room.CodeForbidden)).
		when(invite("alice", "carol").in(id)).then(rejected(room.CodeForbidden)).
		when(kick("alice", "bob").in(id)).then(rejected(room.CodeForbidden)).
		when(join("carol").in(id)).then(rejected(room.CodeRoomNotFound))
	given(t).when(open("alice", "carol")).then(rejected(room.CodeRoomIDReserved)) // another pair's id
	given(t).when(open("alice", "alice")).then(rejected(room.CodeInvalid))
	given(t).when(open("alice", "")).then(rejected(room.CodeInvalid))
	given(t).when(facts(events.RoomCreated{Command: by("alice"), Kind: events.RoomPublic, Rules: 2, With: "bob"})).then(rejected(room.CodeInvalid))
}

func TestSlowMode(t *testing.T) {
	slow := createdWith("alice", events.RoomSettings{SlowMode: 30})
	given(t, slow, join("bob"), post("bob")).when(post("bob")).then(rejected(room.CodeSlowMode)).
		when(post("alice")).then(accepted(4)).when(post("alice")).then(accepted(5)).
		when(post("bob").after(27 * time.Second)).then(accepted(6)).
		when(post("bob").after(28 * time.Second)).then(rejected(room.CodeSlowMode))
}

func TestPermissions(t *testing.T) {
	only := events.RoomSettings{Permissions: events.Permissions{Post: events.RoleModerator, MentionRoom: events.RoleOwner}}
	all := func(u events.UserID) command {
		return facts(events.MessagePosted{Command: by(u), Kind: "text", MentionsRoom: true})
	}
	here := func(u events.UserID) command {
		return facts(events.MessagePosted{Command: by(u), Kind: "text", Mentions: []events.UserID{"alice"}, MentionsHere: true})
	}
	given(t, createdWith("alice", only), join("bob")).when(post("bob")).then(rejected(room.CodeForbidden)).
		when(setRole("alice", "bob", events.RoleModerator)).when(post("bob")).then(accepted(4)).
		when(all("bob")).then(rejected(room.CodeForbidden)).when(all("alice")).then(accepted(5)).
		when(here("bob")).then(rejected(room.CodeForbidden)).when(here("alice")).then(accepted(6))
	given(t, talk...).when(all("bob")).then(rejected(room.CodeForbidden)).when(here("bob")).then(rejected(room.CodeForbidden)) // the default: moderators
}

func TestVisible(t *testing.T) {
	member := room.Member{User: "bob", Membership: events.MembershipJoin, Since: 20, Invited: 18}
	stays := []room.Stay{{User: "bob", From: 3, To: 6}, {User: "bob", From: 10, Invited: 8, To: 12}}
	from := func(from events.Seq, h events.History) room.HistoryChange {
		return room.HistoryChange{From: from, History: h}
	}
	for name, test := range map[string]struct {
		changes []room.HistoryChange
		want    room.Spans
	}{
		"all":                  {nil, room.Spans{{1, room.Endless}}},
		"joined":               {[]room.HistoryChange{from(1, events.HistoryJoined)}, room.Spans{{3, 6}, {10, 12}, {20, room.Endless}}},
		"invited":              {[]room.HistoryChange{from(1, events.HistoryInvited)}, room.Spans{{3, 6}, {8, 12}, {18, room.Endless}}},
		"all at first":         {[]room.HistoryChange{from(5, events.HistoryJoined)}, room.Spans{{1, 6}, {10, 12}, {20, room.Endless}}},
		"all at the end":       {[]room.HistoryChange{from(1, events.HistoryJoined), from(11, events.HistoryAll)}, room.Spans{{3, 6}, {10, room.Endless}}},
		"all in between":       {[]room.HistoryChange{from(1, events.HistoryJoined), from(14, events.HistoryAll), from(16, events.HistoryInvited)}, room.Spans{{3, 6}, {10, 12}, {14, 15}, {18, room.Endless}}},
		"a setting of no time": {[]room.HistoryChange{from(1, events.HistoryJoined), from(14, events.HistoryAll), from(14, events.HistoryJoined)}, room.Spans{{3, 6}, {10, 12}, {20, room.Endless}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := room.Visible(member, stays, test.changes)
			if !reflect.DeepEqual(got, test.want) {
				t.Fatalf("%v, not %v", got, test.want)
			}
			for seq := events.Seq(1); seq < 30; seq++ {
				in := false
				for _, s := range test.want {
					in = in || seq >= s.From && seq <= s.To
				}
				if got.Contains(seq) != in {
					t.Errorf("%d: %t", seq, !in)
				}
			}
			left := member
			left.Membership = events.MembershipLeave
			if got := room.Visible(left, stays, test.changes); got != nil {
				t.Errorf("who has left sees %v", got)
			}
		})
	}
	s := given(t, createdPrivate("alice"), invite("alice", "bob"), join("bob")).when(leave("bob"))
	if want := (&room.Stay{User: "bob", From: 3, Invited: 2, To: 4}); !reflect.DeepEqual(s.changes.Stay, want) {
		t.Errorf("the stay was %+v", s.changes.Stay)
	}
	s = given(t, created("alice")).when(change("alice", 1, func(f *events.RoomUpdated) { f.Settings.History = events.HistoryJoined }))
	if want := (&room.HistoryChange{From: 2, History: events.HistoryJoined}); !reflect.DeepEqual(s.changes.History, want) {
		t.Errorf("history is %+v", s.changes.History)
	}
}

// Tokens are a person's, not a room's: no room is needed, and no standing in one.
func TestTokensRevoked(t *testing.T) {
	revoke := func(in events.RoomID, before int64) *events.Event {
		return &events.Event{
			ID: "e", Type: events.TypeTokensRevoked, Tenant: "main", Room: in,
			Facts: events.TokensRevoked{Command: by("alice"), Before: before},
		}
	}
	now := time.UnixMilli(1000)
	for _, test := range []struct {
		in     events.RoomID
		before int64
		want   *room.Revocation
	}{
		{"~bob", 999, &room.Revocation{User: "bob", Before: 999}},
		{"~bob", 5000, &room.Revocation{User: "bob", Before: 1000}}, // a moment to come would keep out those who come back
		{"~bob", 0, nil},
		{"lobby", 999, nil},
		{"~", 999, nil},
		{"~a b", 999, nil},
	} {
		c, v := room.Apply(room.NewView(), revoke(test.in, test.before), now)
		want := room.Verdict{Status: room.Accepted}
		if test.want == nil {
			want = room.Verdict{Status: room.Rejected, Code: room.CodeInvalid}
		}
		if v != want || !reflect.DeepEqual(c.Revocation, test.want) {
			t.Errorf("%s %d: %+v, %+v", test.in, test.before, v, c.Revocation)
		}
	}
}
