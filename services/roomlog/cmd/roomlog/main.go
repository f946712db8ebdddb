// Command roomlog is everything around the services: all of them in one process
// (run), tokens, import, export, and a look at the log and its projection.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

const description = `A chat backend whose only truth is a log.

Start everything in one process, then paste the lines that it prints:
  roomlog run --data data

Exit codes: 0 done, 1 failed, 2 wrong use. Progress and messages go to stderr,
results to stdout. Flags may also be given as environment variables, shown in
brackets.`

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUse    = 2
)

// errUse says that what was asked for cannot be: the exit code is 2.
var errUse = errors.New("wrong use")

type commands struct {
	LogLevel slog.Level `name:"log-level" help:"Least level of the log on stderr: debug, info, warn or error." default:"warn"`

	Run       runCommand       `cmd:"" help:"Everything in one process: log, tables, projector, API."`
	Token     tokenCommand     `cmd:"" help:"Make a token for a person."`
	Import    importCommand    `cmd:"" help:"Bring in what was said elsewhere."`
	Export    exportCommand    `cmd:"" help:"Print a room's events as NDJSON."`
	Tail      tailCommand      `cmd:"" help:"Follow the log itself."`
	Projector projectorCommand `cmd:"" help:"Look at the projection of the log."`
	Bench     benchCommand     `cmd:"" help:"Measure roomlog beside what one would write instead: docs/performance.md."`
}

// console is where a command writes.
type console struct {
	stdout, stderr io.Writer
	logger         *slog.Logger
}

// tell writes a message to stderr. If that is gone, so is who would read it.
func (c console) tell(format string, args ...any) { _, _ = fmt.Fprintf(c.stderr, format, args...) }

// print writes a result to stdout.
func (c console) print(format string, args ...any) error {
	_, err := fmt.Fprintf(c.stdout, format, args...)
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs the command that args name and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("roomlog"), kong.Description(description), kong.DefaultEnvars("ROOMLOG"),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}))
	if err != nil {
		panic(err) // the commands themselves are wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	con := console{stdout: stdout, stderr: stderr}
	if err != nil {
		con.tell("roomlog: %s\nTry roomlog --help, or --help behind a command.\n", oneLine(err))
		return exitUse
	}
	con.logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(con)
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		con.tell("roomlog: interrupted\n")
		return exitFailed
	}
	con.tell("roomlog: %s\n", oneLine(advise(err)))
	if errors.Is(err, errUse) {
		return exitUse
	}
	return exitFailed
}

func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
