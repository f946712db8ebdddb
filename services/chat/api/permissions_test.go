package api_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

var update = flag.Bool("update", false, "write the tables into openapi.yaml")

const (
	description = "openapi.yaml"
	begin       = "    <!-- written by TestDescriptionSaysWhoMayDoWhat -update, from the fold -->\n"
	end         = "    <!-- end -->\n"
)

// The description says who may do what as the fold decides it.
func TestDescriptionSaysWhoMayDoWhat(t *testing.T) {
	b, err := os.ReadFile(description)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	said, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the tables", description)
	}
	var tables strings.Builder
	for line := range strings.Lines(actions() + oneself() + others()) {
		tables.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
	}
	if said == tables.String() {
		return
	}
	if *update {
		if err := os.WriteFile(description, []byte(before+begin+tables.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("the fold decides otherwise: go test ./services/chat/api -update\n%s", tables.String())
}

var meaning = map[room.Action]string{
	room.Post:        "post and edit messages",
	room.React:       "add reactions",
	room.Invite:      "invite, let in who knocks or turn them away",
	room.Pin:         "pin and unpin messages",
	room.MentionRoom: "mention the whole room, or who is here",
	room.Update:      "change name, settings, metadata, archive; permissions: owners only",
	room.Redact:      "redact what others wrote; one's own: every member",
	room.Remove:      "kick, ban, unban those with a weaker role; withdraw invitations",
	room.SetRole:     "give members another role",
	room.Delete:      "delete the room",
}

func actions() string {
	everyone := func(r events.Role) events.Permissions {
		return events.Permissions{Post: r, React: r, Invite: r, Pin: r, MentionRoom: r, Update: r}
	}
	var b strings.Builder
	b.WriteString("\n| to | takes at least | `settings.permissions` |\n| --- | --- | --- |\n")
	for _, do := range room.Actions() {
		setting := ""
		if room.Needed(do, everyone(events.RoleGuest)) != room.Needed(do, everyone(events.RoleOwner)) {
			setting = "`" + string(do) + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", meaning[do], room.Needed(do, events.Permissions{}), setting)
	}
	return b.String()
}

// standing is what somebody is to a room.
type standing struct {
	name string
	room.Member
}

func joined(r events.Role) standing {
	return standing{string(r), room.Member{Membership: events.MembershipJoin, Role: r}}
}

var (
	stranger = standing{"stranger", room.Member{}}
	knocked  = standing{"has knocked", room.Member{Membership: events.MembershipKnock}}
	invited  = standing{"invited", room.Member{Membership: events.MembershipInvite}}
	left     = standing{"has left", room.Member{Membership: events.MembershipLeave}}
	banned   = standing{"banned", room.Member{Membership: events.MembershipBan}}

	roles = []standing{joined(events.RoleGuest), joined(events.RoleMember), joined(events.RoleModerator), joined(events.RoleOwner)}
)

// kinds are the rooms that differ in who may come in.
var kinds = []struct {
	name     string
	kind     events.RoomKind
	settings events.RoomSettings
}{
	{"public", events.RoomPublic, events.RoomSettings{}},
	{"private", events.RoomPrivate, events.RoomSettings{}},
	{"private, with `knocks`", events.RoomPrivate, events.RoomSettings{Knocks: true}},
}

// oneself has a line for each membership that one can ask for oneself, and a column
// for what one is before.
func oneself() string {
	var b strings.Builder
	before := []standing{stranger, left, knocked, invited, joined(events.RoleMember), banned}
	b.WriteString("\n| for oneself, in a room that is |  |")
	for _, s := range before {
		fmt.Fprintf(&b, " %s |", cmp.Or(map[string]string{"member": "joined"}[s.name], s.name))
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(before)+2) + "\n")
	for _, ask := range []events.Membership{events.MembershipJoin, events.MembershipKnock, events.MembershipLeave} {
		lines := map[string][]string{} // the kinds of rooms where a line holds
		var order []string
		for _, k := range kinds {
			line := ""
			for _, s := range before {
				line += " " + become(k.kind, k.settings, events.MemberChanged{Membership: ask}, s, s, true) + " |"
			}
			if lines[line] = append(lines[line], k.name); len(lines[line]) == 1 {
				order = append(order, line)
			}
		}
		for _, line := range order {
			where := strings.Join(lines[line], "; ")
			if len(lines[line]) == len(kinds) {
				where = "any"
			}
			fmt.Fprintf(&b, "| %s | `%s` |%s\n", where, ask, line)
		}
	}
	return b.String()
}

// others has a line for each membership that one can ask for another, and what that
// other is before, and a column for each role.
func others() string {
	var b strings.Builder
	b.WriteString("\n| for another | who is |")
	for _, s := range roles {
		fmt.Fprintf(&b, " by %s |", s.name)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(roles)+2) + "\n")
	for _, ask := range []events.MemberChanged{
		{Membership: events.MembershipInvite},
		{Membership: events.MembershipJoin},
		{Membership: events.MembershipJoin, Role: events.RoleModerator},
		{Membership: events.MembershipLeave},
		{Membership: events.MembershipBan},
	} {
		lines := map[string][]string{} // the standings of which a line holds
		var order []string
		for _, target := range slices.Concat([]standing{stranger, left, knocked, invited}, roles, []standing{banned}) {
			line := ""
			for _, sender := range roles {
				line += " " + become(events.RoomPrivate, events.RoomSettings{}, ask, sender, target, false) + " |"
			}
			if lines[line] = append(lines[line], target.name); len(lines[line]) == 1 {
				order = append(order, line)
			}
		}
		name := "`" + string(ask.Membership) + "`"
		if ask.Role != "" {
			name += " as " + string(ask.Role)
		}
		for _, line := range order {
			fmt.Fprintf(&b, "| %s | %s |%s\n", name, strings.Join(lines[line], ", "), line)
		}
	}
	return b.String()
}

// become tells what somebody becomes by a change: "=" is no change, a word in
// italics why there is none.
func become(kind events.RoomKind, settings events.RoomSettings, f events.MemberChanged, sender, target standing, self bool) string {
	now := time.UnixMilli(1)
	v := room.NewView()
	v.Header = &room.Header{Tenant: "main", Room: "lobby", Kind: kind, Settings: settings, Rules: room.Rules, Seq: 9, Members: 5}
	put := func(u events.UserID, m room.Member) {
		if m.Membership != events.MembershipNone {
			m.User = u
			v.Members[u] = m
		}
	}
	f.Sender, f.Target = "alice", "bob"
	if put("alice", sender.Member); self {
		f.Target = "alice"
	} else {
		put("bob", target.Member)
	}
	c, verdict := room.Apply(v, &events.Event{ID: "e", Type: f.EventType(), Tenant: "main", Room: "lobby", Facts: f}, now)
	switch {
	case verdict.Status != room.Accepted:
		return "*" + string(verdict.Code) + "*"
	case verdict.Seq == 0:
		return "="
	}
	m := c.Members[0]
	if m.Membership == events.MembershipJoin {
		return string(m.Role)
	}
	return string(m.Membership)
}
