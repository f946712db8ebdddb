package roomtest

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// A generator that never meets a rule tests nothing: a long history has to come
// to every verdict, and to nearly every reason.
func TestHistoriesMeetEveryRule(t *testing.T) {
	got := map[room.Code]int{}
	accepted := map[events.Type]int{}
	bad := 0
	for seed := range uint64(10) {
		c := Config{Records: 1000, Parking: seed%2 == 1, Garbage: true}
		records := History(c, seed)
		for i, v := range Fold(records).Verdicts {
			if e, err := events.Decode(records[i].Message); err == nil && v.Status == room.Accepted {
				accepted[e.Type]++
			}
			switch {
			case v.Status == "":
				if _, err := events.Decode(records[i].Message); err == nil {
					t.Fatalf("record %d is an event without a verdict", i)
				}
				bad++
			case v.Status == room.Rejected, v.Status == room.Parked:
				got[v.Code]++
			case v.Status == room.Accepted && v.Seq == 0:
				got["(accepted without seq)"]++
			default:
				got[room.Code("("+v.Status+")")]++
			}
		}
	}
	t.Logf("bad records %d, verdicts %v, accepted %v", bad, got, accepted)
	for _, typ := range events.Types() {
		if accepted[typ] < 3 {
			t.Errorf("%s was accepted %d times", typ, accepted[typ])
		}
	}
	if bad == 0 {
		t.Error("no bad records")
	}
	for _, code := range []room.Code{
		"(accepted)", "(accepted without seq)", "(duplicate)",
		room.CodeRoomNotFound, room.CodeRoomIDTaken, room.CodeRoomIDReserved, room.CodeNotAMember,
		room.CodeBanned, room.CodeUserBanned, room.CodeUserJoined, room.CodeUserUnknown, room.CodeForbidden,
		room.CodeKeyReused, room.CodeExpired, room.CodeTextTooLong, room.CodeReplyNotFound,
		room.CodeThreadNotFound, room.CodeThreadNested, room.CodeThreadsOff, room.CodeSlowMode, room.CodeReactionsOff,
		room.CodeRoomArchived, room.CodeVersion, room.CodeMessageUnknown, room.CodeRedacted, room.CodeInvalid, room.CodeUnknownType, room.CodeUnknownRules,
	} {
		if got[code] == 0 {
			t.Errorf("no verdict %s", code)
		}
	}
}

func TestHistoryIsTheSameForASeed(t *testing.T) {
	c := Config{Records: 300, Garbage: true, Parking: true}
	if !reflect.DeepEqual(History(c, 7), History(c, 7)) {
		t.Error("two histories of one seed differ")
	}
	if reflect.DeepEqual(History(c, 7), History(c, 8)) {
		t.Error("histories of two seeds are equal")
	}
}

func TestHistoriesHaveTheAskedLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if n := len(Histories(Config{Records: 30}).Draw(t, "history")); n != 30 {
			t.Fatalf("%d records", n)
		}
	})
}

func TestRoomWritesWhatItIsAsked(t *testing.T) {
	r := NewRoom(t, "alice", Private(), ID("den"), Tenant("acme"))
	r.Join("bob") // not invited
	r.Invite("alice", "bob")
	r.Join("bob")
	hi := r.Post("bob", "hi")
	r.Kick("alice", "bob")
	r.Post("bob", "too late")

	out := Fold(r.Records())
	want := []room.Status{room.Accepted, room.Rejected, room.Accepted, room.Accepted, room.Accepted, room.Accepted, room.Rejected}
	for i, v := range out.Verdicts {
		if v.Status != want[i] {
			t.Errorf("event %d is %s (%s), not %s", i, v.Status, v.Code, want[i])
		}
	}
	if p := out.Rooms[Key{"acme", "den"}].Priors[hi.ID]; p.Seq != 4 {
		t.Errorf("the message has seq %d, not 4", p.Seq)
	}
}
