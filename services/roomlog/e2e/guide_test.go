package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a block of commands in a document, and what it is said to print.
var block = regexp.MustCompile("(?s)```sh\n(.*?)```\n(?:\n```\n(.*?)```\n)?")

// changes are what is another one each time: ids, times, and positions.
var changes = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|"position":"[\w-]+"`)

// The first hour is pasted into a shell, block by block, and prints what it says.
func TestGuide(t *testing.T) {
	const end = "end of the block"
	guide, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "api", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllStringSubmatch(string(guide), -1)
	if n := strings.Count(string(guide), "```sh"); n != len(blocks) || n < 10 {
		t.Fatalf("%d of %d blocks were found", len(blocks), n)
	}
	data := t.TempDir()
	p, base := start(t, data)
	here := strings.NewReplacer("http://127.0.0.1:8080", base, "bin/roomlog", bin(t), "./data", data)
	script := "exec 2>stderr\n"
	for _, b := range blocks {
		script += here.Replace(b[1]) + "echo '" + end + "'\n"
	}
	printed := strings.Split(bash(t, script), end+"\n")
	for i, b := range blocks {
		got, want := strings.TrimRight(changes.ReplaceAllString(printed[i], "…"), "\n"), strings.TrimRight(changes.ReplaceAllString(b[2], "…"), "\n")
		if got != want {
			t.Errorf("%s\nprints\n%s\nnot\n%s", b[1], got, want)
		}
	}
	p.MustStop(t)
}
