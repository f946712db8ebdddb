package projector_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/roomlog/roomlog/migrations"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/services/projector"
)

// TestTablesGetAnotherShape begins with tables as programs of the first migration left
// them. The program of today gives them its columns and goes on with them; what was
// folded before lacks what those should hold, until a rebuild has made it, beside
// readers.
func TestTablesGetAnotherShape(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			s := newSite(t, p)
			s.foldAtFirst(t)

			control := s.control(t)
			_, stop := s.start(t, projector.Config{})
			defer stop()
			live, err := driver.OpenLive(t.Context(), driver.Config{Address: s.database})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = live.Close() }()
			s.append(t, talkOfToday(t))
			s.folded(t, live)
			if v := liveVersion(t, control); v != 1 {
				t.Fatalf("version %d is live", v)
			}
			s.lacksWhatCameLater(t, live)

			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var reads atomic.Int64
			read := make(chan error, 1)
			go func() { read <- watch(ctx, live, &reads) }()
			rebuilt, err := projector.Rebuild(t.Context(), s.rebuilding(control))
			if err != nil || liveVersion(t, control) != rebuilt.Version {
				t.Fatalf("rebuilt is version %d, live is %d: %v", rebuilt.Version, liveVersion(t, control), err)
			}
			s.folded(t, live)
			if got, differences := s.verify(t, live); len(differences) > 0 {
				t.Errorf("after the rebuild: %+v, differences: %+v", got, differences)
			}
			if back, err := projector.RollBack(t.Context(), s.installation(control)); err != nil || back.Version != 1 {
				t.Errorf("went back to version %d: %v", back.Version, err)
			}
			if again, err := projector.RollBack(t.Context(), s.installation(control)); err != nil || again.Version != rebuilt.Version {
				t.Errorf("went back from there to version %d: %v", again.Version, err)
			}
			if dropped, err := projector.DropOld(t.Context(), control, readmodel.Previous); err != nil || !slices.Equal(dropped, []int{1}) {
				t.Errorf("dropped %v: %v", dropped, err)
			}
			cancel()
			if err := <-read; err != nil {
				t.Errorf("after %d reads: %v", reads.Load(), err)
			}
			stop()
			if got, differences := s.verify(t, live); len(differences) > 0 {
				t.Errorf("in the end: %+v, differences: %+v", got, differences)
			}
		})
	}
}

// lacksWhatCameLater says where the tables differ from a fresh fold: in columns and rows
// that the first migration had no place for, and only there.
func (s *site) lacksWhatCameLater(t *testing.T, live readmodel.Store) {
	t.Helper()
	later := []string{
		"messages", "redacted", "about", "version", "history", "invited", "read_seq", "delivered", "last_post", "muted", "archived", "hidden",
	}
	_, differences := s.verify(t, live)
	for _, d := range differences {
		first := slices.Contains(firstTables, d.Table)
		if first && (len(d.Columns) == 0 || slices.ContainsFunc(d.Columns, func(c string) bool { return !slices.Contains(later, c) })) {
			t.Errorf("what the first migration has a place for differs: %+v", d)
		}
	}
	if len(differences) == 0 {
		t.Fatal("what was folded at first lacks nothing")
	}
}

// talkOfToday is what came since, in rooms of then: all of a conversation's events,
// about messages of then too.
func talkOfToday(t *testing.T) []events.Message {
	t.Helper()
	old := roomtest.OldLogs(t)[0]
	folded := roomtest.Fold(atOnce(old.Records))
	lobby := folded.Rooms[roomtest.Key{Tenant: "main", Room: "lobby"}]
	owner := lobby.Header.Creator
	r := roomtest.NewRoom(t, owner) // its creation is a repetition
	for _, id := range slices.Sorted(maps.Keys(lobby.Priors)) {
		prior := lobby.Priors[id]
		if prior.Type != events.TypeMessagePosted || prior.Seq == 0 {
			continue
		}
		by := events.Command{Sender: owner}
		r.Append(events.ReactionAdded{Command: by, Target: id, Key: "+1"}, struct{}{})
		r.Append(events.MessagePinned{Command: by, Target: id}, struct{}{})
		r.Append(events.MessageEdited{Command: events.Command{Sender: prior.Sender}, Target: id, Base: 1, TextBytes: 3}, events.MessageContent{Text: "new"})
		r.Append(events.MessagePosted{Command: by, Kind: "text", ThreadRoot: id, Mentions: []events.UserID{"bob"}}, events.MessageContent{})
		if prior.Seq%3 == 0 {
			r.Append(events.MessageRedacted{Command: by, Target: id}, events.RedactionContent{})
		}
	}
	r.Append(events.MarkMoved{Command: events.Command{Sender: owner}, Mark: events.MarkRead, Seq: 3}, struct{}{})
	return roomtest.Messages(r.Records())
}

// atOnce leaves out when commands expire: the log of a test takes them long after.
func atOnce(records []roomtest.Record) []roomtest.Record {
	out := slices.Clone(records)
	for i, r := range out {
		out[i].Message.Headers = slices.DeleteFunc(slices.Clone(r.Message.Headers), func(h events.Header) bool {
			return h.Key == events.HeaderExpiry
		})
	}
	return out
}

// foldAtFirst writes the log of rules 1 and leaves tables as a program of then would
// have folded it into: with the columns that the first migration has, and before there
// was a control.
func (s *site) foldAtFirst(t *testing.T) {
	t.Helper()
	s.append(t, roomtest.Messages(atOnce(roomtest.OldLogs(t)[0].Records)))
	_, stop := s.start(t, projector.Config{})
	store, err := driver.Open(t.Context(), driver.Config{Address: s.database})
	if err != nil {
		t.Fatal(err)
	}
	s.folded(t, store)
	stop()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(s.database, "postgres") {
		s.shrinkPostgres(t)
	} else {
		s.shrinkSQLite(t)
	}
}

// firstTables are those of the first migration.
var firstTables = []string{"checkpoints", "rooms", "members", "events", "outcomes", "bad_records", "dead_letters"}

func (s *site) shrinkPostgres(t *testing.T) {
	t.Helper()
	db := openDB(t, "pgx", s.database)
	exec(t, db, `DROP SCHEMA roomlog_control CASCADE; ALTER SCHEMA roomlog_v1 RENAME TO today; CREATE SCHEMA roomlog_v1; SET search_path TO roomlog_v1`)
	exec(t, db, firstMigration(t, migrations.Postgres()))
	copyRows(t, db)
	exec(t, db, `ALTER TABLE today.schema_migrations SET SCHEMA roomlog_v1; DELETE FROM schema_migrations WHERE version_id > 1; DROP SCHEMA today CASCADE`)
}

func (s *site) shrinkSQLite(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.database, "readmodel-v1.db")
	today := path + ".today"
	if err := errors.Join(os.Rename(path, today), os.Remove(filepath.Join(s.database, "control.db"))); err != nil {
		t.Fatal(err)
	}
	db := openDB(t, "sqlite", "file:"+path)
	exec(t, db, `ATTACH '`+today+`' AS today`)
	exec(t, db, firstMigration(t, migrations.SQLite()))
	var versions string
	if err := db.QueryRowContext(t.Context(), `SELECT sql FROM today.sqlite_schema WHERE name = 'schema_migrations'`).Scan(&versions); err != nil {
		t.Fatal(err)
	}
	exec(t, db, versions+`; INSERT INTO schema_migrations SELECT * FROM today.schema_migrations WHERE version_id <= 1`)
	exec(t, db, `ALTER TABLE today.events RENAME TO placed; CREATE VIEW today.events AS SELECT r.tenant, r.room, e.* FROM placed e JOIN rooms r ON r.number = e.number`)
	copyRows(t, db)
}

// openDB opens a database with one connection, whose settings stay.
func openDB(t *testing.T, driver, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec(t *testing.T, db *sql.DB, statements string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

func firstMigration(t *testing.T, files fs.FS) string {
	t.Helper()
	file, err := fs.ReadFile(files, "00001_read_model.sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

// copyRows copies what the tables have columns for.
func copyRows(t *testing.T, db *sql.DB) {
	t.Helper()
	for _, table := range firstTables {
		list := columnsOf(t, db, table)
		exec(t, db, `INSERT INTO `+table+` (`+list+`) SELECT `+list+` FROM today.`+table)
	}
}

func columnsOf(t *testing.T, db *sql.DB, table string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err := errors.Join(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	return strings.Join(columns, ", ")
}
