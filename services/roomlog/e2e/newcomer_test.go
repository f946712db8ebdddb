package e2e_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// toPaste are the indented lines that run prints on stderr.
func toPaste(t *testing.T, p *proc.Process) []string {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		var lines []string
		for line := range strings.Lines(p.Stderr()) {
			if cmd, ok := strings.CutPrefix(line, "  "); ok {
				lines = append(lines, strings.TrimSuffix(cmd, "\n"))
			}
		}
		if len(lines) == 8 && strings.HasSuffix(p.Stderr(), "\n\n") {
			return lines
		}
		if time.Now().After(deadline) {
			t.Fatalf("8 lines to paste are expected:\n%s", p.Stderr())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestNewcomerPastesWhatIsPrinted(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new's data") // it has to be quoted
	p, base := start(t, data)
	if out := p.Stdout(); out != "ready "+base+"\n" {
		t.Fatalf("stdout %q", out)
	}
	lines := toPaste(t, p)
	asked := strings.Join(lines[:5], "\n")
	var room struct{ Room, Kind, Name string }
	var sent, page struct {
		ID, Text string
		Items    []client.Message
	}
	answers := strings.Split(strings.TrimSpace(bash(t, asked)), "\n")
	if len(answers) != 3 {
		t.Fatalf("answers:\n%s", strings.Join(answers, "\n"))
	}
	for i, into := range []any{&room, &sent, &page} {
		if err := json.Unmarshal([]byte(answers[i]), into); err != nil {
			t.Fatalf("%s: %v", answers[i], err)
		}
	}
	if room.Room != "lobby" || room.Kind != "public" || room.Name != "Lobby" || sent.Text != "hello" ||
		len(page.Items) != 1 || page.Items[0].Text != "hello" || page.Items[0].Sender != "alice" {
		t.Fatalf("answers:\n%s", strings.Join(answers, "\n"))
	}
	follow(t, lines, asked)

	// A later start continues: the same lines work again.
	p.MustStop(t)
	p, _ = start(t, data)
	lines = toPaste(t, p)
	page.Items = nil
	again := strings.Split(strings.TrimSpace(bash(t, strings.Join(lines[:5], "\n"))), "\n")
	if err := json.Unmarshal([]byte(again[2]), &page); err != nil || len(page.Items) != 3 {
		t.Fatalf("after a restart:\n%s", strings.Join(again, "\n"))
	}
	p.MustStop(t)
}

// The README shows what is printed, of a first start with the defaults.
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p, base := start(t, data)
	readme, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	inReadme := strings.NewReplacer(base, "http://127.0.0.1:8080", bin(t), "bin/roomlog", data, "./data")
	for _, line := range toPaste(t, p)[1:] { // the first goes to the directory
		if want := inReadme.Replace(line); !strings.Contains(string(readme), "\n"+want+"\n") {
			t.Errorf("the README has no line\n%s", want)
		}
	}
}

// follow pastes the second part: bob joins and follows, and sees what alice says
// meanwhile.
func follow(t *testing.T, lines []string, again string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", lines[0]+"\n"+lines[5]+"\n"+lines[6]+"\nexec "+lines[7])
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	timeout := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer timeout.Stop()
	joined := false
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		line := scan.Text()
		if !joined && strings.Contains(line, `"user":"bob"`) {
			joined = true
			bash(t, again) // alice says hello once more
		}
		if joined && strings.HasPrefix(line, "data:") && strings.Contains(line, `"seq":4`) && strings.Contains(line, `"hello"`) {
			return
		}
	}
	t.Fatalf("bob (joined: %t) did not see what alice said", joined)
}
