package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/roomlog/roomlog/services/projector"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

// clearScreen makes a terminal show what follows alone.
const clearScreen = "\x1b[H\x1b[2J"

type projectorStatusCommand struct {
	JSON       bool          `name:"json" help:"Print JSON; with --watch one object a line."`
	Watch      bool          `help:"Look again and again, until interrupted."`
	Every      time.Duration `help:"How long to look at the rate, and with --watch the time between two looks." default:"1s"`
	site.Flags `embed:""`
}

// Help is shown below the flags' list.
func (projectorStatusCommand) Help() string {
	return `For each version of the tables and each partition of the live one: how far it is
folded, how many records and seconds that is behind the log's end, how fast it is
folded and in how long it will have caught up; who folds it; what was set aside;
and why it is stopped, where it is, and what to type.

Example:
  roomlog projector status --data data
  roomlog projector status --data data --watch
  roomlog projector status --brokers 127.0.0.1:9092 --database postgres://roomlog@127.0.0.1/roomlog --json`
}

// Run prints the status.
func (c projectorStatusCommand) Run(ctx context.Context, con console) error {
	if c.Every <= 0 {
		return fmt.Errorf("%w: --every is %s, must be more than none", errUse, c.Every)
	}
	return withInstallation(ctx, con, c.Flags, "roomlog-status", func(_ *site.Site, in projector.Installation) error {
		earlier, err := projector.ReadStatus(ctx, in)
		if err != nil {
			return err
		}
		tick := time.NewTicker(c.Every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				if c.Watch {
					return nil
				}
				return ctx.Err()
			}
			status, err := projector.ReadStatus(ctx, in)
			if err != nil && c.Watch && ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			status.Since(earlier)
			if err := c.print(con, status); err != nil || !c.Watch {
				return err
			}
			earlier = status
		}
	})
}

func (c projectorStatusCommand) print(con console, status projector.Status) error {
	var out bytes.Buffer
	if c.JSON {
		e := json.NewEncoder(&out)
		if !c.Watch {
			e.SetIndent("", "  ")
		}
		if err := e.Encode(status); err != nil {
			return err
		}
		return con.print("%s", out.String())
	}
	if f, ok := con.stdout.(*os.File); ok && c.Watch && term.IsTerminal(int(f.Fd())) {
		out.WriteString(clearScreen)
	}
	if err := writeStatus(&out, status); err != nil {
		return err
	}
	if c.Watch {
		fmt.Fprintf(&out, "%s\n\n", clock(int64(status.Time)))
	}
	return con.print("%s", out.String())
}

// writeStatus writes tables for people, and below them what they should look at.
func writeStatus(out io.Writer, status projector.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "VERSION\tSTATE\tFOLDED\tRECORDS\tLAG\tSECONDS\tRATE\tETA\tBAD RECORDS\tPARKED\tBLOCKED ROOMS\tLIVE SINCE")
	for _, v := range status.Versions {
		since := "-"
		if v.Live != nil {
			since = clock(int64(*v.Live))
		}
		_, _ = fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%.1f\t%.0f/s\t%s\t%d\t%d\t%d\t%s\n", v.Version, v.State, v.Folded, v.Records,
			v.Lag, v.LagSeconds, v.Rate, eta(v.ETA), v.BadRecords, v.DeadLetters, v.BlockedRooms, since)
	}
	_, _ = fmt.Fprintln(w)
	_, _ = fmt.Fprintln(w, "PARTITION\tFOLDED\tEND\tLAG\tSECONDS\tRATE\tETA\tBAD RECORDS\tPARKED\tBLOCKED ROOMS\tOWNER\tLAST BATCH")
	for _, p := range status.Partitions {
		last := "-"
		if p.Folded > 0 {
			last = clock(int64(p.Folded))
		}
		_, _ = fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%.1f\t%.0f/s\t%s\t%d\t%d\t%d\t%s\t%s\n", p.Partition, p.Next, p.End, p.Lag, p.LagSeconds,
			p.Rate, eta(p.ETA), p.BadRecords, p.DeadLetters, p.BlockedRooms, p.Owner, last)
	}
	errs := []error{w.Flush()}
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(out, format, args...)
		errs = append(errs, err)
	}
	for _, p := range status.Partitions {
		if p.Gap != "" {
			say("partition %d cannot be folded on: %s\n  what to do: %s\n", p.Partition, p.Gap, p.Advice)
		}
	}
	for _, v := range status.Versions {
		if v.State != "live" {
			for _, why := range v.Stopped {
				say("version %d cannot be folded on: %s\n", v.Version, why)
			}
		}
	}
	for _, b := range status.Blocked {
		say("room %s of tenant %s is blocked at offset %d of partition %d: event %s of type %s, %s %s\n  what to do: %s\n",
			b.Room, b.Tenant, b.Offset, b.Partition, b.Event, b.Type, b.Code, b.Reason, b.Advice)
	}
	return errors.Join(errs...)
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// eta writes in how long there will be no lag; "-" where it does not shrink.
func eta(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return time.Duration(*seconds * float64(time.Second)).Round(time.Second).String()
}
