package cluster_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/deployments/cluster"
)

// ownerVariable makes the test program a process that starts a cluster, pauses
// it, prints where it is and waits to be killed.
const ownerVariable = "ROOMLOG_CLUSTER_TEST_OWNER"

func TestMain(m *testing.M) {
	if os.Getenv(ownerVariable) != "" {
		own()
	}
	goleak.VerifyTestMain(m) // clusters have no goroutines, shared ones that are never closed neither
}

func own() {
	c, err := cluster.Start(context.Background(), cluster.Config{Postgres: true})
	if err == nil {
		err = c.Postgres().Pause()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	pid, err := os.ReadFile(c.Dir() + "/postgres/pid")
	fmt.Println(c.Dir(), strings.TrimSpace(string(pid)), err)
	select {}
}

// However the owner of a cluster ends, the servers end too, even frozen ones,
// and a temporary cluster's directory is removed.
func TestClusterDiesWithItsOwner(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real server")
	}
	owner := exec.CommandContext(t.Context(), os.Args[0])
	owner.Env = append(os.Environ(), ownerVariable+"=1")
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Fields(line)
	if len(said) != 3 || said[2] != "<nil>" {
		t.Fatal(line)
	}
	dir := said[0]
	pid, err := strconv.Atoi(said[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the server does not run: %v", err)
	}

	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it says that it was killed

	deadline := time.Now().Add(20 * time.Second)
	for {
		_, dirErr := os.Stat(dir)
		gone := ended(pid)
		if os.IsNotExist(dirErr) && gone {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("20 s after its owner's death: server gone: %t, directory: %v", gone, dirErr)
		}
		time.Sleep(20 * time.Millisecond) // polling another process: nothing signals its end to us
	}
}

// ended reports that a process that is not our child has ended, or is a zombie that nobody reaps.
func ended(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}
