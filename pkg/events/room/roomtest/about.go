package roomtest

import (
	"encoding/json"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// about writes what is about a room, about a message in it, or a person's own.
func (w *writer) about(k Key) {
	by := w.command()
	w.fromCreator(k, &by)
	target := w.known(k)
	switch n := w.pick(32); {
	case n < 6:
		w.react(k, by, target)
	case n < 10:
		w.edit(k, target)
	case n < 14:
		w.redact(k, by, target)
	case n < 17:
		w.mark(k, by)
	case n < 19:
		w.send(k, events.MessagePinned{Command: by, Target: target}, struct{}{})
	case n < 21:
		w.send(k, events.MessageUnpinned{Command: by, Target: target}, struct{}{})
	case n < 23:
		f := events.PreferencesChanged{Command: by, Muted: w.pick(2) == 0, Hidden: w.pick(2) == 0, Archived: w.pick(3) == 0}
		w.send(k, f, struct{}{})
	case n < 26:
		w.update(k, by)
	case n < 27:
		w.send(k, events.RulesUpgraded{Command: by, Rules: w.pick(room.Rules + 1)}, struct{}{})
	case n < 28 && w.pick(8) == 0:
		k.Room = events.AccountRoom(one(w, []events.UserID{by.Sender, "bob"}))
		w.send(k, events.TokensRevoked{Command: by, Before: w.now.Add(time.Duration(w.pick(9)-4) * time.Hour).UnixMilli()}, struct{}{})
	case (k.Room == "garden" || k.Room.Reserved()) && w.pick(4) == 0:
		w.send(k, events.RoomDeleted{Command: by}, struct{}{})
	default:
		w.post(k)
	}
}

// keys are few, so that people agree, and now and then one of many.
func (w *writer) react(k Key, by events.Command, target events.EventID) {
	key := one(w, []string{"\U0001f44d", "+1", "ok", "\U0001f44d", ""})
	if w.pick(3) == 0 {
		w.send(k, events.ReactionRemoved{Command: by, Target: target, Key: key}, struct{}{})
		return
	}
	w.send(k, events.ReactionAdded{Command: by, Target: target, Key: key}, struct{}{})
}

// edit changes a message, mostly one of the sender's own.
func (w *writer) edit(k Key, target events.EventID) {
	f := events.MessageEdited{Command: w.command(), Target: target, Base: 1 + max(0, w.pick(5)-2), TextBytes: 3}
	for _, e := range w.sent[k] {
		if e.ID == target && w.pick(4) != 0 {
			f.Sender = e.Facts.By().Sender
		}
	}
	if w.pick(3) == 0 {
		f.Mentions = []events.UserID{one(w, users)}
	}
	w.send(k, f, events.MessageContent{Text: "new"})
}

func (w *writer) redact(k Key, by events.Command, target events.EventID) {
	f := events.MessageRedacted{Command: by, Target: target}
	if w.pick(5) == 0 {
		f.Target, f.Range = "", events.MessageRange{From: events.Seq(w.pick(12)), To: events.Seq(w.pick(40))}
		if w.pick(2) == 0 {
			f.Range.Author = one(w, users)
		}
	}
	w.send(k, f, events.RedactionContent{Reason: "because"})
}

func (w *writer) mark(k Key, by events.Command) {
	f := events.MarkMoved{Command: by, Mark: one(w, []events.Mark{events.MarkRead, events.MarkRead, events.MarkDelivered, "x"})}
	f.Seq = events.Seq(w.pick(60) - 1)
	if w.pick(3) == 0 {
		f.ThreadRoot = w.known(k)
	}
	w.send(k, f, struct{}{})
}

func (w *writer) update(k Key, by events.Command) {
	f := events.RoomUpdated{Command: by, Base: 1 + w.updates[k], Settings: w.settings(), Archived: w.pick(10) == 0}
	if w.pick(4) == 0 {
		f.Base = w.pick(4)
	} else if by.Sender == w.creator[k] {
		w.updates[k]++ // a guess: it may be refused
	}
	w.send(k, f, events.RoomContent{Name: "renamed", Metadata: json.RawMessage(`{"a":null}`)})
}

// settings are mostly the defaults.
func (w *writer) settings() (s events.RoomSettings) {
	switch w.pick(12) {
	case 0, 10:
		s.MaxMessageLength = 5
	case 1, 2:
		s.ReactionsOff = true
	case 3:
		s.SlowMode = int(time.Minute / time.Second)
	case 4:
		s.History, s.Knocks = events.HistoryJoined, true
	case 5:
		s.History, s.ReadMarks = events.HistoryInvited, events.ReadMarksShared
	case 6:
		s.ThreadsOff = true
	case 7:
		s.Permissions = events.Permissions{Post: events.RoleMember, MentionRoom: events.RoleGuest, Update: events.RoleModerator}
	case 8:
		s.Knocks = true
	case 9:
		if w.pick(3) == 0 {
			s.Permissions.Pin = "emperor"
		}
	}
	return s
}

// direct makes the creation that of a room of two, and gives its key.
func (w *writer) direct(t events.Tenant, f *events.RoomCreated) Key {
	f.Kind, f.With = events.RoomDirect, one(w, users)
	k := Key{t, events.DirectRoomID(t, f.Sender, f.With)}
	if w.pick(8) == 0 {
		k.Room = "lobby"
	} else if len(w.rooms) < 8 {
		w.rooms = append(w.rooms, k)
	}
	return k
}
