package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster"
)

// afterSignal is how long the command may take to end after a signal.
const afterSignal = 30 * time.Second

type execCommand struct {
	servers
	Command []string `arg:"" passthrough:"" help:"The command and its arguments, after --." placeholder:"-- COMMAND"`
}

// Run runs the command between the start and the end of a cluster. On Ctrl-C
// the terminal tells the command itself; another signal is passed on. Either
// way the cluster ends after the command, which gets 30 s for it.
func (e execCommand) Run(ctx context.Context) (err error) {
	words := e.Command
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		fmt.Fprintln(os.Stderr, "cluster: exec needs a command, after --")
		return exitCode(2)
	}
	c, err := cluster.Start(ctx, cluster.Config{Brokers: e.Brokers, Postgres: e.Postgres, Log: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()

	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), variables(c)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = afterSignal
	err = cmd.Run()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return exitCode(128 + int(status.Signal()))
		}
		return exitCode(failed.ExitCode())
	}
	return err
}
