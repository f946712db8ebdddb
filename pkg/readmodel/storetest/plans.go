package storetest

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
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
			return drop(r.RoomsOf(ctx, k.Tenant, "ann", readmodel.RoomCursor{}, page))
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
		"Event":          func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Event(ctx, k, "e"); return err },
		"MessagesBefore": func(ctx context.Context, r readmodel.Reader) error { return drop(r.MessagesBefore(ctx, k, 7, page)) },
		"MessagesAfter":  func(ctx context.Context, r readmodel.Reader) error { return drop(r.MessagesAfter(ctx, k, 7, page)) },
		"MessageAt":      func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.MessageAt(ctx, k, 7); return err },
		"Outcome":        func(ctx context.Context, r readmodel.Reader) error { _, _, err := r.Outcome(ctx, k, "e"); return err },
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
