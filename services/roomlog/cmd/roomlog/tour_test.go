package main

import (
	"os/exec"
	"testing"
)

func TestQuotedWordsComeBackFromTheShell(t *testing.T) {
	for _, word := range []string{"data", "", "new's data", `a"b$c` + "`d`", "-n", "é*?[x]", "a\nb", "~"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q is quoted %s and comes back as %q, error %v", word, quote(word), out, err)
		}
	}
	if quote("/tmp/a-b_c.d/bin") != "/tmp/a-b_c.d/bin" {
		t.Error("a plain word needs no quotes")
	}
}

func TestBelow(t *testing.T) {
	for path, want := range map[string]string{
		"/home/a/bin/roomlog": "bin/roomlog", "/home/a/data": "./data", "/home/b": "/home/b", "/home/a": "./.", "/home/ab": "/home/ab",
	} {
		if got := below("/home/a", path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
