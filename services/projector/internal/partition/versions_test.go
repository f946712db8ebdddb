package partition_test

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

var update = flag.Bool("update", false, "write golden files")

// judge1 is the fold of a program that knows version 1 of each type only.
func judge1(v *room.View, e *events.Event, at time.Time) (room.Changes, room.Verdict) {
	if e.Version > 1 {
		unknown := *e
		unknown.Facts, unknown.RawFacts, unknown.Content = nil, "", nil
		e = &unknown
	}
	return room.Apply(v, e, at)
}

// A projector that was not upgraded before the producers parks the rooms in which a
// newer version stands, and no other. Upgraded, and the rooms released, it has the
// tables of one that always knew.
func TestNewerProducerOlderProjector(t *testing.T) {
	for seed := range uint64(5) {
		l := newLog(roomtest.History(roomtest.Config{Records: 400}, seed)...)
		knew := openStore(t)
		catchUp(t, config(knew), l, 1)

		store, book := openStore(t), newBook(t)
		c := configBy(store, book)
		c.Judge = judge1
		catchUp(t, c, l, 2)
		blocked := blockedRooms(t, store)
		newer := map[string]bool{}
		for _, r := range l.records {
			if strings.HasSuffix(r.Message.Header(events.HeaderType), ".v2") {
				newer[string(r.Message.Key)] = true
			}
		}
		for _, d := range blocked {
			if !newer[events.Key(d.Tenant, d.Room)] || d.Code != room.CodeUnknownType || d.Type != "message.redacted.v2" {
				t.Errorf("seed %d: room %s is blocked by %s (%s)", seed, d.Room, d.Type, d.Code)
			}
		}
		if len(blocked) != len(newer) || len(blocked) == 0 {
			t.Errorf("seed %d: %d rooms are blocked, %d have a newer version", seed, len(blocked), len(newer))
		}
		others := func(row readmodel.DumpRow) bool {
			id := strings.Fields(row.Key)
			return row.Table != "revocations" && newer[id[0]+"/"+id[1]]
		}
		got, want := slices.DeleteFunc(dumpOf(t, store), others), slices.DeleteFunc(dumpOf(t, knew), others)
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: other rooms have %d rows, not the %d that they should", seed, len(got), len(want))
		}

		for _, d := range blocked { // the projector is upgraded, an operator releases them
			r := release(d.Room)
			r.Tenant = d.Tenant
			decide(t, book, r)
		}
		catchUp(t, configBy(store, book), l, 3)
		wantDump(t, "after the upgrade", store, dumpOf(t, knew))
	}
}

func blockedRooms(t *testing.T, s readmodel.Store) (all []readmodel.DeadLetter) {
	t.Helper()
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) (err error) {
		all, err = r.BlockedRooms(t.Context(), 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A projector that knows more than the producers has the tables that it would have of
// newer ones, apart from the facts themselves, which stay as they were written.
func TestOlderProducerNewerProjector(t *testing.T) {
	older2, newer2 := 0, 0
	for seed := range uint64(5) {
		written := roomtest.History(roomtest.Config{Records: 400}, seed)
		older := slices.Clone(written)
		for i, r := range older {
			older[i].Message = roomtest.Older(r.Message)
		}
		fold := func(records []roomtest.Record) (rows []readmodel.DumpRow, versions map[string]int) {
			s := openStore(t)
			catchUp(t, config(s), newLog(records...), 1)
			rows, versions = dumpOf(t, s), map[string]int{}
			for i, row := range rows {
				if row.Table == "events" {
					var typ string
					rows[i].Value, typ = withoutVersion(t, row.Value)
					versions[typ]++
				}
			}
			return rows, versions
		}
		was, oldVersions := fold(older)
		is, newVersions := fold(written)
		if !slices.Equal(was, is) {
			t.Errorf("seed %d: the tables differ", seed)
		}
		older2, newer2 = older2+oldVersions["message.redacted.v2"], newer2+newVersions["message.redacted.v2"]
	}
	if older2 != 0 || newer2 == 0 {
		t.Errorf("of version 2 are %d events of older producers, %d of newer ones", older2, newer2)
	}
}

// withoutVersion gives an event's row with its facts as they are in the newest version,
// and the type with the version that it has.
func withoutVersion(t *testing.T, row string) (value, typ string) {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal([]byte(row), &e); err != nil {
		t.Fatal(err)
	}
	typ = e["type"].(string)
	base, version := events.SplitType(typ)
	facts, err := events.DecodeFacts(base, version, e["facts"].(string))
	if err != nil {
		t.Fatal(err)
	}
	e["type"], e["facts"] = base, facts
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), typ
}

// Logs that were written long ago give the tables that they gave: testdata/tables.
// Where the tables get another shape, "-update" writes it; what differs then is to be
// that shape and nothing else.
func TestOldLogsGiveTheSameTables(t *testing.T) {
	for _, old := range roomtest.OldLogs(t) {
		s := openStore(t)
		catchUp(t, config(s), newLog(old.Records...), 1)
		var b strings.Builder
		for _, row := range dumpOf(t, s) {
			b.WriteString(row.Table + " " + row.Key + " " + row.Value + "\n")
		}
		path := "testdata/tables/" + old.Name + ".golden"
		if *update {
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() == string(want) {
			continue
		}
		got, was := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(got), len(was)) {
			if got[i] != was[i] {
				t.Fatalf("%s: row %d is\n%s\nit was\n%s", old.Name, i, got[i], was[i])
			}
		}
		t.Fatalf("%s: %d rows, there were %d", old.Name, len(got), len(was))
	}
}
