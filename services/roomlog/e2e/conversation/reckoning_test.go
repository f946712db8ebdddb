package conversation_test

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// reckoning is what a log comes to, by the file and its annotations alone. It
// shares no code with what replays it.
type reckoning struct {
	spoken   int            // lines, those of the server's among them
	said     map[string]int // by nick
	outside  int            // of threads
	replies  map[int]int    // by the line that began the thread
	unread   map[string]int // by nick: lines outside of threads since their own last one there
	mentions map[string]int // by nick: lines of others that name them first, since then
}

var (
	said   = regexp.MustCompile(`^\[\d\d:\d\d\] (?: ?\* (\S+) +|<([^>]+)>[ ]?|-([^:]+):[^-]*- ?)(.*\S.*)$`)
	notice = regexp.MustCompile(`^=== +(\S+)(?:\s.*)?$`)
)

// speaker is whose line it is, and what they say; empty: nobody's.
func speaker(line string) (nick, text string) {
	if m := notice.FindStringSubmatch(line); m != nil {
		return m[1], ""
	}
	if m := said.FindStringSubmatch(line); m != nil {
		return m[1] + m[2] + m[3], m[4]
	}
	return "", ""
}

// addressed is whom a text names first: "nick: …" or "nick, …".
func addressed(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if n := len(first) - 1; n > 0 && (first[n] == ':' || first[n] == ',') {
		return first[:n]
	}
	return ""
}

func reckon(t *testing.T, path string) reckoning {
	t.Helper()
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	links, err := os.ReadFile(strings.Replace(path, ".raw.", ".annotation.", 1))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(bytes.TrimPrefix(log, []byte("\xef\xbb\xbf"))), "\n")
	answers := make([]int, len(lines)) // the line that a line answers, or itself
	for i := range answers {
		answers[i] = i
	}
	for link := range strings.Lines(string(links)) {
		f := strings.Fields(link)
		if len(f) < 2 {
			continue
		}
		a, _ := strconv.Atoi(f[0])
		b, _ := strconv.Atoi(f[1])
		if late := max(a, b); late < len(lines) && answers[late] == late {
			answers[late] = min(a, b)
		}
	}
	r := reckoning{said: map[string]int{}, replies: map[int]int{}, unread: map[string]int{}, mentions: map[string]int{}}
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
		if nick, _ := speaker(lines[i]); nick != "" {
			r.said[nick]++
		}
	}
	for i, line := range lines {
		nick, text := speaker(line)
		if nick == "" {
			continue
		}
		r.spoken++
		root := i
		for answers[root] != root {
			up, _ := speaker(lines[answers[root]])
			if up == "" {
				break
			}
			root = answers[root]
		}
		if root != i {
			r.replies[root]++
		} else {
			r.outside++
			for other := range r.said {
				r.unread[other]++
			}
			r.unread[nick], r.mentions[nick] = 0, 0
		}
		if to := addressed(text); to != nick && r.said[to] > 0 {
			r.mentions[to]++
		}
	}
	return r
}
