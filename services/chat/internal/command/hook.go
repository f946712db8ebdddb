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

// ask asks the hook, where there is one, for the event to publish.
func (s *Service) ask(ctx context.Context, c *Command, o *outgoing) error {
	if s.Hook == nil {
		return nil
	}
	instead, err := s.Hook.Ask(ctx, &o.event, c.Who.Actor)
	if err != nil || instead == &o.event {
		return err
	}
	return o.encode(instead)
}
