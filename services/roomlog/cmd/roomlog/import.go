package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/importer"
	"github.com/roomlog/roomlog/services/roomlog/internal/progress"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

// closeTimeout bounds how long giving up connections and files may take.
const closeTimeout = 5 * time.Second

type importCommand struct {
	IRC importIRCCommand `cmd:"" name:"irc" help:"Import IRC logs."`
}

type importIRCCommand struct {
	Paths       []string `arg:"" name:"path" help:"Logs, in the order in which they are to stand in the room; a directory stands for the *.raw.txt in it." type:"path"`
	Room        string   `help:"Room to import into; created, and public, where it does not exist." required:"" placeholder:"ROOM"`
	Tenant      string   `help:"The room's tenant." default:"main"`
	Owner       string   `help:"Owner of the room where the import creates it." default:"import:irc"`
	Annotations bool     `help:"Make replies of the links in the *.annotation.txt beside each *.raw.txt."`
	site.Flags  `embed:""`
}

// Help is shown below the flags' list.
func (importIRCCommand) Help() string {
	return `The day is the date in the file's name (YYYY-MM-DD), in UTC. Of the lines
  [12:18] <nick> text        becomes a message
  [12:18]  * nick text       becomes a message of type action
  [12:18] -nick:#room- text  becomes a message of type notice
  === nick has joined        becomes one too, at the time of the line before
The user is irc: and the nick, a byte that ids cannot hold as ~hh. Who speaks
first joins first. Event ids derive from the file's name and the line's number:
the same import again adds nothing, and one that was stopped goes on.

It works beside a running 'roomlog run --data DIR', and without one. It ends when
all is folded; a run that keeps its tables elsewhere is named with --database too.

Example:
  roomlog import irc 2004-12-25.raw.txt --room ubuntu --owner alice --data data`
}

// Run imports.
func (c importIRCCommand) Run(ctx context.Context, con console) (err error) {
	room, err := c.room()
	if err != nil {
		return err
	}
	paths, err := importer.Expand(c.Paths)
	if errors.Is(err, importer.ErrUse) {
		return fmt.Errorf("%w: %w", errUse, err)
	}
	if err != nil {
		return err
	}
	lines, err := importer.CountLines(paths)
	if err != nil {
		return err
	}
	s, err := site.Open(ctx, c.Flags, site.Options{Client: "roomlog-import", Create: true, Logger: con.logger})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, s.Close(closing))
	}()
	known, err := scan(ctx, con, s, room)
	if err != nil {
		return err
	}
	ids, err := c.append(ctx, con, s, importer.Import{
		Room: room, Paths: paths, Annotations: c.Annotations, Known: known,
	}, lines)
	if err != nil {
		return err
	}
	return reportVerdicts(ctx, con, s, room, ids)
}

func (c importIRCCommand) room() (importer.Room, error) {
	room, err := events.ParseRoomID(c.Room)
	tenant, err2 := events.ParseTenant(c.Tenant)
	owner, err3 := events.ParseUserID(c.Owner)
	if err := errors.Join(err, err2, err3); err != nil {
		return importer.Room{}, fmt.Errorf("%w: %w", errUse, err)
	}
	if room.Reserved() {
		return importer.Room{}, fmt.Errorf("%w: ids of rooms that begin with %s are reserved", errUse, room[:1])
	}
	return importer.Room{Tenant: tenant, ID: room, Owner: owner}, nil
}

// scan reads what the room has already.
func scan(ctx context.Context, con console, s *site.Site, room importer.Room) (importer.Known, error) {
	p := eventlog.PartitionOf(events.Key(room.Tenant, room.ID), s.Log.Layout.Partitions)
	r := eventlog.NewReader(s.Log.Config, s.Log.Layout, p)
	defer r.Close()
	var meter *progress.Meter
	known, err := importer.Scan(ctx, r, room, func(done, total int64) {
		if meter == nil {
			meter = progress.Start(con.stderr, "read the log", "events", total)
		}
		meter.Set(done)
	})
	if meter != nil {
		meter.Finish()
	}
	return known, err
}

// append runs the import and prints its report; it returns all ids that the
// import stands for.
func (c importIRCCommand) append(
	ctx context.Context, con console, s *site.Site, imp importer.Import, lines int,
) (ids []events.EventID, err error) {
	publisher, err := eventlog.NewPublisher(s.Log.Config, s.Log.Layout)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, publisher.Close()) }()
	meter := progress.Start(con.stderr, "import", "lines", int64(lines))
	imp.Publisher = publisher
	imp.Progress = func(n int) { meter.Add(int64(n)) }
	imp.Planned = func(id events.EventID) { ids = append(ids, id) }
	report, err := imp.Run(ctx)
	meter.Finish()
	if err != nil && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if err != nil {
		return nil, fmt.Errorf("%w; %d events were appended, the same command again goes on from there", err, report.Events())
	}
	return ids, con.print("%s", report.Text(imp.Room))
}

// reportVerdicts waits until all that was imported is folded and says what became
// of it.
func reportVerdicts(
	ctx context.Context, con console, s *site.Site, room importer.Room, ids []events.EventID,
) (err error) {
	store, err := s.OpenStore(ctx)
	if errors.Is(err, site.ErrNoDatabase) {
		con.tell("verdicts: not known without --database\n")
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := foldAll(ctx, con, s, store); err != nil {
		return err
	}
	verdicts, err := importer.ReadVerdicts(ctx, store, room, ids)
	if err != nil {
		return err
	}
	if err := con.print("%s", verdicts.Text()); err != nil {
		return err
	}
	if n := verdicts.Refused(); n > 0 {
		return fmt.Errorf("%d of %d events are in the log and not in effect, see above", n, len(ids))
	}
	return nil
}
