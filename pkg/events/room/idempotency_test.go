package room_test

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

func TestIdempotency(t *testing.T) {
	key := func(c command, digest string) command { return c.id("key").digest(digest) }

	t.Run("the first counts", func(t *testing.T) {
		s := given(t, created("alice"), key(post("alice"), "a"))
		s.when(key(post("alice"), "a")).then(duplicate(2, ""))
		s.when(post("alice")).then(accepted(3))
		s.when(key(post("alice"), "a")).then(duplicate(2, ""))
	})
	t.Run("without a digest, what an append repeats", func(t *testing.T) {
		s := given(t, created("alice"), post("alice").id("uuid"))
		s.when(post("alice").id("uuid")).then(duplicate(2, ""))
	})
	t.Run("something else under the key", func(t *testing.T) {
		for name, other := range map[string]command{
			"another body":   key(post("alice"), "b"),
			"no digest":      key(post("alice"), ""),
			"another type":   key(leave("alice"), "a"),
			"another sender": key(post("bob"), "a"),
		} {
			t.Run(name, func(t *testing.T) {
				s := given(t, created("alice"), join("bob"), key(post("alice"), "a"))
				s.when(other).then(rejected(room.CodeKeyReused))
				s.when(key(post("alice"), "a")).then(duplicate(3, "")) // the id stays as it was
			})
		}
	})
	t.Run("a rejection is an outcome", func(t *testing.T) {
		s := given(t, created("alice"))
		s.when(key(post("bob"), "a")).then(rejected(room.CodeNotAMember))
		s.when(join("bob")).then(accepted(2))
		s.when(key(post("bob"), "a")).then(duplicate(0, room.CodeNotAMember)) // the same answer, however long ago
		s.when(key(post("bob"), "b")).then(rejected(room.CodeKeyReused))
		s.when(post("bob")).then(accepted(3))
	})
	t.Run("of a room that was not there too", func(t *testing.T) {
		s := given(t).when(key(post("alice"), "a")).then(rejected(room.CodeRoomNotFound))
		s.when(created("alice")).then(accepted(1))
		s.when(key(post("alice"), "a")).then(duplicate(0, room.CodeRoomNotFound))
	})
	t.Run("so is what changed nothing", func(t *testing.T) {
		s := given(t, created("alice"), join("bob"))
		s.when(key(join("bob"), "a")).then(unchanged())
		s.when(leave("bob")).then(accepted(3))
		s.when(key(join("bob"), "a")).then(duplicate(0, "")) // it does not bring bob back
		s.then(standing("bob", events.MembershipLeave, "", 3))
	})
	t.Run("a room is created once", func(t *testing.T) {
		s := given(t, key(created("alice"), "a"))
		s.when(key(created("alice"), "a")).then(duplicate(1, ""))
		s.when(key(createdPrivate("alice"), "b")).then(rejected(room.CodeKeyReused))
	})
	t.Run("a reused key gives way to nothing", func(t *testing.T) {
		// The verdict of the second is its position's; asked again it is the same.
		s := given(t, created("alice"), key(post("alice"), "a"))
		s.when(key(post("alice"), "b")).then(rejected(room.CodeKeyReused))
		s.when(key(post("alice"), "b")).then(rejected(room.CodeKeyReused))
	})
}

func TestBinds(t *testing.T) {
	for v, want := range map[room.Verdict]bool{
		{Status: room.Accepted, Seq: 1}:                      true,
		{Status: room.Accepted}:                              true,
		{Status: room.Rejected, Code: room.CodeForbidden}:    true,
		{Status: room.Rejected, Code: room.CodeExpired}:      false,
		{Status: room.Rejected, Code: room.CodeKeyReused}:    false,
		{Status: room.Duplicate, Seq: 1}:                     false,
		{Status: room.Duplicate, Code: room.CodeForbidden}:   false,
		{Status: room.Parked, Code: room.CodeUnknownRules}:   false,
		{Status: room.Rejected, Code: room.CodeRoomNotFound}: true,
		{Status: room.Rejected, Code: room.CodeRoomIDTaken}:  true,
		{Status: room.Rejected, Code: room.CodeInvalid}:      true,
		{}: false,
	} {
		if v.Binds() != want {
			t.Errorf("%+v: %t", v, !want)
		}
	}
}
