package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector"
	"github.com/roomlog/roomlog/services/roomlog/internal/progress"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

type rebuildCommand struct {
	Resume     bool `help:"Go on with the rebuild that was begun; where there is none, do nothing." xor:"what"`
	Rollback   bool `help:"Make the version live again that was live before." xor:"what"`
	DropOld    bool `name:"drop-old" help:"Remove the versions that were live before; there is no way back then." xor:"what"`
	Abort      bool `help:"Remove the version that is being built." xor:"what"`
	site.Flags `embed:""`
}

// Help is shown below the flags' list.
func (rebuildCommand) Help() string {
	return `Folds the whole log into new tables beside the live ones, while clients write and
read. When the new tables have caught up and every room has the same seqs for the
same events, they become the live ones, in one step. The old ones go on being
folded, so that --rollback is the same step back, until --drop-old removes them.

Interrupted or killed, it goes on where it was when it is started again. Running
projectors build too; several of these commands at once help each other. One that
is started when all is done builds the tables anew: what starts it again by itself
says --resume.

Example:
  roomlog projector rebuild --data data
  roomlog projector rebuild --data data --rollback
  roomlog projector rebuild --data data --drop-old`
}

// Run rebuilds, or does what a flag says instead.
func (c rebuildCommand) Run(ctx context.Context, con console) error {
	return withInstallation(ctx, con, c.Flags, "roomlog-rebuild", func(_ *site.Site, in projector.Installation) error {
		switch {
		case c.Rollback:
			p, err := projector.RollBack(ctx, in)
			if err != nil {
				return err
			}
			return con.print("version %d is live again\n", p.Version)
		case c.DropOld:
			return dropVersions(ctx, con, in.Control, readmodel.Previous)
		case c.Abort:
			return dropVersions(ctx, con, in.Control, readmodel.Building)
		}
		return rebuild(ctx, con, in, c.Resume)
	})
}

func rebuild(ctx context.Context, con console, in projector.Installation, resume bool) error {
	var meter *progress.Meter
	p, err := projector.Rebuild(ctx, projector.Rebuilding{
		Installation: in, Logger: con.logger, Resume: resume,
		Progress: func(done, total int64) {
			if meter == nil {
				meter = progress.Resume(con.stderr, "rebuild", "records", done, total)
			}
			meter.Grow(total)
			meter.Set(done)
		},
	})
	if meter != nil {
		meter.Finish()
	}
	if errors.Is(err, projector.ErrNotBuilding) {
		return con.print("no version is being built: there is nothing to go on with\n")
	}
	if _, differs := errors.AsType[*readmodel.DiffersError](err); differs {
		return fmt.Errorf("%w; the live version stays: see 'projector verify' which of the two is wrong, then 'rebuild --abort' or ask again", err)
	}
	if err != nil {
		return err
	}
	return con.print("version %d is live; the one before goes on being folded: --rollback goes back to it, --drop-old removes it\n", p.Version)
}

func dropVersions(ctx context.Context, con console, control readmodel.Control, state readmodel.ProjectionState) error {
	dropped, err := projector.DropOld(ctx, control, state)
	if err != nil {
		return err
	}
	if len(dropped) == 0 {
		return con.print("there is no version to drop\n")
	}
	for _, version := range dropped {
		if err := con.print("dropped version %d\n", version); err != nil {
			return err
		}
	}
	return nil
}
