package httpapi

import (
	"context"
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

const (
	// hereWait is how long the read model may take to know of the members that the
	// sender has seen.
	hereWait = time.Second
	// mentionBytes is what a mention has in an event beside the id: quotes and a comma;
	// mentionsBytes is what the list of them has: its name, and such.
	mentionBytes, mentionsBytes = 3, 16
)

// mentionHere writes into a message which of the room's members are there. It says so
// once: whoever folds the log, or sends the command again, has nothing to do with who
// is there by then.
func (s *Server) mentionHere(b *messageRequest) func(context.Context, *command.Command, int) error {
	return func(ctx context.Context, c *command.Command, free int) error {
		named := map[events.UserID]bool{c.Who.User: true}
		for _, u := range b.Mentions {
			named[events.UserID(u)] = true
		}
		req := query.Request{Who: c.Who, Position: c.Position, Wait: hereWait}
		page, _, err := s.Reads.Present(ctx, req, c.Room, s.Board.Here(c.Who.Tenant), "", events.MaxMentions+len(named))
		users := slices.DeleteFunc(page.Items, func(u events.UserID) bool { return named[u] })
		users = users[:min(len(users), events.MaxMentions-len(b.Mentions))]
		b.here = fitting(users, free-mentionsBytes)
		return err
	}
}

// fitting gives as many of the users, from the first, as so many bytes of an event
// have room for.
func fitting(users []events.UserID, free int) []events.UserID {
	for i, u := range users {
		if free -= len(u) + mentionBytes; free < 0 {
			return users[:i]
		}
	}
	return users
}
