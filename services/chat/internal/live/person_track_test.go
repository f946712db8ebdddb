package live

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// shelf has the events of two rooms that take turns in one partition, and gives two of
// them at a time.
type shelf struct{ frames []*Frame }

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{}
	for o := range events.Offset(10) {
		row := posted(readmodel.Key{Tenant: "main", Room: events.RoomID("ab"[o%2 : o%2+1])}, events.Seq(o/2+1))
		row.Offset = o
		f, err := NewFrame(&row)
		if err != nil {
			t.Fatal(err)
		}
		s.frames = append(s.frames, f)
	}
	return s
}

func (s *shelf) Heads(context.Context) (Heads, error) {
	end := events.Offset(len(s.frames))
	heads := Heads{Next: []events.Offset{end}}
	for i, r := range []events.RoomID{"a", "b"} {
		heads.Rooms = append(heads.Rooms, Head{Room: r, Member: true, Since: 1, Last: end - 2 + events.Offset(i), Blocked: -1})
	}
	return heads, nil
}

func (s *shelf) Stretch(_ context.Context, r events.RoomID, from Place, below events.Offset) (p RoomPage, _ error) {
	for _, f := range s.frames {
		if f.Room != r || f.Offset < from.Offset || f.Offset >= below {
			continue
		}
		if len(p.Frames) == 2 {
			p.More = true
			return p, nil
		}
		p.Frames = append(p.Frames, f)
		p.Next = Place{Offset: f.Offset + 1, After: f.Seq}
	}
	return p, nil
}

// replay shows what there is behind a cursor, in at most so many pages. Of each event it
// keeps the cursor behind it, and at last the one that the track would end with.
func (s *shelf) replay(t *testing.T, from Cursor, pages int) (seen []string, cursors []Cursor) {
	t.Helper()
	hub := NewHub(slog.New(slog.DiscardHandler), nil)
	track := &PersonTrack{
		Log: events.LogID{1}, Epoch: 1, User: "alice", Reads: s, Sub: hub.SubscribePerson("main", "alice", nil),
		PartitionOf: func(events.RoomID) events.Partition { return 0 },
	}
	defer track.Sub.Close()
	now, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	track.Begin(from, now)
	for more := true; more && pages > 0; pages-- {
		if more, _, err = track.Replay(t.Context(), func(f *Frame) error {
			seen, cursors = append(seen, fmt.Sprintf("%s/%d", f.Room, f.Seq)), append(cursors, track.cursor())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return seen, append(cursors, track.cursor())
}

// TestPersonTrackIsCutOff ends the replay of a person's rooms behind each event, and
// behind each page: who goes on from there has each event once.
func TestPersonTrackIsCutOff(t *testing.T) {
	s := newShelf(t)
	begin := Cursor{At: events.VectorOf(events.LogID{1}, 1, []events.Offset{0})}
	all, cursors := s.replay(t, begin, 100)
	want := []string{"a/1", "a/2", "a/3", "a/4", "a/5", "b/1", "b/2", "b/3", "b/4", "b/5"}
	if !slices.Equal(all, want) {
		t.Fatalf("all: %v", all)
	}
	goesOn := func(how string, seen []string, from Cursor) {
		t.Helper()
		parsed, err := ParseCursor(from.String())
		if err != nil {
			t.Fatal(err)
		}
		if rest, _ := s.replay(t, parsed, 100); !slices.Equal(slices.Concat(seen, rest), want) {
			t.Errorf("%s: %v, then %v", how, seen, rest)
		}
	}
	for i, c := range cursors {
		goesOn(fmt.Sprintf("behind %d events", i+1), want[:min(i+1, len(want))], c)
	}
	for pages := range 9 {
		seen, cursors := s.replay(t, begin, pages)
		goesOn(fmt.Sprintf("behind %d pages", pages), seen, cursors[len(cursors)-1])
	}
}
