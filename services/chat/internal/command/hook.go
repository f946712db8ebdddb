package command

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
)

// Hook is asked before a command is published.
type Hook interface {
	// Ask gives the event to publish: e itself, or one in its place with the same
	// id. The actor is the service that acts for the sender, or empty. Errors are
	// problems, or that of ctx.
	Ask(ctx context.Context, e *events.Event, actor events.UserID) (*events.Event, error)
}

// ask asks the hook, where there is one, and gives the message to publish.
func (s *Service) ask(ctx context.Context, c *Command, e *events.Event, m events.Message) (events.Message, error) {
	if s.Hook == nil {
		return m, nil
	}
	instead, err := s.Hook.Ask(ctx, e, c.Who.Actor)
	if err != nil || instead == e {
		return m, err
	}
	return encode(instead)
}
