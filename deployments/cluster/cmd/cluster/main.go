// Command cluster starts and stops the real parts of roomlog on this machine:
// three Kafka brokers and PostgreSQL. See its --help, and package cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

const description = `Starts real Apache Kafka brokers and a real PostgreSQL on this machine, for development and for tests, without containers.

It needs a JDK 17 or later and Maven, which brings the servers from Maven Central once, into ~/.cache/roomlog (for root /var/cache/roomlog; ROOMLOG_CACHE says another place). All servers listen on free ports of 127.0.0.1.

  cluster up                          start, print the addresses, leave it running
  eval "$(cluster env)"               name it to go test
  cluster down                        stop it, keep its data
  cluster down --purge                stop it and remove it
  cluster exec -- go test ./...       a fresh one for one command

Exit codes: 0 done, 1 failed, 2 wrong use; exec: the command's own.`

// An exitCode is an error that says only how to exit: all was said before.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

type commands struct {
	Up   upCommand   `cmd:"" help:"Start the cluster, or what of it does not run, and leave it running. Prints its addresses and lines to paste."`
	Down downCommand `cmd:"" help:"Stop the cluster; its data stays for the next up."`
	Env  envCommand  `cmd:"" help:"Print shell lines that name the running cluster to go test."`
	Exec execCommand `cmd:"" help:"Start a fresh temporary cluster, run a command that finds it in its environment, remove the cluster."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string) int {
	var parsed commands
	exited := -1
	parser, err := kong.New(&parsed,
		kong.Name("cluster"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(os.Stdout, os.Stderr), kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err, "(see --help)")
		return 2
	}
	err = command.Run()
	if code := exitCode(0); errors.As(err, &code) {
		return int(code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		return 1
	}
	return 0
}
