package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

type deadCommand struct {
	List    deadListCommand    `cmd:"" help:"The rooms that are blocked, and by what."`
	Show    deadShowCommand    `cmd:"" help:"The parked events of a room, in order."`
	Release deadReleaseCommand `cmd:"" help:"Have a room's parked events judged again."`
	Discard deadDiscardCommand `cmd:"" help:"Reject a parked event for good, and go on behind it."`
}

// letter is a parked event as it is printed.
type letter struct {
	Tenant    events.Tenant     `json:"tenant"`
	Room      events.RoomID     `json:"room"`
	Partition events.Partition  `json:"partition"`
	Offset    events.Offset     `json:"offset"`
	LogTime   readmodel.Time    `json:"log_time"`
	Event     events.EventID    `json:"event_id"`
	Type      string            `json:"type"`
	Code      string            `json:"code,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	// Value is JSON where the record holds JSON, else a string.
	Value any `json:"value,omitempty"`
}

func letterOf(d readmodel.DeadLetter, whole bool) letter {
	l := letter{
		Tenant: d.Tenant, Room: d.Room, Partition: d.Partition, Offset: d.Offset, LogTime: readmodel.Time(d.LogTime),
		Event: d.ID, Type: d.Type, Code: string(d.Code), Reason: d.Reason,
	}
	if !whole {
		return l
	}
	l.Headers = map[string]string{}
	for _, h := range d.Message.Headers {
		l.Headers[h.Key] = string(h.Value)
	}
	switch v := d.Message.Value; {
	case json.Valid(v):
		l.Value = json.RawMessage(v)
	case utf8.Valid(v):
		l.Value = string(v)
	default:
		l.Value = v // base64
	}
	return l
}

type deadListCommand struct {
	JSON       bool `name:"json" help:"Print NDJSON."`
	site.Flags `embed:""`
}

// Help is shown below the flags' list.
func (deadListCommand) Help() string {
	return `Example:
  roomlog projector dead list --data data`
}

// Run lists the blocked rooms.
func (c deadListCommand) Run(ctx context.Context, con console) error {
	return withDesk(ctx, con, c.Flags, "", func(d *desk) error {
		all, err := d.Blocked(ctx, maxListed)
		if err != nil {
			return err
		}
		return printLetters(con, all, c.JSON, false)
	})
}

type deadShowCommand struct {
	JSON       bool `name:"json" help:"Print NDJSON, with the records' headers and values."`
	Limit      int  `help:"Most events shown." default:"100"`
	aRoom      `embed:""`
	site.Flags `embed:""`
}

// Help is shown below the flags' list.
func (deadShowCommand) Help() string {
	return `The first event says why the room is blocked; the others wait behind it.

Example:
  roomlog projector dead show --data data --room lobby --json`
}

// Run shows the parked events of a room.
func (c deadShowCommand) Run(ctx context.Context, con console) error {
	k, err := c.key()
	if err != nil {
		return err
	}
	if c.Limit < 1 {
		return fmt.Errorf("%w: --limit is %d, must be at least 1", errUse, c.Limit)
	}
	return withDesk(ctx, con, c.Flags, "", func(d *desk) error {
		all, _, err := d.Parked(ctx, k, c.Limit)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return fmt.Errorf("room %s of tenant %s has no parked events", k.Room, k.Tenant)
		}
		return printLetters(con, all, c.JSON, true)
	})
}

func printLetters(con console, all []readmodel.DeadLetter, asJSON, whole bool) error {
	var out bytes.Buffer
	if asJSON {
		e := json.NewEncoder(&out)
		for _, d := range all {
			if err := e.Encode(letterOf(d, whole)); err != nil {
				return err
			}
		}
		return con.print("%s", out.String())
	}
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "TENANT\tROOM\tPARTITION\tOFFSET\tTIME\tEVENT\tTYPE\tWHY")
	for _, d := range all {
		why := string(d.Code)
		if why == "" {
			why = "(waits)"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s %s\n", d.Tenant, d.Room, d.Partition, d.Offset,
			time.UnixMilli(d.LogTime).UTC().Format(time.RFC3339), d.ID, d.Type, why, d.Reason)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return con.print("%s", out.String())
}

type deadReleaseCommand struct {
	Reason   string `help:"Why, for the record."`
	aRoom    `embed:""`
	deciding `embed:""`
}

// Help is shown below the flags' list.
func (deadReleaseCommand) Help() string {
	return `For a room whose events could not be judged and can be now: the projectors were
upgraded or mended. The events get the seqs that they would have had. Where one
cannot be judged still, the room stays blocked there, and the exit code is 1.

Example:
  roomlog projector dead release --data data --room lobby`
}

// Run releases a room.
func (c deadReleaseCommand) Run(ctx context.Context, con console) error {
	k, err := c.key()
	if err != nil {
		return err
	}
	return withDesk(ctx, con, c.Flags, c.By, func(d *desk) error {
		letters, _, err := d.Parked(ctx, k, 1)
		if err != nil {
			return err
		}
		if len(letters) == 0 {
			return fmt.Errorf("room %s of tenant %s has no parked events", k.Room, k.Tenant)
		}
		return d.release(ctx, c.deciding, c.Reason, k)
	})
}

func (d *desk) release(ctx context.Context, c deciding, reason string, rooms ...readmodel.Key) error {
	pending, err := d.Release(ctx, reason, rooms...)
	if err == nil {
		err = d.await(ctx, c.Wait, pending)
	}
	if err != nil {
		return err
	}
	return d.outcome(ctx, rooms...)
}

type deadDiscardCommand struct {
	Event    string `help:"The event." required:""`
	Reason   string `help:"Why; it stays in the log of decisions for ever." required:""`
	aRoom    `embed:""`
	deciding `embed:""`
}

// Help is shown below the flags' list.
func (deadDiscardCommand) Help() string {
	return `The event is rejected with the code "discarded", at its own place in the log: a
rebuild gives the same, whichever program does it. It cannot be undone. The
events that waited behind it are judged.

Example:
  roomlog projector dead discard --data data --room lobby --event 0198f… --reason "made by a broken script"`
}

// Run discards an event.
func (c deadDiscardCommand) Run(ctx context.Context, con console) error {
	k, err := c.key()
	if err != nil {
		return err
	}
	if c.Reason == "" {
		return fmt.Errorf("%w: --reason is empty", errUse)
	}
	return withDesk(ctx, con, c.Flags, c.By, func(d *desk) error {
		pending, err := d.Discard(ctx, c.Reason, k, events.EventID(c.Event))
		if err == nil {
			err = d.await(ctx, c.Wait, pending)
		}
		if err != nil {
			return err
		}
		if err := d.discarded(ctx, k, events.EventID(c.Event)); err != nil {
			return err
		}
		return d.outcome(ctx, k)
	})
}

// discarded says what has become of an event that was to be discarded.
func (d *desk) discarded(ctx context.Context, k readmodel.Key, id events.EventID) error {
	var verdict readmodel.Outcome
	var judged bool
	err := d.store.Snapshot(ctx, func(r readmodel.Reader) (err error) {
		verdict, judged, err = r.Outcome(ctx, k, id)
		return err
	})
	switch {
	case err != nil:
		return err
	case !judged:
		return d.con.print("event %s will be discarded when what stands before it is judged\n", id)
	case verdict.Code == room.CodeDiscarded:
		return d.con.print("event %s is discarded\n", id)
	}
	return fmt.Errorf("event %s was judged before the decision, which is void: it is %s", id, verdict.Status)
}

type retryCommand struct {
	Room     string `help:"Only this room; absent: all that are blocked."`
	Tenant   string `help:"The room's tenant." default:"main"`
	Reason   string `help:"Why, for the record."`
	deciding `embed:""`
}

// Help is shown below the flags' list.
func (retryCommand) Help() string {
	return `Releases all blocked rooms: after an upgrade, say. Exit code 1 where a room is
blocked still.

Example:
  roomlog projector retry --data data`
}

// Run releases blocked rooms.
func (c retryCommand) Run(ctx context.Context, con console) error {
	if c.Room != "" {
		return deadReleaseCommand{Reason: c.Reason, aRoom: aRoom{c.Tenant, c.Room}, deciding: c.deciding}.Run(ctx, con)
	}
	return withDesk(ctx, con, c.Flags, c.By, func(d *desk) error {
		blocked, err := d.Blocked(ctx, maxListed)
		if err != nil {
			return err
		}
		var rooms []readmodel.Key
		for _, b := range blocked {
			rooms = append(rooms, b.Key)
		}
		if len(rooms) == 0 {
			return con.print("no room is blocked\n")
		}
		return d.release(ctx, c.deciding, c.Reason, rooms...)
	})
}
