package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
	"github.com/roomlog/roomlog/services/roomlog/internal/program"
)

const (
	readyTimeout = 2 * time.Minute
	stopTimeout  = 30 * time.Second
)

// stage is where systems are started.
type stage struct {
	programs  programs
	dir       string // for data, on the disk that is measured
	serverCPU int
}

// start starts a program on the servers' processor and waits until it serves.
func (s *stage) start(ctx context.Context, bin string, args ...string) (*program.Process, string, error) {
	return ready(ctx, program.Spec{
		Bin: bin, Args: args,
		Start: func(cmd *exec.Cmd) error { return machine.StartOn(s.serverCPU, cmd) },
	})
}

func ready(ctx context.Context, spec program.Spec) (*program.Process, string, error) {
	p, err := program.Launch(spec)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	said, err := p.Ready(ctx)
	if err != nil {
		p.Kill9()
		return nil, "", fmt.Errorf("start %s: %w", spec.Bin, err)
	}
	return p, strings.TrimPrefix(said, "http://"), nil
}

// stop ends a program; one that does not end is killed, which is an error.
func stop(ctx context.Context, p *program.Process) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	_, err := p.Stop(ctx)
	if err != nil {
		p.Kill9()
	}
	return err
}

// servers are real brokers and a real database.
type servers struct {
	brokers  []string
	postgres string // URL
	pids     []int

	process *program.Process
	alive   *os.File // it ends them
}

// startServers starts them, new and empty, on the servers' processor.
func (s *stage) startServers(ctx context.Context, brokers int, postgres bool) (*servers, error) {
	stdin, alive, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = stdin.Close() }()
	// The shell's line goes where the names of the servers are known; they live until
	// cat has nothing more to read, which is at the latest when this process is no more.
	args := []string{"exec", fmt.Sprintf("--brokers=%d", brokers)}
	if !postgres {
		args = append(args, "--no-postgres")
	}
	args = append(args, "--", "sh", "-c", `echo "ready $ROOMLOG_TEST_BROKERS $ROOMLOG_TEST_POSTGRES"; exec cat`)
	p, said, err := ready(ctx, program.Spec{Bin: s.programs.cluster, Args: args, Env: []string{"TMPDIR=" + s.dir}, Stdin: stdin})
	if err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	v := &servers{process: p, alive: alive}
	for word := range strings.FieldsSeq(said) {
		if strings.HasPrefix(word, "postgres://") {
			v.postgres = word
		} else {
			v.brokers = strings.Split(word, ",")
		}
	}
	if err := v.pin(s.serverCPU); err != nil {
		return nil, errors.Join(err, v.stop(context.WithoutCancel(ctx)))
	}
	return v, nil
}

func (v *servers) pin(cpu int) error {
	if !machine.Pinning {
		return nil
	}
	addresses := v.brokers
	if v.postgres != "" {
		_, host, _ := strings.Cut(v.postgres, "@")
		host, _, _ = strings.Cut(host, "/")
		addresses = append([]string{host}, addresses...)
	}
	for _, a := range addresses {
		pid, err := machine.Listener(a)
		if err != nil {
			return err
		}
		v.pids = append(v.pids, pid)
	}
	return machine.Pin(cpu, v.pids...)
}

func (v *servers) stop(ctx context.Context) error {
	err := v.alive.Close()
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if _, waited := v.process.Wait(ctx); waited != nil {
		v.process.Kill9()
		err = errors.Join(err, waited)
	}
	return err
}
