package modelcheck_test

import (
	"cmp"
	"fmt"
	"slices"
)

// shownState is a room as it was.
type shownState struct {
	Room     string        `json:"room"`
	Members  int           `json:"members"`
	Settings settings      `json:"settings"`
	Archived bool          `json:"archived"`
	Seq      int           `json:"seq"`
	Version  int           `json:"version"`
	List     []shownMember `json:"member_list"`
	Pins     []shownPin    `json:"pins"`
}

type shownPin struct {
	Message    string `json:"message"`
	MessageSeq int    `json:"message_seq"`
	Seq        int    `json:"seq"`
}

// compareState compares what the room was at one of its events, and what it is now.
func (s *scene) compareState(r *room, user string) error {
	path := "/v1/rooms/" + r.id + "/state"
	if err := is(s, user, path+"?limit=200", r.state(user, r, s.Now().UnixMilli())); err != nil {
		return err
	}
	seq := 1 + len(r.facts)*7%r.seq()
	was := &room{id: r.id}
	for _, f := range r.facts {
		if f.seq <= seq && f.seq > 0 {
			was.facts = append(was.facts, f)
		}
	}
	at := fmt.Sprintf("%s?limit=200&seq=%d", path, seq)
	if !r.visible(user, seq) {
		return refused(s, user, "event_not_found", at)
	}
	return is(s, user, at, was.state(user, r, was.time()))
}

// state is the room, without the messages that the person may not read of what it is today.
func (r *room) state(user string, today *room, now int64) shownState {
	out := shownState{
		Room: r.id, Members: r.joined(r.time()), Settings: r.settings(), Archived: r.archived(), Seq: r.seq(), Version: r.version(), Pins: []shownPin{},
	}
	for _, u := range r.members() {
		if m := r.member(u, now); m.membership != "" {
			out.List = append(out.List, shownMember{User: u, Membership: m.membership, Role: m.role, Since: m.since, Until: until(m)})
		}
	}
	for _, m := range r.posts() {
		if by := r.pinnedBy(m.id); by > 0 && today.visible(user, m.seq) {
			out.Pins = append(out.Pins, shownPin{m.id, m.seq, by})
		}
	}
	slices.SortFunc(out.Pins, func(a, b shownPin) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}
