package room_test

import (
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

func TestExpiry(t *testing.T) {
	t.Run("to the millisecond", func(t *testing.T) {
		s := given(t, created("alice"))
		s.when(post("alice").expires(0)).then(accepted(2))
		s.when(post("alice").expires(time.Second).after(time.Second)).then(accepted(3))
		s.when(post("alice").expires(time.Second).after(time.Second + time.Millisecond)).then(rejected(room.CodeExpired))
	})
	t.Run("before all else that can be wrong", func(t *testing.T) {
		given(t).when(post("alice").expires(0).after(time.Second)).then(rejected(room.CodeExpired))
		given(t).when(created("alice").expires(0).after(time.Second)).then(rejected(room.CodeExpired))
		given(t, created("alice")).when(post("bob").expires(0).after(time.Second)).then(rejected(room.CodeExpired))
	})
	t.Run("does not bind the id", func(t *testing.T) {
		late := post("alice").id("key").digest("d")
		s := given(t, created("alice"))
		s.when(late.expires(0).after(time.Minute)).then(rejected(room.CodeExpired))
		s.when(late).then(accepted(2)) // sent again
		s.when(late).then(duplicate(2, ""))
	})
	t.Run("a repetition is one, however late", func(t *testing.T) {
		s := given(t, created("alice"), post("alice").id("key"))
		s.when(post("alice").id("key").expires(0).after(time.Hour)).then(duplicate(2, ""))
	})
}

func TestTimeNeverGoesBackInARoom(t *testing.T) {
	t.Run("the header's time", func(t *testing.T) {
		s := given(t, created("alice"), post("alice").after(time.Hour))
		late := s.view.Header.LogTime
		s.when(post("alice").after(-2 * time.Hour)).then(accepted(3))
		if s.view.Header.LogTime != late {
			t.Errorf("the time went from %d to %d", late, s.view.Header.LogTime)
		}
	})
	t.Run("a ban that is over stays over", func(t *testing.T) {
		end := roomtest.Epoch.Add(time.Minute)
		s := given(t, created("alice"), banUntil("alice", "bob", end), post("alice").after(time.Hour))
		s.when(join("bob").after(-2*time.Hour)).then(accepted(4), standing("bob", events.MembershipJoin, events.RoleMember, 4))
	})
	t.Run("but one clock that is ahead expires nobody else's commands", func(t *testing.T) {
		s := given(t, created("alice"), post("alice").after(time.Hour))
		s.when(post("alice").after(-30 * time.Minute).expires(0)).then(accepted(3))
		s.when(post("alice").after(time.Minute).expires(-time.Second)).then(rejected(room.CodeExpired))
	})
	t.Run("what is rejected moves no time", func(t *testing.T) {
		s := given(t, created("alice"))
		before := s.view.Header.LogTime
		s.when(post("bob").after(time.Hour)).then(rejected(room.CodeNotAMember))
		s.when(created("alice")).then(unchanged())
		if s.view.Header.LogTime != before {
			t.Errorf("the time went from %d to %d", before, s.view.Header.LogTime)
		}
	})
}

func TestBanWithAnEnd(t *testing.T) {
	end := roomtest.Epoch.Add(time.Minute)
	banned := func(t *testing.T) *scenario {
		s := given(t, created("alice"), join("bob"), join("carol"), banUntil("alice", "bob", end))
		return s.then(standing("bob", events.MembershipBan, "", 4), members(2))
	}
	until := func(at time.Time) func(*scenario) { return func(s *scenario) { s.now = at } }

	t.Run("lasts until its end", func(t *testing.T) {
		banned(t).when(join("bob").with(until(end.Add(-time.Millisecond)))).then(rejected(room.CodeBanned))
		banned(t).when(join("bob").with(until(end))).then(
			accepted(5), members(3), standing("bob", events.MembershipJoin, events.RoleMember, 5))
	})
	t.Run("leaves one outside when it is over", func(t *testing.T) {
		banned(t).when(post("bob").with(until(end))).then(
			rejected(room.CodeNotAMember), standing("bob", events.MembershipLeave, "", 4))
		banned(t).when(kick("alice", "bob").with(until(end))).then(unchanged())
	})
	t.Run("can be changed", func(t *testing.T) {
		s := banned(t)
		s.when(banUntil("alice", "bob", end)).then(unchanged())
		s.when(ban("alice", "bob")).then(accepted(5), standing("bob", events.MembershipBan, "", 4))
		s.when(join("bob").with(until(end))).then(rejected(room.CodeBanned))
	})
	t.Run("begins anew when it is over", func(t *testing.T) {
		banned(t).when(banUntil("alice", "bob", end.Add(time.Hour)).with(until(end))).then(
			accepted(5), standing("bob", events.MembershipBan, "", 5))
	})
	t.Run("cannot end before it begins", func(t *testing.T) {
		given(t, created("alice")).when(banUntil("alice", "bob", roomtest.Epoch)).then(rejected(room.CodeInvalid))
	})
}

// A room has a message of a time as soon as one was sent then or later, whatever comes
// afterwards.
func TestSentUntil(t *testing.T) {
	s := given(t, created("alice"))
	until := func(c command, want time.Time) {
		t.Helper()
		s.when(c)
		if got := time.UnixMilli(s.view.Header.SentUntil).UTC(); !got.Equal(want) {
			t.Errorf("after event %s it is %s, not %s", s.event.ID, got, want)
		}
	}
	none, old, older := time.UnixMilli(0), time.UnixMilli(-500), time.UnixMilli(-900)
	until(join("bob").sent(old), none)
	until(post("bob").sent(old), old)
	until(post("bob").sent(older), old)
	until(post("carol").sent(roomtest.Epoch), old) // who is not there
	until(inThread("bob", "e3").sent(roomtest.Epoch), roomtest.Epoch)
	until(post("bob").sent(older), roomtest.Epoch)
	until(edit("bob", "e3", 1).sent(roomtest.Epoch.Add(time.Hour)), roomtest.Epoch)
	until(post("bob").sent(time.Time{}), roomtest.Epoch.Add(9*time.Second)) // the log's
}
