package chat_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

var update = flag.Bool("update", false, "write golden files that are missing")

// Who gets which answer from which route: testdata/matrix.golden has a table for
// each kind of room. Rows are requests, at least one for each route of the
// description; columns are callers. Each cell is asked in the same room: one that no
// cell has changed. And whatever is answered, nothing is in it that is not for the
// caller's eyes.
func TestAuthorizationMatrix(t *testing.T) {
	w := chattest.Start(t)
	asked := w.As("nobody")
	everyRouteHasItsRow(t, asked.Get("/openapi.json"))
	m := &matrix{w: w, client: asked}
	m.record(roomtest.NewRoom(t, "somebody", roomtest.ID(elsewhere)))
	var b bytes.Buffer
	for _, kind := range roomKinds() {
		writeTable(&b, m.table(t, kind))
	}
	const path = "testdata/matrix.golden"
	want, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update {
		want, err = b.Bytes(), os.WriteFile(path, b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, lines := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(lines)) {
		if g, w := line(got, i), line(lines, i); g != w {
			t.Errorf("%s:%d\n got %s\nwant %s", path, i+1, g, w)
		}
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(none)"
}

// everyRouteHasItsRow holds the requests against the description.
func everyRouteHasItsRow(t *testing.T, description chattest.Answer) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]any
	}
	description.Is(http.StatusOK).Into(&doc)
	described := map[string]bool{}
	for path, operations := range doc.Paths {
		for method := range operations {
			if method != "parameters" {
				described[strings.ToUpper(method)+" "+path] = true
			}
		}
	}
	for _, r := range requests {
		if !described[r.route] {
			t.Errorf("there is no route %s", r.route)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(described)) {
		if !slices.ContainsFunc(requests, func(r request) bool { return r.route == route }) {
			t.Errorf("nobody has said who gets which answer from %s", route)
		}
	}
}

// matrix asks for cells.
type matrix struct {
	w      *chattest.World
	client *chattest.Client
	scenes int
	at     string // the log's end, as a position
	// told has the callers that were told something, so that it can be told at all.
	told map[string]bool
}

// table asks everything of everybody.
func (m *matrix) table(t *testing.T, kind roomKind) [][]string {
	t.Helper()
	m.told = map[string]bool{}
	requests := kind.requests()
	rows := [][]string{{kind.name}}
	for _, r := range requests {
		rows = append(rows, []string{r.String()})
	}
	for _, c := range kind.callers() {
		rows[0] = append(rows[0], c.name)
		var in *scene
		for i, r := range requests {
			if in == nil {
				in = m.scene(kind, c)
			}
			cell, changed := m.cell(t, in, r)
			rows[i+1] = append(rows[i+1], cell)
			if changed {
				in = nil
			}
		}
	}
	for _, text := range []string{named, before, inside} {
		if !m.told["owner"+text] {
			t.Errorf("%s: nobody could have been told %q", kind.name, text)
		}
	}
	return rows
}

// cell sends one request of one caller, and says what the answer is and whether it
// may have changed the scene.
func (m *matrix) cell(t *testing.T, in *scene, r request) (cell string, changed bool) {
	t.Helper()
	method, path, body := in.fill(r)
	headers := append(in.caller.token(in, r), chattest.Wait)
	var a chattest.Answer
	if r.stream {
		a = m.follow(in, path, headers)
	} else {
		a = m.client.Do(method, path, body, headers...)
	}
	said := string(a.Body) + fmt.Sprint(a.Header)
	for _, secret := range in.hidden() {
		if strings.Contains(said, secret) {
			t.Errorf("%s: %s: %s is told %q: %s", in.kind.name, r, in.caller.name, secret, a.Body)
		}
	}
	for _, text := range []string{named, before, inside} {
		m.told[in.caller.name+text] = m.told[in.caller.name+text] || strings.Contains(said, text)
	}
	return summary(a), a.Status < 300 && method != http.MethodGet
}

// follow reads a stream up to the room's last event.
func (m *matrix) follow(in *scene, path string, headers []header) chattest.Answer {
	s, a := m.client.TryFollow(path, headers...)
	if s == nil {
		return a
	}
	defer s.Close()
	s.Read()
	a.Status, a.Header = http.StatusOK, s.Header
	for !bytes.Contains(a.Body, []byte(in.ids["last"])) {
		f, ok := s.Next()
		if !ok {
			break
		}
		a.Body = append(a.Body, f.Data...)
	}
	return a
}

// summary is an answer in the table: its status, and the codes of problems.
func summary(a chattest.Answer) string {
	var body struct {
		Code  string
		Items []struct{ Code string }
	}
	_ = json.Unmarshal(a.Body, &body) // a stream is none
	words := []string{fmt.Sprint(a.Status)}
	if body.Code != "" {
		words = append(words, body.Code)
	}
	for _, item := range body.Items {
		if item.Code != "" {
			words = append(words, item.Code)
		}
	}
	return strings.Join(words, " ")
}

// writeTable writes rows in columns.
func writeTable(b *bytes.Buffer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	for _, row := range rows {
		var l strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&l, "%-*s  ", widths[i], cell)
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
}
