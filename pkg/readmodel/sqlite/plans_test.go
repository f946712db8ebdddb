package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/readmodel/internal/tables"
	"github.com/roomlog/roomlog/pkg/readmodel/storetest"
)

// walk is how a run of a room's events is read, byPlace one of them.
const (
	walk    = "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
	byPlace = "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"
)

// explaining runs statements and keeps the steps of their plans.
type explaining struct {
	*conn
	t     *testing.T
	steps []string
}

func (e *explaining) Query(ctx context.Context, sql string, args ...any) (tables.Rows, error) {
	rows, err := e.conn.Query(ctx, "EXPLAIN QUERY PLAN "+sql, args...)
	if err != nil {
		e.t.Fatal(err)
	}
	err = tables.Each(rows, func(r tables.Row) error {
		var id, parent, unused int64
		var detail string
		err := r.Scan(&id, &parent, &unused, &detail)
		e.steps = append(e.steps, detail)
		if detail == walk && strings.HasPrefix(sql, "WITH RECURSIVE") {
			e.t.Errorf("walks through the room: %s", sql)
		}
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return e.conn.Query(ctx, sql, args...)
}

// TestPlans shows that no read walks a table, and that none but the ones named
// sorts: a request costs what it returns, however large the room.
func TestPlans(t *testing.T) {
	s, err := Open(t.Context(), Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, s)
	c, err := s.readers.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.readers.put(t.Context(), c)

	scans := map[string]string{
		"Dump":           "all of it",
		"BlockedRooms":   "an index that has nothing else",
		"RoomsOf":        "the page that it has cut before",
		"RoomsOf/latest": "the pages that it has cut before",
		"Events/others":  "a page of each type",
	}
	sorts := map[string]string{
		"RoomsOf":         "a person's rooms, by latest event",
		"RoomsOf/latest":  "those of the latest that are a person's",
		"Events/others":   "a page of each type",
		"MessagesBefore":  "a page, found from its end",
		"MessagesAfter":   "a page, found from its end",
		"Events/messages": "a page, found from its end",
		"Outcome":         "the few verdicts of one event id",
	}
	index := map[string]string{
		"MessagesBefore": byPlace, "MessagesAfter": byPlace, "Events/messages": byPlace, "MessageAt": byPlace,
		"Events/others": "events_by_type ", "Event": "events_by_id ",
		"Message": "events_by_id ", "Edits": "events_edits ", "Thread": "events_in_thread ", "ThreadBefore": "events_in_thread ",
		"ThreadUnread": "events_in_thread ", "Threads": "message_states_threads ", "Pins": "message_states_pins ", "Reactors": "reactions_by_key ",
		"RoomsOf": "members_by_user ", "RoomsOf/latest": "rooms_by_activity ", "BlockedRooms": "dead_letters_first", "Events": walk, "SeqBefore": walk,
		"room end": "events_in_order ", "taken ids": "events_in_order ",
		"prefetch/rooms": "events_by_id ", "prefetch/priors": "events_by_id ", "prefetch/reactions": "reactions_by_key ", "redact/0/0": walk, "redact/0/1": "events_edits ",
		"redact/0/2": "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)", "redact/1/0": walk,
	}
	for name, run := range storetest.Reads() {
		e := &explaining{conn: c, t: t}
		if err := run(t.Context(), tables.NewReader(e, dialect, s.version)); err != nil {
			t.Fatal(name, err)
		}
		check(t, name, e.steps, scans[name] != "", sorts[name] != "")
		if !strings.Contains(strings.Join(e.steps, "\n"), index[name]) {
			t.Errorf("%s does not go by %s: %q", name, index[name], e.steps)
		}
	}

	w, err := s.writer.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.writer.put(t.Context(), w)
	e := &explaining{conn: w, t: t}
	explain := func(name, sql string, args ...any) {
		t.Helper()
		e.steps = nil
		rows, err := e.Query(t.Context(), sql, args...)
		if err != nil {
			t.Fatal(name, err)
		}
		rows.Close()
		check(t, name, e.steps, scans[name] != "", sorts[name] != "")
		if !strings.Contains(strings.Join(e.steps, "\n"), index[name]) {
			t.Errorf("%s does not go by %s: %q", name, index[name], e.steps)
		}
	}
	for rooms := range few + 1 { // few rows of a list are bound, more are read from JSON
		for _, q := range tables.NewPrefetch(storetest.Needs(1 + rooms)).Wants(dialect) {
			explain("prefetch/"+q.Name, q.SQL, q.Args...)
		}
	}
	for i, r := range storetest.Redactions() {
		for j, st := range dialect.Redact(&r) {
			explain(fmt.Sprintf("redact/%d/%d", i, j), st.SQL, st.Args...)
		}
	}
	explain("RoomsOf/latest", dialect.RoomsLatest(), "t", "u", 7, "r", 51, 0, 1000)
	explain("room end", tables.RoomEnd, "t", "r")
	explain("taken ids", tables.InOrder, "t", "r", "e")
	explain("delete/reactions", deleteReactions.sql, "t", "r", "u", 1, "+1")
	explain("delete/mentions", deleteMentions.sql, "t", "r", 1)
}

func closing(t *testing.T, s *Store) {
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// listed are lists of which a statement looks at all.
var listed = []string{"SCAN n", "SCAN g", "SCAN v", "SCAN k", "SCAN p", "SCAN b", "SCAN CONSTANT ROW"}

func check(t *testing.T, name string, steps []string, mayScan, maySort bool) {
	t.Helper()
	if len(steps) == 0 {
		t.Errorf("%s: no plan", name)
	}
	for _, step := range steps {
		scan := strings.HasPrefix(step, "SCAN") && !slices.Contains(listed, step) && !strings.HasPrefix(step, "SCAN json_each") && !strings.HasSuffix(step, " CONSTANT ROWS")
		made := strings.Contains(step, " AUTOMATIC ")                                                  // an index, for this once, of all there is
		open := strings.HasSuffix(step, " KEY (rowid>?)") || strings.HasSuffix(step, " KEY (rowid<?)") // into other rooms
		if made || open || scan && !mayScan || strings.Contains(step, "TEMP B-TREE") && !maySort {
			t.Errorf("%s: %s", name, step)
		}
	}
}
