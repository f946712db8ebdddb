package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

// maxListed is the most that a list shows.
const maxListed = 1000

// deciding are the flags of every command that decides.
type deciding struct {
	By   string        `help:"Who decides; absent: the user of this shell and the host."`
	Wait time.Duration `help:"How long to wait until a projector has carried it out." default:"30s"`
	site.Flags
}

// desk is an open place to decide at.
type desk struct {
	projector.Desk
	con   console
	site  *site.Site
	store readmodel.Store
}

func withDesk(ctx context.Context, con console, f site.Flags, by string, do func(*desk) error) error {
	return withStore(ctx, con, f, "roomlog-desk", func(s *site.Site, store readmodel.Store) error {
		return do(&desk{
			Desk: projector.Desk{
				Log: s.Log.Config, Layout: s.Log.Layout, Store: store, Topic: s.Decisions(), Operator: operator(by), Now: time.Now,
			},
			con: con, site: s, store: store,
		})
	})
}

// operator names who decides.
func operator(by string) string {
	if by != "" {
		return by
	}
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// await waits until decisions are carried out. Of a data directory that no
// process has, this one does it.
func (d *desk) await(ctx context.Context, wait time.Duration, pending []projector.Pending) error {
	err := d.site.Projecting(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		return d.Await(ctx, pending...)
	})
	if errors.Is(err, projector.ErrNotCarriedOut) {
		return fmt.Errorf("%w after %s; it will, as soon as one runs and can: see roomlog projector status", err, wait)
	}
	return err
}

// outcome prints what has become of rooms. A room that is blocked still is an error.
func (d *desk) outcome(ctx context.Context, rooms ...readmodel.Key) error {
	still := 0
	for _, k := range rooms {
		letters, _, err := d.Parked(ctx, k, 1)
		if err != nil {
			return err
		}
		if len(letters) == 0 {
			if err := d.con.print("room %s of tenant %s is free\n", k.Room, k.Tenant); err != nil {
				return err
			}
			continue
		}
		still++
		l := letters[0]
		if err := d.con.print("room %s of tenant %s is blocked by event %s of type %s: %s %s\n", k.Room, k.Tenant, l.ID, l.Type, l.Code, l.Reason); err != nil {
			return err
		}
	}
	if still > 0 {
		return fmt.Errorf("%d of %d rooms cannot be judged by the projectors that run", still, len(rooms))
	}
	return nil
}

// aRoom names a room on the command line.
type aRoom struct {
	Tenant string `help:"The room's tenant." default:"main"`
	Room   string `help:"The room." required:""`
}

func (r aRoom) key() (readmodel.Key, error) {
	t, err := events.ParseTenant(r.Tenant)
	if err != nil {
		return readmodel.Key{}, fmt.Errorf("%w: --tenant: %w", errUse, err)
	}
	id, err := events.ParseRoomID(r.Room)
	if err != nil {
		return readmodel.Key{}, fmt.Errorf("%w: --room: %w", errUse, err)
	}
	return readmodel.Key{Tenant: t, Room: id}, nil
}
