package main

import (
	"context"
	"net"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/projector"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
	"github.com/roomlog/roomlog/services/roomlog/internal/standalone"
)

type runCommand struct {
	Admin      string `help:"Where health, readiness, metrics and profiles are served. Without authentication: keep it private." default:"127.0.0.1:8081"`
	site.Flags `embed:""`
	Chat       chat.Config      `embed:""`
	Projector  projector.Config `embed:""`
}

// Help is shown below the flags' list.
func (runCommand) Help() string {
	return `Keeps everything in one data directory: the log, the tables (which can be
deleted: they are folded again from the log), and the secret that signs tokens.
Started again, it goes on. A new log there gets one partition, unless --partitions
says otherwise, for its life. With --brokers the log is there, with --database the
tables are.

When it serves, it prints "ready http://…" on stdout, and on stderr an example to
paste. Ctrl-C stops it cleanly, a second one at once.

Example:
  roomlog run --data data
  roomlog run --data data --listen 127.0.0.1:0 --admin 127.0.0.1:0`
}

// Run serves until it is interrupted.
func (c runCommand) Run(ctx context.Context, con console) error {
	if w := chat.AdminWarning(c.Admin); w != "" {
		con.logger.Warn(w) //nolint:sloglint // a warning is a sentence
	}
	return standalone.Run(ctx, standalone.Config{
		Site: c.Flags, Chat: c.Chat, Projector: c.Projector, Admin: c.Admin, Logger: con.logger,
	}, func(a standalone.Addresses) {
		base := "http://" + reachable(a.API)
		con.tell("admin http://%s\n", reachable(a.Admin))
		if err := con.print("ready %s\n", base); err != nil {
			con.logger.Error("cannot say that it is ready", "error", err)
		}
		con.tell("%s", tour(base, c.Data))
	})
}

// reachable is an address to connect to: that of this machine where a listener
// takes all.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
