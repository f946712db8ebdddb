package modelcheck_test

import (
	"cmp"
	"fmt"
	"slices"
)

// compareTold compares what a follower was told of with what they are to be news of.
func (s *scene) compareTold(models []*room, user string) error {
	of := map[string][]news{}
	for _, e := range s.followers[user].got {
		if !slices.Contains(s.rooms[:], e.Room) {
			return fmt.Errorf("%s was told of %+v, of another's room", user, e)
		}
		of[e.Room] = append(of[e.Room], e)
	}
	for _, r := range models {
		if err := r.compareTold(user, of[r.id]); err != nil {
			return fmt.Errorf("%s, who follows %s, %w", user, r.id, err)
		}
	}
	return nil
}

func (r *room) compareTold(user string, got []news) error {
	next := 0
	for _, f := range r.facts {
		if f.seq == 0 {
			continue
		}
		must, may := r.tells(user, f)
		if next < len(got) && got[next].Seq == f.seq && may {
			if is, should := text(got[next].shownEvent), text(r.event(f)); is != should && is != text(r.unredacted(f)) {
				return fmt.Errorf("was told\n%s; the model has\n%s", is, should)
			}
			next++
		} else if must {
			return fmt.Errorf("was not told in its turn of %d: %s\nbut of %v", f.seq, f, seqsOf(got))
		}
	}
	if next < len(got) {
		return fmt.Errorf("was told of %+v, which was not for them, or not then, among %v", got[next], seqsOf(got))
	}
	return r.compareView(user, got)
}

func seqsOf(got []news) (seqs []int) {
	for _, e := range got {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

// tells says whether someone who follows must be news of an event, and whether they may.
// One's own memberships are news always, else what happens in one's presence and may be
// read. Who leaves, or whose room is deleted, may not get what led up to that any more.
func (r *room) tells(user string, f fact) (must, may bool) {
	if f.do == change && f.whom == user {
		return true, true
	}
	for _, s := range r.stays(user) {
		if s.from <= f.seq && f.seq <= s.to && r.shows(user, f) {
			lasts := s.to > r.seq()
			return lasts && (r.exists() || f.do == deleteRoom), true
		}
	}
	return false, false
}

// unredacted is an event as it was shown while its message was not redacted.
func (r *room) unredacted(f fact) shownEvent {
	e := r.event(f)
	if e.Data.Redacted {
		e.Data.Redacted, e.Data.Text = false, f.text
	}
	return e
}

// compareView compares what the events come to for who was told of them with the
// messages as they are: of those that were sent since one is a member one knows all.
func (r *room) compareView(user string, got []news) error {
	m := r.member(user, r.time())
	if !r.exists() || m.membership != "join" {
		return nil
	}
	is := viewOf(got, user)
	for _, shown := range r.readable(user) {
		if shown.Seq < m.since {
			continue
		}
		should := message{
			ID: shown.ID, Seq: shown.Seq, Sender: shown.Sender, Text: shown.Text, Edited: shown.Edited, Version: shown.Version, Redacted: shown.Redacted,
			Reactions: shown.Reactions, Pinned: shown.Pinned,
		}
		if i := slices.IndexFunc(is, func(m message) bool { return m.ID == shown.ID }); i < 0 || text(is[i]) != text(should) {
			return fmt.Errorf("comes to\n%s; the model has\n%s", text(is), text(should))
		}
	}
	return nil
}

// viewOf folds events as a client does that has nothing else.
func viewOf(got []news, user string) (view []message) {
	for _, e := range got {
		if e.Type == "message.posted" {
			view = append(view, message{ID: e.ID, Seq: e.Seq, Sender: e.Sender, Text: e.Data.Text, Redacted: e.Data.Redacted, Version: 1, Reactions: []reaction{}})
		}
		for i := range view {
			m := &view[i]
			within := e.Data.From <= m.Seq && m.Seq <= e.Data.To && m.Seq < e.Seq && (e.Data.Author == "" || e.Data.Author == m.Sender)
			if e.Data.Message == m.ID || e.Type == "message.redacted" && within {
				m.become(e, user)
			}
		}
	}
	return view
}

// become is what an event about a message makes of it.
func (m *message) become(e news, user string) {
	switch e.Type {
	case "message.edited":
		m.Text, m.Edited, m.Version = e.Data.Text, true, m.Version+1
	case "message.redacted":
		m.Text, m.Redacted = "", true
	case "message.pinned", "message.unpinned":
		m.Pinned = e.Type == "message.pinned"
	case "reaction.added":
		m.count(e.Data.Key, 1, e.Sender == user)
	case "reaction.removed":
		m.count(e.Data.Key, -1, e.Sender == user)
	}
}

func (m *message) count(key string, n int, mine bool) {
	i, found := slices.BinarySearchFunc(m.Reactions, key, func(r reaction, key string) int { return cmp.Compare(r.Key, key) })
	if !found {
		m.Reactions = slices.Insert(m.Reactions, i, reaction{Key: key})
	}
	m.Reactions[i].Count += n
	if mine {
		m.Reactions[i].Mine = n > 0
	}
	if m.Reactions[i].Count == 0 {
		m.Reactions = slices.Delete(m.Reactions, i, i+1)
	}
}
