// Package program starts the real programs, as a user would, and knows when they
// serve: what measures them and the tests that kill and freeze them stand on it.
//
// A [Process] collects what its program prints and knows how it ended. Its
// methods may be called from several goroutines.
package program

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyPrefix begins the line that a program which serves HTTP prints on stdout.
const readyPrefix = "ready "

// tailBytes is how much of a program's output an error quotes.
const tailBytes = 2 << 10

// waitDelay is how long after a program's end its output may still come, from
// a child that has inherited it.
const waitDelay = time.Second

// ErrExited says that a program ended where it should have gone on.
var ErrExited = errors.New("program has ended")

// Spec is what to start.
type Spec struct {
	Bin  string
	Args []string
	// Env is added to the caller's environment.
	Env []string
	// Dir is the working directory; empty: that of the caller.
	Dir string
	// Stdin is what the program reads; nil: nothing.
	Stdin io.Reader
	// Start starts the command in the place of its own method.
	Start func(*exec.Cmd) error
}

// Process is a started program.
type Process struct {
	cmd            *exec.Cmd
	stdout, stderr *output
	ready          chan struct{} // closed after url is set
	url            string
	done           chan struct{} // closed after code is set
	code           int
}

// Launch starts a program. The caller ends it: the program does not end with
// any context.
func Launch(s Spec) (*Process, error) {
	cmd := exec.Command(s.Bin, s.Args...) //nolint:noctx // it outlives the call; the caller ends it
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.Dir = s.Dir
	cmd.Stdin = s.Stdin
	cmd.SysProcAttr = sysProcAttr()
	cmd.WaitDelay = waitDelay
	p := &Process{
		cmd: cmd, stdout: new(output), stderr: new(output),
		ready: make(chan struct{}), done: make(chan struct{}),
	}
	cmd.Stderr = p.stderr
	// A pipe of our own, rather than StdoutPipe, so that Wait waits for the copy.
	r, w := io.Pipe()
	cmd.Stdout = w
	var scanned sync.WaitGroup
	scanned.Go(func() { p.scan(r) })
	if s.Start == nil {
		s.Start = (*exec.Cmd).Start
	}
	if err := s.Start(cmd); err != nil {
		_ = w.Close()
		scanned.Wait()
		return nil, fmt.Errorf("start %s: %w", s.Bin, err)
	}
	go func() {
		err := cmd.Wait()
		_ = w.Close()
		scanned.Wait()
		p.code = exitCode(cmd.ProcessState, err)
		close(p.done)
	}()
	return p, nil
}

// Ready waits for the line "ready URL" and returns the URL. It fails when the
// program ends before ([ErrExited], with what it said) or ctx does.
func (p *Process) Ready(ctx context.Context) (string, error) {
	select {
	case <-p.ready:
		return p.url, nil
	case <-p.done:
		select {
		case <-p.ready: // it was, then ended
			return p.url, nil
		default:
			return "", fmt.Errorf("%w: exit code %d, stderr: %s", ErrExited, p.code, p.StderrTail())
		}
	case <-ctx.Done():
		return "", fmt.Errorf("not ready: %w, stderr: %s", ctx.Err(), p.StderrTail())
	}
}

// Wait waits for the program's end and returns its exit code; 128 + n where
// signal n ended it.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.code, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("still running: %w, stderr: %s", ctx.Err(), p.StderrTail())
	}
}

// Stop sends SIGTERM and waits for the end.
func (p *Process) Stop(ctx context.Context) (int, error) {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, err
	}
	return p.Wait(ctx)
}

// Kill9 ends the program at once, as a crash would, and waits until it is gone.
func (p *Process) Kill9() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Pause freezes the program (SIGSTOP): it keeps its connections and does nothing.
func (p *Process) Pause() error { return p.Signal(syscall.SIGSTOP) }

// Continue lets a frozen program go on (SIGCONT).
func (p *Process) Continue() error { return p.Signal(syscall.SIGCONT) }

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", s, err)
	}
	return nil
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stdout is what the program has printed on stdout so far.
func (p *Process) Stdout() string { return p.stdout.String() }

// Stderr is what the program has printed on stderr so far.
func (p *Process) Stderr() string { return p.stderr.String() }

// StderrTail is the end of what the program has printed on stderr so far.
func (p *Process) StderrTail() string {
	s := p.Stderr()
	return s[max(0, len(s)-tailBytes):]
}

func (p *Process) scan(r io.Reader) {
	lines := bufio.NewReader(r)
	for ready := false; ; {
		line, err := lines.ReadString('\n')
		_, _ = p.stdout.Write([]byte(line))
		if url, ok := strings.CutPrefix(strings.TrimSpace(line), readyPrefix); ok && !ready {
			ready, p.url = true, url
			close(p.ready)
		}
		if err != nil {
			return
		}
	}
}

func exitCode(s *os.ProcessState, err error) int {
	if s == nil {
		return -1
	}
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	if s.ExitCode() == 0 && err != nil { // the output could not be copied
		return -1
	}
	return s.ExitCode()
}

// output keeps what a program prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
