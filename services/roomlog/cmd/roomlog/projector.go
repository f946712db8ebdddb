package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

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

type projectorStatusCommand struct {
	JSON       bool `name:"json" help:"Print JSON."`
	site.Flags `embed:""`
}

// Help is shown below the flags' list.
func (projectorStatusCommand) Help() string {
	return `Example:
  roomlog projector status --data data
  roomlog projector status --brokers 127.0.0.1:9092 --database postgres://roomlog@127.0.0.1/roomlog --json`
}

// Run prints the status. A partition that cannot be folded on, and a blocked
// room, are exit code 1.
func (c projectorStatusCommand) Run(ctx context.Context, con console) error {
	return withStore(ctx, con, c.Flags, "roomlog-status", func(s *site.Site, store readmodel.Store) error {
		status, err := projector.ReadStatus(ctx, s.Log.Config, s.Log.Layout, store)
		if err != nil {
			return err
		}
		if c.JSON {
			e := json.NewEncoder(con.stdout)
			e.SetIndent("", "  ")
			return e.Encode(status)
		}
		return printStatus(con, status)
	})
}

func printStatus(con console, status projector.Status) error {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "PARTITION\tFOLDED\tEND\tLAG\tSECONDS\tBAD RECORDS\tPARKED\tBLOCKED ROOMS\tOWNER\tLAST BATCH")
	for _, p := range status.Partitions {
		last := "-"
		if p.Folded > 0 {
			last = time.UnixMilli(int64(p.Folded)).UTC().Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%.1f\t%d\t%d\t%d\t%s\t%s\n", p.Partition, p.Next, p.End, p.Lag, p.LagSeconds,
			p.BadRecords, p.DeadLetters, p.BlockedRooms, p.Owner, last)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range status.Partitions {
		if p.Gap != "" {
			fmt.Fprintf(&out, "partition %d cannot be folded on: %s\n  what to do: %s\n", p.Partition, p.Gap, p.Advice)
		}
	}
	for _, b := range status.Blocked {
		fmt.Fprintf(&out, "room %s of tenant %s is blocked at offset %d of partition %d: event %s of type %s, %s %s\n  what to do: %s\n",
			b.Room, b.Tenant, b.Offset, b.Partition, b.Event, b.Type, b.Code, b.Reason, b.Advice)
	}
	return con.print("%s", out.String())
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
		_ = con.print("%s %s\n  tables: %s\n  log:    %s\n", d.Table, d.Key, orNone(d.Tables), orNone(d.Log))
	})
	if meter != nil {
		meter.Finish()
	}
	if err != nil {
		return err
	}
	if result.Differences > 0 {
		return fmt.Errorf("%d of %d rows are not as the log has them; delete the tables and let the projector fold them again", result.Differences, result.Rows)
	}
	return con.print("equal: %d rows, from %d records\n", result.Rows, result.Records)
}

func orNone(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return "(none)"
	}
	return s
}
