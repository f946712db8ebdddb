package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// tour is lines to paste: each is one command that works as it stands,
// in this order, in any terminal of this machine, also on a later start.
func tour(base, data string) string {
	bin, err := os.Executable()
	if err != nil {
		bin = os.Args[0]
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	bin, data = below(dir, bin), below(dir, data)
	room := base + "/v1/rooms/lobby"
	return fmt.Sprintf(`
Paste into another terminal, line by line:

  cd %[1]s
  export TOKEN=$(%[2]s token alice --data %[3]s)
  curl -sS -w '\n' -X PUT %[4]s -H "Authorization: Bearer $TOKEN" -H 'Prefer: wait=5' -H 'Content-Type: application/json' -d '{"kind":"public","name":"Lobby"}'
  curl -sS -w '\n' %[4]s/messages -H "Authorization: Bearer $TOKEN" -H 'Prefer: wait=5' -H 'Content-Type: application/json' -d '{"text":"hello"}'
  curl -sS -w '\n' %[4]s/messages -H "Authorization: Bearer $TOKEN"

Somebody else joins and follows (Ctrl-C ends it); send another message meanwhile:

  export BOB=$(%[2]s token bob --data %[3]s)
  curl -sS -w '\n' -X PUT %[4]s/members/bob -H "Authorization: Bearer $BOB" -H 'Prefer: wait=5' -H 'Content-Type: application/json' -d '{"membership":"join"}'
  curl -sSN '%[4]s/events?after=0' -H "Authorization: Bearer $BOB" -H 'Accept: text/event-stream'

`, quote(dir), quote(bin), quote(data), room)
}

// below makes a path relative to dir where it is inside it.
func below(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		if strings.Contains(rel, "/") {
			return rel
		}
		return "./" + rel
	}
	return path
}

// quote writes a word for the shell.
func quote(s string) string {
	plain := strings.IndexFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("/._-+,:@%", r)
	}) < 0
	if plain && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
