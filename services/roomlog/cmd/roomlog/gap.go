package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/projector"
)

type acceptGapCommand struct {
	Partition int    `help:"The partition that has stopped." required:""`
	Reason    string `help:"Why; it stays in the log of decisions for ever." required:""`
	Resume    int64  `help:"Offset to go on from, where you know better; absent: as shown." default:"-1"`
	Yes       bool   `help:"Do it. Without, it is only shown what would be done."`
	deciding  `embed:""`
}

// Help is shown below the flags' list.
func (acceptGapCommand) Help() string {
	return `A partition stops when the log is not the one that its tables were folded from, or
lacks a part. Rebuilding the tables from the log that there is gives tables that
agree with it; accepting the gap keeps the tables, with what the log has lost.

Example:
  roomlog projector accept-gap --data data --partition 2 --reason "restored from the backup of Monday" --yes`
}

// Run accepts a gap.
func (c acceptGapCommand) Run(ctx context.Context, con console) error {
	if c.Partition < 0 || c.Reason == "" {
		return fmt.Errorf("%w: --partition and --reason are needed", errUse)
	}
	return withDesk(ctx, con, c.Flags, c.By, func(d *desk) error {
		if c.Partition >= d.Layout.Partitions {
			return fmt.Errorf("%w: --partition is %d, the log has 0 to %d", errUse, c.Partition, d.Layout.Partitions-1)
		}
		g, err := d.Gap(ctx, events.Partition(c.Partition))
		if err != nil {
			return err
		}
		if c.Resume >= 0 {
			g.Resume = events.Offset(c.Resume)
		}
		con.tell("partition %d: %s\nfolded are the offsets below %d of log %s; log %s has offsets %d to %d\n%s\n",
			g.Partition, g.Reason, g.Next, g.From, g.Log, g.Start, g.End, g.Advice())
		if !c.Yes {
			return errors.New("nothing is decided: give --yes to accept this")
		}
		pending, err := d.AcceptGap(ctx, c.Reason, g)
		if err == nil {
			err = d.await(ctx, c.Wait, pending)
		}
		if err != nil {
			return err
		}
		left, err := d.Gap(ctx, g.Partition)
		switch {
		case err == nil:
			return fmt.Errorf("partition %d is stopped still: %s", g.Partition, left.Reason)
		case !errors.Is(err, projector.ErrNoGap):
			return err
		}
		return con.print("partition %d goes on from offset %d\n", g.Partition, g.Resume)
	})
}
