// Command rival is what one would write instead of roomlog: a handler that saves a
// message into a table. See the README of its module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopTimeout is how long requests may take to finish when the program stops.
const stopTimeout = 2 * time.Second

type options struct {
	listen, store, database string
	connections, writers    int
	ids                     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "where to serve; port 0 picks one")
	flag.StringVar(&o.store, "store", "postgres", "postgres, batched, sqlite or nothing")
	flag.StringVar(&o.database, "database", "", "postgres://…, or the file of SQLite")
	flag.IntVar(&o.connections, "connections", 8, "connections to PostgreSQL, and readers of SQLite")
	flag.IntVar(&o.writers, "writers", 4, "batched: how many INSERTs may be under way at once")
	flag.BoolVar(&o.ids, "ids", false, "print the ids of all messages in the table, and end")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rival:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if o.ids {
		return s.ids(ctx, out)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(s), ReadHeaderTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(out, "ready http://%s\n", listener.Addr()); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, context.DeadlineExceeded) { // streams do not end by themselves
		return err
	}
	return server.Close()
}
