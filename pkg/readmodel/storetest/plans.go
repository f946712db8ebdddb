package storetest

import (
	"context"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Reads has each read that serves a request, by name and with arguments that
// reach its statement: for the stores' tests of how their databases find rows.
func Reads() map[string]func(context.Context, readmodel.Reader) error {
	const page = 50
	k := inMain(lobby)
	drop := func(_ any, err error) error { return err }
	return map[string]func(context.Context, readmodel.Reader) error{
		"Checkpoint": func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Checkpoint(ctx, 1); return err },
		"Room":       func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Room(ctx, k); return err },
		"RoomsOf": func(ctx context.Context, r readmodel.Reader) error {
			return drop(r.RoomsOf(ctx, k.Tenant, "ann", false, readmodel.RoomCursor{}, page))
		},
		"Member":  func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Member(ctx, k, "ann"); return err },
		"Members": func(ctx context.Context, r readmodel.Reader) error { return drop(r.Members(ctx, k, "ann", page)) },
		"Events":  func(ctx context.Context, r readmodel.Reader) error { return drop(r.Events(ctx, k, 7, nil, page)) },
		"Events/messages": func(ctx context.Context, r readmodel.Reader) error {
			return drop(r.Events(ctx, k, 7, []events.Type{events.TypeMessagePosted}, page))
		},
		"Events/others": func(ctx context.Context, r readmodel.Reader) error {
			return drop(r.Events(ctx, k, 7, []events.Type{events.TypeMemberChanged, events.TypeRoomCreated}, page))
		},
		"Event":     func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Event(ctx, k, "e"); return err },
		"Heads":     func(ctx context.Context, r readmodel.Reader) error { return drop(r.Heads(ctx, k.Tenant, "ann")) },
		"SeqBefore": func(ctx context.Context, r readmodel.Reader) error { return drop(r.SeqBefore(ctx, k, 7)) },
		"MessagesBefore": func(ctx context.Context, r readmodel.Reader) error {
			return drop(r.MessagesBefore(ctx, k, 7_000, page))
		},
		"MessagesAfter": func(ctx context.Context, r readmodel.Reader) error { return drop(r.MessagesAfter(ctx, k, 7, page)) },
		"Message":       func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Message(ctx, k, "e"); return err },
		"Edits":         func(ctx context.Context, r readmodel.Reader) error { return drop(r.Edits(ctx, k, 5, 7, page)) },
		"Thread":        func(ctx context.Context, r readmodel.Reader) error { return drop(r.Thread(ctx, k, "e", 7, page)) },
		"ThreadBefore": func(ctx context.Context, r readmodel.Reader) error {
			return drop(r.ThreadBefore(ctx, k, "e", 7, page))
		},
		"Threads": func(ctx context.Context, r readmodel.Reader) error { return drop(r.Threads(ctx, k, 7, page)) },
		"ThreadUnread": func(ctx context.Context, r readmodel.Reader) error {
			roots := make([]readmodel.MessageRow, page)
			return drop(r.ThreadUnread(ctx, k, "ann", roots))
		},
		"Pins":    func(ctx context.Context, r readmodel.Reader) error { return drop(r.Pins(ctx, k, 7, page)) },
		"Reacted": func(ctx context.Context, r readmodel.Reader) error { return drop(r.Reacted(ctx, k, "ann", 1, 50)) },
		"Reactors": func(ctx context.Context, r readmodel.Reader) error {
			return drop(r.Reactors(ctx, k, 7, "+1", "ann", page))
		},
		"Stays": func(ctx context.Context, r readmodel.Reader) error { return drop(r.Stays(ctx, k, "ann")) },
		"Revocation": func(ctx context.Context, r readmodel.Reader) error {
			_, _, err := r.Revocation(ctx, k.Tenant, "ann")
			return err
		},
		"Revocations": func(ctx context.Context, r readmodel.Reader) error { return drop(r.Revocations(ctx)) },
		"Histories":   func(ctx context.Context, r readmodel.Reader) error { return drop(r.Histories(ctx, k)) },
		"View":        func(ctx context.Context, r readmodel.Reader) error { return drop(r.View(ctx, k, allNeeds())) },
		"MessageAt":   func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.MessageAt(ctx, k, 7); return err },
		"Outcome":     func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Outcome(ctx, k, "e"); return err },
		"OutcomeAt": func(ctx context.Context, r readmodel.Reader) error {
			_, _, err := r.OutcomeAt(ctx, k, "e", 1, 2)
			return err
		},
		"Blocked":      func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Blocked(ctx, k); return err },
		"Parked":       func(ctx context.Context, r readmodel.Reader) error { return drop(r.Parked(ctx, k, page)) },
		"BlockedRooms": func(ctx context.Context, r readmodel.Reader) error { return drop(r.BlockedRooms(ctx, page)) },
		"Dump": func(ctx context.Context, r readmodel.Reader) error {
			return r.Dump(ctx, func(readmodel.DumpRow) error { return nil })
		},
	}
}

// Needs makes a store read each table that a batch may need, for so many rooms.
func Needs(rooms int) readmodel.Needs {
	needs := readmodel.Needs{}
	for n := range rooms {
		needs[inMain(events.RoomID(fmt.Sprint(n)))] = &readmodel.RoomNeeds{Header: true, Needs: allNeeds()}
	}
	return needs
}

// Redactions are one of each kind.
func Redactions() []readmodel.RedactionRow {
	return []readmodel.RedactionRow{
		{Key: inMain(lobby), Redaction: room.Redaction{From: 1, To: 9, By: 10, Author: "ann"}},
		{Key: inMain(lobby), Redaction: room.Redaction{From: 1, To: 10, By: 10, All: true}},
	}
}

// allNeeds makes a store read each table that judging takes.
func allNeeds() room.Needs {
	return room.Needs{
		Members: []events.UserID{"ann"}, Priors: []events.EventID{"e"}, Reactions: []room.ReactionID{{Target: "e", Key: "+1", User: "ann"}},
	}
}
