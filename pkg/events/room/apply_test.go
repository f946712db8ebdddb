package room_test

import (
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

func TestRoomCreated(t *testing.T) {
	withFacts := func(change func(*events.RoomCreated)) command {
		f := events.RoomCreated{Command: by("alice"), Kind: events.RoomPublic, Rules: 1}
		change(&f)
		return facts(f)
	}
	t.Run("the first is accepted", func(t *testing.T) {
		given(t).when(created("alice")).then(
			accepted(1), members(1), standing("alice", events.MembershipJoin, events.RoleOwner, 1))
	})
	t.Run("its header is all that the fold keeps", func(t *testing.T) {
		s := given(t, withFacts(func(f *events.RoomCreated) {
			f.Kind, f.Settings.MaxMessageLength = events.RoomPrivate, 7
		}))
		at := roomtest.Epoch.Add(time.Second).UnixMilli()
		want := room.Header{
			Tenant: "main", Room: "lobby", Kind: events.RoomPrivate, Rules: 1, Creator: "alice",
			Settings: events.RoomSettings{MaxMessageLength: 7}, Seq: 1, Digest: room.NextDigest("", 1, "e1"),
			Version: 1, ContentSeq: 1, Members: 1, Created: at, LogTime: at,
		}
		if *s.view.Header != want {
			t.Errorf("it is %+v, not %+v", *s.view.Header, want)
		}
	})
	t.Run("members get the room that there is", func(t *testing.T) {
		given(t, created("alice")).when(created("alice")).then(unchanged())
		given(t, created("alice"), join("bob")).when(createdPrivate("bob")).then(unchanged())
	})
	t.Run("to others the id is taken", func(t *testing.T) {
		given(t, created("alice")).when(created("bob")).then(rejected(room.CodeRoomIDTaken))
		given(t, createdPrivate("alice"), invite("alice", "bob")).when(created("bob")).then(rejected(room.CodeRoomIDTaken))
		given(t, created("alice"), leave("alice")).when(created("alice")).then(rejected(room.CodeRoomIDTaken))
	})
	t.Run("reserved ids", func(t *testing.T) {
		given(t).when(created("alice").in("d:x")).then(rejected(room.CodeRoomIDReserved))
		given(t).when(created("alice").in("~alice")).then(rejected(room.CodeRoomIDReserved))
	})
	for name, c := range map[string]command{
		"no rules":         withFacts(func(f *events.RoomCreated) { f.Rules = 0 }),
		"negative rules":   withFacts(func(f *events.RoomCreated) { f.Rules = -1 }),
		"no kind":          withFacts(func(f *events.RoomCreated) { f.Kind = "" }),
		"unknown kind":     withFacts(func(f *events.RoomCreated) { f.Kind = "secret" }),
		"a negative limit": withFacts(func(f *events.RoomCreated) { f.Settings.MaxMessageLength = -1 }),
		"too high a limit": withFacts(func(f *events.RoomCreated) { f.Settings.MaxMessageLength = 16<<10 + 1 }),
	} {
		t.Run(name, func(t *testing.T) { given(t).when(c).then(rejected(room.CodeInvalid)) })
	}
	t.Run("what was rejected has not made it", func(t *testing.T) {
		given(t).when(withFacts(func(f *events.RoomCreated) { f.Kind = "" })).when(post("alice")).then(rejected(room.CodeRoomNotFound))
	})
}

func TestRulesArePinned(t *testing.T) {
	newer := facts(events.RoomCreated{Command: by("alice"), Kind: "of the future", Rules: room.Rules + 1})
	t.Run("newer rules park", func(t *testing.T) {
		given(t).when(newer).then(parked(room.CodeUnknownRules))
	})
	t.Run("a room that is there keeps its own", func(t *testing.T) {
		given(t, created("alice")).when(newer).then(unchanged())
	})
	t.Run("nothing is judged in a room with newer rules", func(t *testing.T) {
		for _, c := range []command{
			created("alice"), created("bob"), join("bob"), post("alice"), post("bob"), post("alice").id("e2"), post("bob").id("e2"),
			post("alice").expires(time.Second).after(time.Hour),
		} {
			s := given(t, created("alice"), post("alice"))
			s.view.Header.Rules = room.Rules + 1
			s.when(c).then(parked(room.CodeUnknownRules))
		}
	})
	t.Run("a type that is not known parks", func(t *testing.T) {
		s := given(t, created("alice"))
		e := events.Event{ID: "e9", Type: "message.posted.v2", Tenant: "main", Room: "lobby"}
		if c, v := room.Apply(s.view, &e, s.now); v != (room.Verdict{Status: room.Parked, Code: room.CodeUnknownType}) || c.Header != nil {
			t.Errorf("it is %+v, %+v", c, v)
		}
		if n := room.NeedsOf(&e); len(n.Members)+len(n.Priors) > 0 {
			t.Errorf("it needs %+v", n)
		}
	})
	// The limits of the contract are the rules of version 1: who changes one
	// changes verdicts that were given.
	if events.MaxText != 16384 || events.MaxMentions != 1000 || events.MaxAttachments != 20 || events.MaxIDLength != 128 {
		t.Error("a limit of rules 1 has changed: it belongs into a new version of the rules")
	}
}

func TestMessagePosted(t *testing.T) {
	withFacts := func(change func(*events.MessagePosted)) command {
		f := events.MessagePosted{Command: by("alice"), Kind: "text", TextBytes: 2}
		change(&f)
		return facts(f)
	}
	length := func(n int) command { return withFacts(func(f *events.MessagePosted) { f.TextBytes = n }) }

	t.Run("by members", func(t *testing.T) {
		s := given(t, created("alice"), join("bob")).when(post("bob")).then(accepted(3), members(2))
		if s.view.Header.LastMessage != 3 {
			t.Errorf("the last message is %d", s.view.Header.LastMessage)
		}
		s.when(post("alice")).then(accepted(4)).when(leave("bob")).then(accepted(5))
		if s.view.Header.LastMessage != 4 {
			t.Errorf("the last message is %d", s.view.Header.LastMessage)
		}
	})
	t.Run("by nobody else", func(t *testing.T) {
		given(t).when(post("alice")).then(rejected(room.CodeRoomNotFound))
		public := func(more ...command) *scenario { return given(t, append([]command{created("alice")}, more...)...) }
		public().when(post("bob")).then(rejected(room.CodeNotAMember))
		public(invite("alice", "bob")).when(post("bob")).then(rejected(room.CodeNotAMember))
		public(join("bob"), kick("alice", "bob")).when(post("bob")).then(rejected(room.CodeNotAMember))
		public(ban("alice", "bob")).when(post("bob")).then(rejected(room.CodeBanned))
		private := func(more ...command) *scenario {
			return given(t, append([]command{createdPrivate("alice")}, more...)...)
		}
		private().when(post("bob")).then(rejected(room.CodeRoomNotFound))
		private(invite("alice", "bob")).when(post("bob")).then(rejected(room.CodeNotAMember))
		private(invite("alice", "bob"), join("bob"), leave("bob")).when(post("bob")).then(rejected(room.CodeRoomNotFound))
		private(ban("alice", "bob")).when(post("bob")).then(rejected(room.CodeRoomNotFound))
	})
	t.Run("length", func(t *testing.T) {
		given(t, created("alice")).when(length(events.MaxText)).then(accepted(2)).
			when(length(events.MaxText + 1)).then(rejected(room.CodeTextTooLong)).
			when(length(0)).then(accepted(3))
		small := facts(events.RoomCreated{
			Command: by("alice"), Kind: events.RoomPublic, Rules: 1, Settings: events.RoomSettings{MaxMessageLength: 5},
		})
		given(t, small).when(length(5)).then(accepted(2)).when(length(6)).then(rejected(room.CodeTextTooLong))
	})
	t.Run("replies", func(t *testing.T) {
		s := given(t, created("alice"), post("alice"))
		s.when(reply("alice", "e2")).then(accepted(3))
		s.when(reply("alice", "e3")).then(accepted(4))
		s.when(reply("alice", "e99")).then(rejected(room.CodeReplyNotFound))
		s.when(reply("alice", "e1")).then(rejected(room.CodeReplyNotFound)) // no message
		s.when(reply("alice", "e5")).then(rejected(room.CodeReplyNotFound)) // rejected
		s.when(reply("alice", "e8").id("e8")).then(rejected(room.CodeReplyNotFound))
	})
	t.Run("threads", func(t *testing.T) {
		s := given(t, created("alice"), post("alice"), inThread("alice", "e2"))
		s.when(inThread("alice", "e2")).then(accepted(4))
		s.when(inThread("alice", "e3")).then(rejected(room.CodeThreadNested))
		s.when(inThread("alice", "e1")).then(rejected(room.CodeThreadNotFound))
		s.when(inThread("alice", "e99")).then(rejected(room.CodeThreadNotFound))
		s.when(reply("alice", "e3")).then(accepted(5)) // to a message in a thread
		s.when(withFacts(func(f *events.MessagePosted) { f.ThreadRoot, f.ReplyTo = "e2", "e3" })).then(accepted(6))
	})
	users := make([]events.UserID, events.MaxMentions+1)
	for i := range users {
		users[i] = "bob"
	}
	for name, c := range map[string]command{
		"no kind":              withFacts(func(f *events.MessagePosted) { f.Kind = "" }),
		"negative length":      length(-1),
		"negative attachments": withFacts(func(f *events.MessagePosted) { f.Attachments = -1 }),
		"many attachments":     withFacts(func(f *events.MessagePosted) { f.Attachments = events.MaxAttachments + 1 }),
		"many mentions":        withFacts(func(f *events.MessagePosted) { f.Mentions = users }),
		"a mention of no id":   withFacts(func(f *events.MessagePosted) { f.Mentions = []events.UserID{"a b"} }),
	} {
		t.Run(name, func(t *testing.T) {
			given(t, created("alice")).when(c).then(rejected(room.CodeInvalid))
		})
	}
	given(t, created("alice")).when(withFacts(func(f *events.MessagePosted) {
		f.Mentions, f.Attachments = users[1:], events.MaxAttachments
	})).then(accepted(2))
}

func TestMalformedMembership(t *testing.T) {
	withFacts := func(sender events.UserID, change func(*events.MemberChanged)) command {
		f := events.MemberChanged{Command: by(sender), Target: "bob", Membership: events.MembershipJoin}
		change(&f)
		return facts(f)
	}
	for name, change := range map[string]func(*events.MemberChanged){
		"no target":          func(f *events.MemberChanged) { f.Target = "" },
		"a bad target":       func(f *events.MemberChanged) { f.Target = "a b" },
		"no membership":      func(f *events.MemberChanged) { f.Membership = "" },
		"unknown membership": func(f *events.MemberChanged) { f.Membership = "knock" },
		"unknown role":       func(f *events.MemberChanged) { f.Role = "emperor" },
		"leave with role":    func(f *events.MemberChanged) { f.Membership, f.Role = events.MembershipLeave, events.RoleMember },
		"invite with role":   func(f *events.MemberChanged) { f.Membership, f.Role = events.MembershipInvite, events.RoleMember },
		"ban with role":      func(f *events.MemberChanged) { f.Membership, f.Role = events.MembershipBan, events.RoleMember },
		"join with an end":   func(f *events.MemberChanged) { f.Until = 1 },
		"leave with an end":  func(f *events.MemberChanged) { f.Membership, f.Until = events.MembershipLeave, 1<<62 },
		"ban before time":    func(f *events.MemberChanged) { f.Membership, f.Until = events.MembershipBan, -1 },
	} {
		t.Run(name, func(t *testing.T) {
			// By its shape alone: the answer tells an outsider nothing of the room.
			for _, sender := range []events.UserID{"alice", "bob", "mallory"} {
				given(t, createdPrivate("alice")).when(withFacts(sender, change)).then(rejected(room.CodeInvalid))
			}
		})
	}
}
