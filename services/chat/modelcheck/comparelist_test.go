package modelcheck_test

import (
	"cmp"
	"fmt"
	"slices"
)

// listedRoom is a room in the list of a person's rooms.
type listedRoom struct {
	Room        string       `json:"room"`
	Kind        string       `json:"kind"`
	Name        string       `json:"name"`
	Members     int          `json:"members"`
	With        string       `json:"with"`
	Membership  string       `json:"membership"`
	Role        string       `json:"role"`
	Since       int          `json:"since_seq"`
	Archived    bool         `json:"archived"`
	Seq         int          `json:"seq"`
	Read        *int         `json:"read_seq"`
	Unread      *int         `json:"unread"`
	Mentions    *int         `json:"mentions"`
	Preferences *preferences `json:"preferences"`
	Last        *message     `json:"last_message"`
}

// compareList compares the list of a person's rooms, or of those that they have archived.
func (s *scene) compareList(models []*room, user string, archived bool) error {
	want := list[listedRoom]{Items: []listedRoom{}}
	times := map[string]int64{}
	for _, r := range models {
		if !r.exists() {
			continue
		}
		m := r.member(user, s.Now().UnixMilli())
		// What was hidden or archived before they left does not hide an invitation.
		if invited := m.membership == "invite" && !archived; !invited && (m.membership != "join" || m.hidden || m.archived != archived) {
			continue
		}
		want.Items = append(want.Items, s.listed(r, user, m))
		times[r.id] = r.time()
	}
	slices.SortFunc(want.Items, func(a, b listedRoom) int {
		return cmp.Or(cmp.Compare(times[b.Room], times[a.Room]), cmp.Compare(a.Room, b.Room))
	})
	return is(s, user, fmt.Sprintf("/v1/rooms?archived=%t", archived), want)
}

func (s *scene) listed(r *room, user string, m member) listedRoom {
	name, _ := r.is()["name"].(string)
	l := listedRoom{
		Room: r.id, Kind: r.kind(), Name: name, Members: r.joined(s.Now().UnixMilli()),
		Membership: m.membership, Role: m.role, Since: m.since,
	}
	if m.membership != "join" {
		return l
	}
	unread, mentions := r.unread(user)
	l.With, l.Archived, l.Seq = r.with(user), r.archived(), r.seq()
	l.Read, l.Unread, l.Mentions, l.Preferences = &m.read, &unread, &mentions, &preferences{m.muted, m.hidden, m.archived}
	if posts := r.posts(); len(posts) > 0 && r.visible(user, posts[len(posts)-1].seq) {
		last := r.message(posts[len(posts)-1], user)
		l.Last = &last
	}
	return l
}
