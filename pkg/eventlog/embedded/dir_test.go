package embedded_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
)

func TestDirectoryHasOneBroker(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := embedded.ReadInfo(dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Errorf("before the start: %v", err)
	}
	b := start(t, embedded.Config{Dir: dir})
	info, err := embedded.ReadInfo(dir)
	if err != nil || info != b.Info() || info.PID != os.Getpid() || info.Password == "" {
		t.Errorf("while it runs: %+v, %v", info, err)
	}
	_, err = embedded.Start(testContext(t), embedded.Config{Dir: dir})
	if !errors.Is(err, embedded.ErrLocked) {
		t.Fatalf("second start: %v", err)
	}
	for _, want := range []string{dir, fmt.Sprint(os.Getpid()), info.Address} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("not one line: %q", err)
	}
	for name, want := range map[string]os.FileMode{"broker.json": 0o600, "lock": 0o600} {
		if s, err := os.Stat(filepath.Join(dir, name)); err != nil || s.Mode() != want {
			t.Errorf("%s: %v, %v", name, s.Mode(), err)
		}
	}
	stop(t, b)
	if _, err := embedded.ReadInfo(dir); !errors.Is(err, embedded.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
	again := start(t, embedded.Config{Dir: dir})
	if again.Info() != info {
		t.Errorf("address or password changed: %v, %v", again.Info().Address, info.Address)
	}
}

func TestPortIsTaken(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Config{Dir: dir})
	address := b.Info().Address
	stop(t, b)
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nobody has connected
	if _, err := embedded.Start(testContext(t), embedded.Config{Dir: dir, Listen: address}); err == nil {
		t.Error("started on a taken port")
	}
	if b := start(t, embedded.Config{Dir: dir}); b.Info().Address == address {
		t.Error("started on a taken port")
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "localhost:0", "127.0.0.1", "127.0.0.1:x"} {
		if _, err := embedded.Start(testContext(t), embedded.Config{Listen: address}); err == nil {
			t.Errorf("listens on %q", address)
		}
	}
}

func TestUnwritableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Start(testContext(t), embedded.Config{Dir: file}); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("start in a file: %v", err)
	}
}
