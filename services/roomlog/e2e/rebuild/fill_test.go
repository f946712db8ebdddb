package rebuild

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// filling is the nth event of a room: its creation, a few who join, then turns of
// what happens in rooms: half of it messages, some by people who are not there.
func filling(nth, inRoom int) *events.Event {
	e := &events.Event{
		ID:     fillID(nth, inRoom),
		Tenant: events.DefaultTenant, Room: events.RoomID(fmt.Sprintf("fill-%d", inRoom)),
		Time: time.Date(2026, 1, 2, 3, 4, nth, 0, time.UTC), Content: json.RawMessage(`{}`),
	}
	by := events.Command{Sender: fillUser(nth % 11)}
	switch {
	case nth == 0:
		e.Facts = events.RoomCreated{Command: by, Kind: events.RoomPublic, Rules: room.Rules}
	case nth < fillMembers:
		e.Facts = events.MemberChanged{Command: by, Target: by.Sender, Membership: events.MembershipJoin}
	case nth < turn:
		e.Facts = fillMessage(e, by, "")
	default:
		fillTurn(e, by, nth, inRoom)
	}
	e.Type = e.Facts.EventType()
	return e
}

const (
	fillMembers = 10
	// turn is how many events a turn has.
	turn = 24
)

// fillTurn is an event of a turn, whose first event is a message by a member; the
// next ones are about it, the rest are more messages.
func fillTurn(e *events.Event, by events.Command, nth, inRoom int) {
	n := nth / turn
	first, author, owner := fillID(n*turn, inRoom), fillUser(n%fillMembers), fillUser(0)
	switch nth % turn {
	case 0:
		by.Sender = author
		e.Facts = fillMessage(e, by, "")
	case 1, 2:
		e.Facts = fillMessage(e, by, first)
	case 3:
		f := fillMessage(e, by, "")
		f.ReplyTo, f.Mentions = first, []events.UserID{author, owner}
		e.Facts = f
	case 4:
		by.Sender = author
		e.Facts = events.MessageEdited{Command: by, Target: first, Base: 1, TextBytes: 3}
		e.Content = json.RawMessage(`{"text":"new"}`)
	case 5, 6:
		e.Facts = events.ReactionAdded{Command: by, Target: first, Key: "ok"}
	case 7:
		by.Sender = owner
		e.Facts = events.MessagePinned{Command: by, Target: first}
	case 8:
		e.Facts = events.MarkMoved{Command: by, Mark: events.MarkRead, Seq: events.Seq(nth / 2), ThreadRoot: first}
	case 9:
		e.Facts = events.MarkMoved{Command: by, Mark: events.MarkRead, Seq: events.Seq(nth / 2)}
	case 10:
		by.Sender = owner
		e.Facts = events.MessageRedacted{Command: by, Target: fillID(nth+5-turn, inRoom)}
	case 11:
		by.Sender = fillUser(fillMembers - 1)
		e.Facts = events.MemberChanged{Command: by, Target: by.Sender, Membership: []events.Membership{events.MembershipJoin, events.MembershipLeave}[n%2]}
	case 12:
		by.Sender = owner
		e.Facts = events.RoomUpdated{Command: by, Base: n, Settings: events.RoomSettings{History: []events.History{events.HistoryAll, events.HistoryJoined}[n%2]}}
	case 13:
		e.Facts = events.PreferencesChanged{Command: by, Muted: true}
	case 14:
		e.Room = events.AccountRoom(by.Sender)
		e.Facts = events.TokensRevoked{Command: by, Before: int64(nth)}
	default:
		e.Facts = fillMessage(e, by, "")
	}
}

func fillID(nth, inRoom int) events.EventID {
	return events.EventID(fmt.Sprintf("fill-%d-%d", inRoom, nth))
}

func fillUser(n int) events.UserID { return events.UserID(fmt.Sprintf("user-%d", n)) }

func fillMessage(e *events.Event, by events.Command, thread events.EventID) events.MessagePosted {
	text := string(e.ID) + ", which is about as long as what people write"
	e.Content = json.RawMessage(`{"text":"` + text + `"}`)
	return events.MessagePosted{Command: by, Kind: "text", TextBytes: len(text), ThreadRoot: thread}
}
