package importer_test

import (
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/importer"
	"github.com/roomlog/roomlog/services/roomlog/internal/irc"
)

var ubuntu = importer.Room{Tenant: "main", ID: "ubuntu", Owner: importer.Importer}

const log = `=== a has joined
[12:00] <a> one
[12:01]  * b two
[12:02] <a>
[12:03] <b> four
`

func parse(t *testing.T, name, text string) irc.File {
	t.Helper()
	f, err := irc.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func plan(t *testing.T, b *importer.Builder, f irc.File, r irc.Replies) []importer.Planned {
	t.Helper()
	planned, err := b.File(f, r)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(planned)
}

func kinds(planned []importer.Planned) []importer.Kind {
	var out []importer.Kind
	for _, p := range planned {
		out = append(out, p.Kind)
	}
	return out
}

func TestWhoSpeaksFirstJoinsFirst(t *testing.T) {
	planned := plan(t, importer.NewBuilder(ubuntu, importer.Known{}), parse(t, "2004-12-25.raw.txt", log), nil)
	want := []importer.Kind{
		importer.RoomCreated, importer.Joined, importer.Notice, importer.Message, importer.Joined, importer.Action, importer.Message,
	}
	if !slices.Equal(kinds(planned), want) {
		t.Fatalf("kinds %v, want %v", kinds(planned), want)
	}
	for i, p := range planned {
		if _, err := events.Encode(&p.Event); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if p.Kind == importer.Joined && !p.Event.Time.Equal(planned[i+1].Event.Time) {
			t.Errorf("who speaks at %s joined at %s", planned[i+1].Event.Time, p.Event.Time)
		}
	}
	if got := planned[0].Event.Facts.By().Sender; got != importer.Importer {
		t.Errorf("the owner is %s", got)
	}
	if got := planned[4].Event.Facts.(events.MemberChanged); got.Sender != "irc:b" || got.Target != "irc:b" || got.Membership != events.MembershipJoin {
		t.Errorf("join %+v", got)
	}
	if got := planned[5].Event.Facts.(events.MessagePosted); got.Sender != "irc:b" || got.Kind != "action" || got.TextBytes != 3 {
		t.Errorf("action %+v", got)
	}
}

func TestIDsDependOnTheLineAlone(t *testing.T) {
	f := parse(t, "2004-12-25.raw.txt", log)
	first := plan(t, importer.NewBuilder(ubuntu, importer.Known{}), f, nil)
	b := importer.NewBuilder(ubuntu, importer.Known{})
	plan(t, b, parse(t, "2004-12-24.raw.txt", log), nil)
	later := plan(t, b, f, irc.Replies{1: 0})
	ids := func(planned []importer.Planned) map[events.EventID]string {
		out := map[events.EventID]string{}
		for _, p := range planned {
			out[p.Event.ID] = p.Event.Facts.By().Digest
		}
		return out
	}
	all := ids(first)
	if len(all) != len(first) {
		t.Fatalf("%d events have %d ids", len(first), len(all))
	}
	if len(later) != 4 { // no room, no joins
		t.Fatalf("kinds of the second file: %v", kinds(later))
	}
	for id, digest := range ids(later) {
		if all[id] != digest {
			t.Errorf("event %s: digest %q, then %q", id, all[id], digest)
		}
	}
	for name, other := range map[string][]importer.Planned{
		"room": plan(t, importer.NewBuilder(importer.Room{Tenant: "main", ID: "r", Owner: "o"}, importer.Known{}), f, nil),
		"file": plan(t, importer.NewBuilder(ubuntu, importer.Known{}), parse(t, "2004-12-26.raw.txt", log), nil),
	} {
		shared := 0
		for id := range ids(other) {
			if _, ok := all[id]; ok {
				shared++
			}
		}
		if want := map[string]int{"room": 0, "file": 3}[name]; shared != want { // the room and the joins are the room's
			t.Errorf("another %s shares %d ids, want %d", name, shared, want)
		}
	}
}

func TestDigestTellsAChangedLine(t *testing.T) {
	a := plan(t, importer.NewBuilder(ubuntu, importer.Known{}), parse(t, "2004-12-25.raw.txt", "[12:00] <a> one"), nil)[2].Event
	b := plan(t, importer.NewBuilder(ubuntu, importer.Known{}), parse(t, "2004-12-25.raw.txt", "[12:00] <a> two"), nil)[2].Event
	if a.ID != b.ID || a.Facts.By().Digest == b.Facts.By().Digest {
		t.Errorf("ids %s and %s, digests %s and %s", a.ID, b.ID, a.Facts.By().Digest, b.Facts.By().Digest)
	}
}

func TestRepliesReferToMessages(t *testing.T) {
	f := parse(t, "2004-12-25.raw.txt", log)
	planned := plan(t, importer.NewBuilder(ubuntu, importer.Known{}), f, irc.Replies{2: 1, 4: 3}) // line 3 is skipped
	replies := 0
	for _, p := range planned {
		m, ok := p.Event.Facts.(events.MessagePosted)
		if p.Reply != (ok && m.ReplyTo != "") {
			t.Errorf("event %s: %+v is counted as %t", p.Event.ID, m, p.Reply)
		}
		if p.Reply {
			replies++
			if m.Sender != "irc:b" || m.ReplyTo != planned[3].Event.ID {
				t.Errorf("%s answers %s", m.Sender, m.ReplyTo)
			}
		}
	}
	if replies != 1 {
		t.Errorf("%d replies", replies)
	}
}

// A room that somebody else made is taken as it is; its creator is in it.
func TestExistingRoom(t *testing.T) {
	f := parse(t, "2004-12-25.raw.txt", "[12:00] <a> one")
	created := &events.RoomCreated{Command: events.Command{Sender: "irc:a"}, Kind: events.RoomPublic}
	if got := kinds(plan(t, importer.NewBuilder(ubuntu, importer.Known{Created: created}), f, nil)); !slices.Equal(got, []importer.Kind{importer.Message}) {
		t.Errorf("kinds %v", got)
	}
}
