package room_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

var update = flag.Bool("update", false, "write golden files")

type personAs struct {
	name string
	row  room.Member
}

type asking struct {
	name  string
	facts events.MemberChanged
}

// standings are all that a person can have in a room.
var standings = []personAs{
	{"none", room.Member{}},
	{"invite", room.Member{Membership: events.MembershipInvite}},
	{"member", room.Member{Membership: events.MembershipJoin, Role: events.RoleMember}},
	{"moderator", room.Member{Membership: events.MembershipJoin, Role: events.RoleModerator}},
	{"owner", room.Member{Membership: events.MembershipJoin, Role: events.RoleOwner}},
	{"leave", room.Member{Membership: events.MembershipLeave}},
	{"ban", room.Member{Membership: events.MembershipBan}},
	{"ban-over", room.Member{Membership: events.MembershipBan, Until: roomtest.Epoch.UnixMilli()}},
}

var asked = []asking{
	{"join", events.MemberChanged{Membership: events.MembershipJoin}},
	{"join as member", events.MemberChanged{Membership: events.MembershipJoin, Role: events.RoleMember}},
	{"join as moderator", events.MemberChanged{Membership: events.MembershipJoin, Role: events.RoleModerator}},
	{"join as owner", events.MemberChanged{Membership: events.MembershipJoin, Role: events.RoleOwner}},
	{"invite", events.MemberChanged{Membership: events.MembershipInvite}},
	{"leave", events.MemberChanged{Membership: events.MembershipLeave}},
	{"ban", events.MemberChanged{Membership: events.MembershipBan}},
	{"ban until", events.MemberChanged{
		Membership: events.MembershipBan, Until: roomtest.Epoch.Add(time.Hour).UnixMilli(),
	}},
}

// The whole membership machine: testdata/membership<rules>.golden has a table for
// each kind of room and each membership asked for. Rows are the standing of who
// asks, columns that of the person asked about ("oneself": who asks). A cell is
// what the person becomes, "=" where nothing changes, or the reason against it.
func TestMembershipMachine(t *testing.T) {
	type roomKind struct {
		name     string
		kind     events.RoomKind
		settings events.RoomSettings
		archived bool
	}
	knocks := events.RoomSettings{Knocks: true}
	kinds := []roomKind{{name: "public room", kind: events.RoomPublic}, {name: "private room", kind: events.RoomPrivate}}
	kinds2 := append(slices.Clone(kinds),
		roomKind{name: "private room with knocks", kind: events.RoomPrivate, settings: knocks},
		roomKind{
			name: "room for owners to invite to", kind: events.RoomPublic,
			settings: events.RoomSettings{Permissions: events.Permissions{Invite: events.RoleOwner}},
		})
	standings2 := append(slices.Clone(standings),
		personAs{"guest", room.Member{Membership: events.MembershipJoin, Role: events.RoleGuest}},
		personAs{"knock", room.Member{Membership: events.MembershipKnock}})
	asked2 := append(slices.Clone(asked),
		asking{"join as guest", events.MemberChanged{Membership: events.MembershipJoin, Role: events.RoleGuest}},
		asking{"knock", events.MemberChanged{Membership: events.MembershipKnock}})
	for _, machine := range []struct {
		rules     int
		kinds     []roomKind
		standings []personAs
		asked     []asking
	}{
		{1, kinds, standings, asked},
		{2, kinds2, standings2, asked2},
		{3, append(slices.Clone(kinds2),
			roomKind{name: "archived public room", kind: events.RoomPublic, archived: true},
			roomKind{name: "archived private room", kind: events.RoomPrivate, archived: true},
			roomKind{name: "archived private room with knocks", kind: events.RoomPrivate, settings: knocks, archived: true},
		), standings2, asked2},
	} {
		t.Run(fmt.Sprintf("rules %d", machine.rules), func(t *testing.T) {
			var b bytes.Buffer
			for _, kind := range machine.kinds {
				for _, ask := range machine.asked {
					h := room.Header{Rules: machine.rules, Kind: kind.kind, Settings: kind.settings, Archived: kind.archived}
					fmt.Fprintf(&b, "%s: %s\n%-12s%-17s", kind.name, ask.name, "", "oneself")
					for _, target := range machine.standings {
						fmt.Fprintf(&b, "%-17s", target.name)
					}
					b.WriteByte('\n')
					for _, sender := range machine.standings {
						f := ask.facts
						f.Sender, f.Target = "alice", "alice"
						fmt.Fprintf(&b, "%-12s%-17s", sender.name, cell(t, h, f, sender.row, room.Member{}))
						f.Target = "bob"
						for _, target := range machine.standings {
							fmt.Fprintf(&b, "%-17s", cell(t, h, f, sender.row, target.row))
						}
						b.WriteByte('\n')
					}
					b.WriteByte('\n')
				}
			}
			got := trimLines(b.Bytes())
			path := fmt.Sprintf("testdata/membership%d.golden", machine.rules)
			want, err := os.ReadFile(path)
			if os.IsNotExist(err) && *update {
				want, err = got, os.WriteFile(path, got, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("rules %d have changed; they must not, once a room is judged by them\n%s", machine.rules, got)
			}
		})
	}
}

// cell judges one event and checks what holds for every cell.
func cell(t *testing.T, h room.Header, f events.MemberChanged, sender, target room.Member) string {
	t.Helper()
	view := room.NewView()
	h.Tenant, h.Room, h.Creator, h.Seq = "main", "lobby", "zoe", 9
	h.Members, h.LogTime = 5, roomtest.Epoch.UnixMilli()
	view.Header = &h
	put := func(u events.UserID, m room.Member) {
		if m.Membership != events.MembershipNone {
			m.User, m.Since = u, 3
			view.Members[u] = m
		}
	}
	put("alice", sender)
	if f.Target != "alice" {
		put(f.Target, target)
	}
	before := view.Members[f.Target].At(roomtest.Epoch.UnixMilli())
	e := events.Event{ID: "e", Type: f.EventType(), Tenant: "main", Room: "lobby", Facts: f}
	c, v := room.Apply(view, &e, roomtest.Epoch)
	if v.Status == room.Rejected {
		return string(v.Code)
	}
	if v.Seq == 0 {
		if before.Membership != f.Membership || f.Role != "" && f.Role != before.Role || before.Until != f.Until {
			t.Errorf("%+v changes nothing for %+v", f, before)
		}
		return "="
	}
	if v.Seq != 10 || c.Header.Seq != 10 || len(c.Members) != 1 || c.Members[0].User != f.Target {
		t.Fatalf("%+v gives %+v, %+v", f, v, c)
	}
	after := c.Members[0]
	joined := func(m room.Member) int64 {
		if m.Membership == events.MembershipJoin {
			return 1
		}
		return 0
	}
	if c.Header.Members != 5+joined(after)-joined(before) {
		t.Errorf("%+v: %d members", f, c.Header.Members)
	}
	if moved := after.Membership != before.Membership; moved && after.Since != 10 || !moved && after.Since != 3 {
		t.Errorf("%+v: since %d", f, after.Since)
	}
	if (after.Role != "") != (after.Membership == events.MembershipJoin) || after.Until != f.Until {
		t.Errorf("%+v becomes %+v", f, after)
	}
	switch {
	case after.Membership == events.MembershipJoin:
		return "→ " + string(after.Role)
	case after.Until != 0:
		return "→ " + string(after.Membership) + " until"
	}
	return "→ " + string(after.Membership)
}

func trimLines(b []byte) []byte {
	lines := bytes.Split(b, []byte("\n"))
	for i := range lines {
		lines[i] = bytes.TrimRight(lines[i], " ")
	}
	return append(bytes.TrimRight(bytes.Join(lines, []byte("\n")), "\n"), '\n')
}
