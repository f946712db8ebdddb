package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
	"github.com/roomlog/roomlog/services/projector"
	"github.com/roomlog/roomlog/services/roomlog/internal/progress"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

type projectorCommand struct {
	Status projectorStatusCommand `cmd:"" help:"How far each partition is folded, and what was set aside."`
	Verify projectorVerifyCommand `cmd:"" help:"Fold the log afresh and compare the tables."`

	Rebuild rebuildCommand `cmd:"" help:"Fold the log into new tables beside the live ones, and make them live."`

	Dead      deadCommand      `cmd:"" help:"What could not be judged: list, show, release, discard."`
	Retry     retryCommand     `cmd:"" help:"Have all parked events judged again."`
	AcceptGap acceptGapCommand `cmd:"" name:"accept-gap" help:"Let a stopped partition go on, after what is missing has been looked at."`
}

type projectorVerifyCommand struct {
	JSON       bool `name:"json" help:"Print differences as NDJSON."`
	site.Flags `embed:""`
}

// Help is shown below the flags' list.
func (projectorVerifyCommand) Help() string {
	return `Folds the log from its beginning into empty tables, up to where the tables are
folded, and compares them row by row. Exit code 1 where a row differs. It works
beside running projectors.

Example:
  roomlog projector verify --data data`
}

// Run verifies.
func (c projectorVerifyCommand) Run(ctx context.Context, con console) error {
	return withStore(ctx, con, c.Flags, "roomlog-verify", func(s *site.Site, store readmodel.Store) (err error) {
		dir, err := os.MkdirTemp("", "roomlog-verify-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		scratch, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Logger: con.logger})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, scratch.Close()) }()
		return c.verify(ctx, con, s, store, scratch)
	})
}

func (c projectorVerifyCommand) verify(ctx context.Context, con console, s *site.Site, store, scratch readmodel.Store) error {
	var meter *progress.Meter
	encoder := json.NewEncoder(con.stdout)
	result, err := projector.Verify(ctx, projector.Verification{
		Log: s.Log.Config, Layout: s.Log.Layout, Store: store, Scratch: scratch, Logger: con.logger,
		Progress: func(done, total int64) {
			if meter == nil {
				meter = progress.Start(con.stderr, "fold", "records", total)
			}
			meter.Set(done)
		},
	}, func(d projector.Difference) {
		if c.JSON {
			_ = encoder.Encode(d)
			return
		}
		_ = con.print("%s %s: %s\n  tables: %s\n  log:    %s\n", d.Table, d.Key, columns(d), orNone(d.Tables), orNone(d.Log))
	})
	if meter != nil {
		meter.Finish()
	}
	if err != nil {
		return err
	}
	if result.Differences > 0 {
		return fmt.Errorf("%d of %d rows are not as the log has them; see roomlog projector rebuild", result.Differences, result.Rows)
	}
	return con.print("equal: %d rows, from %d records\n", result.Rows, result.Records)
}

// columns says what of a row differs.
func columns(d projector.Difference) string {
	if len(d.Columns) == 0 {
		return "the row"
	}
	return strings.Join(d.Columns, ", ")
}

func orNone(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return "(none)"
	}
	return s
}
