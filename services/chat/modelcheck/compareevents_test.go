package modelcheck_test

// shownEvent is an event as it is shown.
type shownEvent struct {
	Seq    int    `json:"seq"`
	Type   string `json:"type"`
	ID     string `json:"event_id"`
	Sender string `json:"sender"`
	Data   struct {
		Text     string `json:"text"`
		Redacted bool   `json:"redacted"`
		User     string `json:"user"`
		Message  string `json:"message"`
		Key      string `json:"key"`
		From     int    `json:"from"`
		To       int    `json:"to"`
		Author   string `json:"author"`
	} `json:"data"`
}

var types = map[act]string{
	create: "room.created", update: "room.updated", rules: "room.rules_upgraded", change: "member.changed", post: "message.posted",
	edit: "message.edited", redact: "message.redacted", redactRange: "message.redacted", react: "reaction.added", unreact: "reaction.removed",
	pin: "message.pinned", unpin: "message.unpinned", deleteRoom: "room.deleted",
}

func (s *scene) compareEvents(r *room, user string) error {
	want := struct {
		list[shownEvent]
		Cursor int `json:"cursor"`
	}{list[shownEvent]{Items: []shownEvent{}}, r.seq()}
	for _, f := range r.facts {
		if f.seq > 0 && r.shows(user, f) {
			want.Items = append(want.Items, r.event(f))
		}
	}
	return is(s, user, "/v1/rooms/"+r.id+"/events?limit=200", want)
}

// shows tells whether an event is for a person: it and the message that it is about are,
// or it is about their own membership.
func (r *room) shows(user string, f fact) bool {
	if f.do == change && f.whom == user {
		return true
	}
	about, ok := r.posted(f.target)
	return r.visible(user, f.seq) && (!ok || r.visible(user, about.seq))
}

func (r *room) event(f fact) shownEvent {
	e := shownEvent{Seq: f.seq, Type: types[f.do], ID: f.id, Sender: f.by}
	e.Data.Message = f.target
	switch f.do {
	case change:
		e.Data.User = f.whom
	case react, unreact:
		e.Data.Key = f.reaction
	case redactRange:
		e.Data.From, e.Data.To, e.Data.Author = f.from, f.to, f.whom
	case post:
		e.Data.Redacted = r.redacted(f)
	case edit:
		m, _ := r.posted(f.target)
		e.Data.Redacted = r.redacted(m)
	default: // nothing more of it is compared
	}
	if (f.do == post || f.do == edit) && !e.Data.Redacted {
		e.Data.Text = f.text
	}
	return e
}
