package rebuild

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

// TestVerify changes one column of one row of a system at work, and then one row
// for each column of each table: projector verify names those rows and columns
// and no others.
func TestVerify(t *testing.T) {
	seed := uint64(proc.Number(t, "REBUILD_SEED", int(rand.Uint32())))
	t.Logf("figure: verify seed: REBUILD_SEED=%d", seed)
	for name, start := range map[string]func(*testing.T) *installation{"embedded": startEmbedded, "kafka": startKafka} {
		t.Run(name, func(t *testing.T) {
			in := start(t)
			in.fill(t, proc.Number(t, "VERIFY_EVENTS", 4000))
			in.setAside(t)
			in.awaitFolded(t, readmodel.DefaultVersion)
			load := startLoad(t, in, 100)
			defer load.stop()
			s := in.openSaboteur(t)
			all := s.columns(t)

			one := all[rand.New(rand.NewPCG(seed, 9)).IntN(len(all))]
			began := time.Now()
			in.wantFound(t, s.change(t, one))
			t.Logf("figure: verify: found %s of one row among %d in %s", one, s.rows(t), time.Since(began).Round(time.Millisecond))
			want := []found{s.changed[one]}
			for _, c := range all {
				if c != one {
					want = append(want, s.change(t, c))
				}
			}
			in.wantFound(t, want...)
			t.Logf("figure: verify: found a change of each of %d columns", len(all))
			load.end(t)
		})
	}
}

// setAside appends a record that is no event, and an event that nobody can judge.
func (in *installation) setAside(t *testing.T) {
	t.Helper()
	p, err := eventlog.NewPublisher(in.log, in.layout)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	newer, err := ofNewerProgram(filling(0, -1))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []events.Message{{Key: []byte("main/fill-garbage"), Value: []byte("garbage")}, newer} {
		if _, err := p.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// ofNewerProgram gives an event a version that nobody here can judge.
func ofNewerProgram(e *events.Event) (events.Message, error) {
	m, err := events.Encode(e)
	for i, h := range m.Headers {
		if h.Key == events.HeaderType {
			m.Headers[i].Value = []byte("room.created.v9")
		}
	}
	return m, err
}

// found is a row that projector verify reports, and the column that differs.
type found struct {
	Table   string   `json:"table"`
	Key     string   `json:"key"`
	Columns []string `json:"columns"`
}

func (f found) String() string {
	return fmt.Sprintf("%s %s: %s", f.Table, f.Key, strings.Join(f.Columns, ", "))
}

func (in *installation) wantFound(t *testing.T, want ...found) {
	t.Helper()
	r := proc.Run(t, proc.Spec{Bin: in.roomlog, Args: append([]string{"projector", "verify", "--json"}, in.flags...)})
	if r.Code != 1 {
		t.Errorf("exit code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	var got, all []string
	byRow := map[string]found{}
	for line := range strings.Lines(r.Stdout) {
		var f found
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, f.String())
	}
	for _, f := range want { // several columns of one row are one difference
		row := f.Table + " " + f.Key
		f.Columns = append(byRow[row].Columns, f.Columns...)
		slices.Sort(f.Columns)
		byRow[row] = f
	}
	for _, f := range byRow {
		all = append(all, f.String())
	}
	slices.Sort(got)
	slices.Sort(all)
	if !slices.Equal(got, all) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(all, "\n"))
	}
}

// column names a column of a table; of one that is all key, none: its row is taken
// away.
type column struct{ table, name string }

func (c column) String() string { return c.table + "." + c.name }

// keys are the columns by which verify names a row; for outcomes, the position
// beside them tells equal ids apart.
var keys = map[string][]string{
	"rooms":          {"tenant", "room"},
	"members":        {"tenant", "room", "user_id"},
	"events":         {"tenant", "room", "seq"},
	"outcomes":       {"tenant", "room", "event_id"},
	"message_states": {"tenant", "room", "seq"},
	"reactions":      {"tenant", "room", "user_id", "seq", "key"},
	"mentions":       {"tenant", "room", "seq", "user_id"},
	"thread_marks":   {"tenant", "room", "user_id", "root"},
	"stays":          {"tenant", "room", "user_id", "from_seq"},
	"revocations":    {"tenant", "user_id"},
	"histories":      {"tenant", "room", "from_seq"},
	"dead_letters":   {"tenant", "room", "partition", "log_offset"},
	"bad_records":    {"partition", "log_offset"},
}

// unlike is how a column is changed that does not take any value.
var unlike = map[column]string{
	{"rooms", "settings"}:           `'{"max_message_length":7}'`,
	{"message_states", "reactions"}: `'[{"key":"x","count":7}]'`,
	{"outcomes", "binds"}:           `1 - binds`,
}

// stores have columns of their own beside what the log says: SQLite numbers rooms, an
// event's place is made of that and its seq, and its entry says which index has its id
// (what a wrong one does shows in all events that are not found for it, or in none).
var own = map[column]bool{{"rooms", "number"}: true, {"events", "number"}: true, {"events", "place"}: true, {"events", "entry"}: true}

// byPlace are a table's keys, and the condition that a row has one, where the table has
// no columns of that: in SQLite.
var byPlace = map[string]struct{ rows, is string }{
	"events": {
		"(SELECT r.tenant, r.room, e.seq FROM events e JOIN rooms r ON r.number = e.number) e",
		"number = (SELECT number FROM rooms WHERE tenant = $1 AND room = $2) AND seq = $3",
	},
}

// words are not looked at: other programs may have others.
var words = map[column]bool{{"bad_records", "reason"}: true, {"dead_letters", "reason"}: true}

// saboteur writes to the tables past the projector.
type saboteur struct {
	db      *sql.DB
	place   string
	changed map[column]found
}

func (in *installation) openSaboteur(t *testing.T) *saboteur {
	t.Helper()
	s := &saboteur{changed: map[column]found{}}
	var err error
	if strings.HasPrefix(in.database, "postgres") {
		s.place = "roomlog_v1."
		s.db, err = sql.Open("pgx", in.database)
	} else {
		s.db, err = sql.Open("sqlite", "file:"+filepath.Join(in.database, "readmodel-v1.db")+"?_pragma=busy_timeout(30000)")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close() })
	return s
}

// columnsOf lists the columns of a table, which has rows.
func (s *saboteur) columnsOf(t *testing.T, table string) []string {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), "SELECT * FROM "+s.place+table+" LIMIT 1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil || !rows.Next() {
		t.Fatalf("table %s has no rows: %v", table, errors.Join(err, rows.Err()))
	}
	return names
}

// columns lists all columns but those of keys.
func (s *saboteur) columns(t *testing.T) (all []column) {
	t.Helper()
	for table, key := range keys {
		names := s.columnsOf(t, table)
		if len(names) == len(key) {
			all = append(all, column{table, ""})
		}
		for _, name := range names {
			if c := (column{table, name}); !slices.Contains(key, name) && !words[c] && !own[c] {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(a, b column) int { return strings.Compare(a.String(), b.String()) })
	return all
}

func (s *saboteur) rows(t *testing.T) (n int64) {
	t.Helper()
	if err := s.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+s.place+"events").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// change changes one column of one row that nobody writes to.
func (s *saboteur) change(t *testing.T, c column) found {
	t.Helper()
	key := keys[c.table]
	offset := 0 // each column has a row of its own
	for done := range s.changed {
		if done.table == c.table {
			offset++
		}
	}
	where := ""
	if slices.Contains(key, "room") {
		where = " WHERE room LIKE 'fill-%'"
	}
	if c.table == "dead_letters" || c.table == "bad_records" { // there is one
		offset = 0
	}
	values := make([]any, len(key))
	into := make([]any, len(key))
	for i := range values {
		into[i] = &values[i]
	}
	placed, ok := byPlace[c.table]
	if !ok || s.place != "" {
		placed.rows = s.place + c.table
	}
	row := s.db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT 1 OFFSET %d",
		strings.Join(key, ", "), placed.rows, where, strings.Join(key, ", "), offset))
	if err := row.Scan(into...); err != nil {
		t.Fatalf("a row of %s: %v", c.table, err)
	}
	conditions := make([]string, len(key))
	words := make([]string, len(key))
	for i, name := range key {
		conditions[i] = fmt.Sprintf("%s = $%d", name, i+1)
		words[i] = fmt.Sprint(values[i])
		switch n := values[i].(type) {
		case int64:
			words[i] = fmt.Sprintf("%019d", n)
			if name == "partition" {
				words[i] = fmt.Sprintf("%09d", n)
			}
		case []byte:
			words[i] = string(n)
		}
	}
	if !ok || s.place != "" {
		placed.is = strings.Join(conditions, " AND ")
	}
	done, err := s.db.ExecContext(t.Context(), s.statement(t, c)+" WHERE "+placed.is, values...)
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%s: %d rows have changed: %v", c, n, err)
	}
	if c.table == "outcomes" {
		words = append(words, "000000001")
	}
	f := found{Table: c.table, Key: strings.Join(words, " ")}
	if c.name != "" {
		f.Columns = []string{c.name}
	}
	s.changed[c] = f
	return f
}

func (s *saboteur) statement(t *testing.T, c column) string {
	t.Helper()
	if c.name == "" {
		return "DELETE FROM " + s.place + c.table
	}
	to, ok := unlike[c]
	if !ok {
		to = s.other(t, c)
	}
	return fmt.Sprintf("UPDATE %s%s SET %s = %s", s.place, c.table, c.name, to)
}

// other gives an expression for another value of the column's type.
func (s *saboteur) other(t *testing.T, c column) string {
	t.Helper()
	var value any
	if err := s.db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s%s LIMIT 1", c.name, s.place, c.table)).Scan(&value); err != nil {
		t.Fatal(err)
	}
	if _, number := value.(int64); number {
		return c.name + " + 1"
	}
	return c.name + " || 'x'"
}
