package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
	"github.com/roomlog/roomlog/services/roomlog/internal/tail"
)

type tailCommand struct {
	Room       string `help:"Only this room; empty: all." placeholder:"ROOM"`
	Tenant     string `help:"The room's tenant." default:"main"`
	From       string `help:"Where to begin in each partition: beginning, end or an offset." default:"end"`
	Follow     bool   `help:"Go on with new events until interrupted." default:"true" negatable:""`
	JSON       bool   `name:"json" help:"Print JSON, one object a line."`
	site.Flags `embed:""`
}

// Help is shown below the flags' list.
func (tailCommand) Help() string {
	return `A line has: time of the log, partition, offset, tenant/room, type, sender, and
what it says. Records that are no events are shown with the reason.

Example:
  roomlog tail --data data
  roomlog tail --data data --room ubuntu --from beginning --no-follow --json`
}

// Run prints records until it is interrupted, which is no failure.
func (c tailCommand) Run(ctx context.Context, con console) error {
	start, err := tail.ParseStart(c.From)
	if err != nil {
		return fmt.Errorf("%w: --from: %w", errUse, err)
	}
	t := tail.Tail{Start: start, Follow: c.Follow, Format: tail.Line}
	if c.JSON {
		t.Format = tail.JSON
	}
	if c.Room != "" {
		var err2 error
		t.Room, err = events.ParseRoomID(c.Room)
		t.Tenant, err2 = events.ParseTenant(c.Tenant)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("%w: %w", errUse, err)
		}
	}
	return withSite(ctx, con, c.Flags, "roomlog-tail", func(s *site.Site) error {
		t.Log = s.Log
		if err := t.Print(ctx, con.stdout); ctx.Err() == nil {
			return err
		}
		return nil
	})
}
