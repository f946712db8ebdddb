package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/roomlog/internal/export"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

// tokenVariable has the token for --server where there is no --token-file. There
// is no flag for it: other users of the machine see flags.
const tokenVariable = "ROOMLOG_TOKEN"

type exportCommand struct {
	Room       string `help:"Room to export." required:"" placeholder:"ROOM"`
	Tenant     string `help:"The room's tenant; with --server it is the token's." default:"main"`
	From       int64  `help:"First seq; 0: the room's first." default:"0"`
	Until      string `help:"Last seq, or an RFC 3339 time: events that were sent later are left out; 0: the room's last." default:"0" placeholder:"SEQ|TIME"`
	Server     string `help:"Ask this server's API, in the place of reading the tables." placeholder:"URL"`
	TokenFile  string `name:"token-file" help:"File with the token for --server; else the environment has it in ROOMLOG_TOKEN." type:"path" placeholder:"FILE"`
	site.Flags `embed:""`
}

// Help is shown below the flags' list.
func (exportCommand) Help() string {
	return `Each line is an event as replay gives it: seq, type, event_id, room, sender,
time, data. From tables, all events that are folded; from a server, those that the
token's owner may see. The time of --until is compared with the one that a line
shows: when it was sent, which for an import is when it was said.

Example:
  roomlog export --room ubuntu --data data > ubuntu.ndjson
  roomlog export --room ubuntu --data data --until 2004-12-25T12:00:00Z
  ROOMLOG_TOKEN=$TOKEN roomlog export --room ubuntu --server http://127.0.0.1:8080`
}

// Run prints the events.
func (c exportCommand) Run(ctx context.Context, con console) error {
	room, err := events.ParseRoomID(c.Room)
	tenant, err2 := events.ParseTenant(c.Tenant)
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("%w: %w", errUse, err)
	}
	rng, err := export.Range{From: events.Seq(c.From)}.To(c.Until)
	if err != nil {
		return fmt.Errorf("%w: --until: %w", errUse, err)
	}
	if c.Server != "" {
		token, err := c.token()
		if err != nil {
			return err
		}
		_, err = export.Server(ctx, c.Server, token, room, rng, con.stdout)
		return err
	}
	return withStore(ctx, con, c.Flags, "roomlog-export", func(s *site.Site, store readmodel.Store) error {
		if s.Local() && !s.Served { // nobody else will
			if err := foldAll(ctx, con, s, store); err != nil {
				return err
			}
		}
		_, err := export.Store(ctx, store, readmodel.Key{Tenant: tenant, Room: room}, rng, con.stdout)
		return err
	})
}

func (c exportCommand) token() (string, error) {
	if c.TokenFile != "" {
		b, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	if token := os.Getenv(tokenVariable); token != "" {
		return token, nil
	}
	return "", fmt.Errorf("%w: --server needs a token, in --token-file or in the environment's %s", errUse, tokenVariable)
}
