package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	lockInterval = 100 * time.Millisecond

	// startPatience is how long a server may take to be ready on a busy
	// machine where the caller's context sets no earlier end.
	startPatience = 2 * time.Minute

	// stopPatience is how long a server may take to stop in good order before it is killed.
	stopPatience = 20 * time.Second
)

// A Node is one server of a cluster: a Kafka broker or PostgreSQL. It keeps its
// address and its data over any number of stops, kills and starts. Its methods
// may be called from several goroutines; each call finishes before the next one begins.
type Node struct {
	name    string
	address string
	dir     string // its pid file and log
	marker  string // a part of its command line that no other process has
	family  bool   // its children must be frozen and killed with it

	detached bool
	command  func() *exec.Cmd
	ready    func(context.Context) error // one try
	stop     syscall.Signal              // asks it to stop in good order

	mu  sync.Mutex
	pid process // 0: not running
}

// Name returns "broker-1", "broker-2", ... or "postgres".
func (n *Node) Name() string { return n.name }

// Address returns the host:port that it listens on, whether or not it runs.
func (n *Node) Address() string { return n.address }

// LogFile returns the path of what the server has printed.
func (n *Node) LogFile() string { return filepath.Join(n.dir, "log") }

// Running reports whether its process lives (a paused one does).
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running()
}

// Start starts the server on its data and returns when it answers: a broker
// when the controller has registered and unfenced it, PostgreSQL when it
// answers a query. One that runs is only waited for.
func (n *Node) Start(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		pid, err := spawn(n.command(), n.LogFile(), n.detached)
		if err != nil {
			return fmt.Errorf("start %s: %w", n.name, err)
		}
		n.pid = pid
		if err := os.WriteFile(n.pidFile(), []byte(strconv.Itoa(int(pid))+"\n"), 0o600); err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", n.name, err), n.kill())
		}
	}
	if err := n.awaitReady(ctx); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", n.name, err), n.kill())
	}
	return nil
}

func (n *Node) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	var last error
	err := poll(ctx, 50*time.Millisecond, func() (bool, error) {
		if n.pid.exited() {
			return false, fmt.Errorf("it ended by itself; the end of %s:\n%s", n.LogFile(), n.logTail())
		}
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		last = n.ready(try)
		return last == nil, nil
	})
	if ctx.Err() != nil {
		return fmt.Errorf("not ready: %w (%w)", err, last)
	}
	return err
}

// Stop asks the server to stop in good order and waits until it has, at most
// 20 s; then it is killed, which is an error. A stopped server stays stopped.
func (n *Node) Stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return nil
	}
	if err := errors.Join(n.thaw(), n.pid.signal(n.stop)); err != nil {
		return err
	}
	if !n.pid.endsWithin(stopPatience) {
		return errors.Join(fmt.Errorf("%s did not stop within %v and was killed", n.name, stopPatience), n.kill())
	}
	return n.forget()
}

// Kill ends the server at once, as kill -9 does, and returns when it is gone.
func (n *Node) Kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return nil
	}
	return n.kill()
}

func (n *Node) kill() error {
	members, err := n.members()
	if err != nil {
		return err
	}
	for _, member := range members {
		if err := member.signal(syscall.SIGKILL); err != nil {
			return err
		}
	}
	for _, member := range members {
		if !member.endsWithin(stopPatience) {
			return fmt.Errorf("%s: process %d outlives kill -9", n.name, member)
		}
	}
	return n.forget()
}

// Pause freezes the server (SIGSTOP): its connections stay open and nothing
// answers. It stays frozen until Continue, Stop or Kill.
func (n *Node) Pause() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return fmt.Errorf("pause %s: it does not run", n.name)
	}
	// The parent first: frozen, it has no new children.
	if err := n.pid.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	members, err := n.members()
	if err != nil {
		return err
	}
	var frozen bytes.Buffer
	for _, member := range members {
		fmt.Fprintln(&frozen, int(member))
	}
	// The reaper and a later process that attaches must find the frozen children.
	if err := os.WriteFile(n.pausedFile(), frozen.Bytes(), 0o600); err != nil {
		return err
	}
	for _, member := range members {
		if err := member.signal(syscall.SIGSTOP); err != nil {
			return err
		}
	}
	return nil
}

// Continue lets a paused server go on.
func (n *Node) Continue() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return fmt.Errorf("continue %s: it does not run", n.name)
	}
	return n.thaw()
}

func (n *Node) thaw() error {
	members, err := n.members()
	if err != nil {
		return err
	}
	for _, member := range members {
		if err := member.signal(syscall.SIGCONT); err != nil {
			return err
		}
	}
	return removeIfThere(n.pausedFile())
}

// members returns the processes that are this server.
func (n *Node) members() ([]process, error) {
	if !n.family {
		return []process{n.pid}, nil
	}
	children, err := n.pid.children()
	return append([]process{n.pid}, children...), err
}

func (n *Node) running() bool { return n.pid != 0 && !n.pid.exited() }

// attach takes up the process that an earlier run left behind, if it lives.
func (n *Node) attach() {
	raw, err := os.ReadFile(n.pidFile())
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil || pid <= 0 {
		return
	}
	// The id may have been given to another process since.
	if strings.Contains(process(pid).commandLine(), n.marker) {
		n.pid = process(pid)
	}
}

// forget is called when the process has ended.
func (n *Node) forget() error {
	n.pid = 0
	return errors.Join(removeIfThere(n.pidFile()), removeIfThere(n.pausedFile()))
}

func (n *Node) pidFile() string    { return filepath.Join(n.dir, "pid") }
func (n *Node) pausedFile() string { return filepath.Join(n.dir, "paused") }

func (n *Node) logTail() string {
	raw, err := os.ReadFile(n.LogFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
