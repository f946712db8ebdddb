package e2e_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// The example of the Go client runs, and the README shows it. That of the TypeScript
// client has the same test beside it.
func TestGoClientExample(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(root, "clients", "go", "example", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, run, found := strings.Cut(string(example), "\nfunc run(")
	if !found || !strings.Contains(string(readme), "```go\nfunc run("+run+"```") {
		t.Error("the README shows another example")
	}

	data := filepath.Join(t.TempDir(), "data")
	_, base := start(t, data)
	program := filepath.Join(t.TempDir(), "example")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/roomlog/roomlog/clients/go/example").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, base)
	cmd.Env = append(os.Environ(), "TOKEN="+proc.Output(t, bin(t), "token", "alice", "--data", data))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timeout := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer timeout.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	if err != nil || line != "alice: Hello\n" {
		t.Errorf("it prints %q, %v", line, err)
	}
}
