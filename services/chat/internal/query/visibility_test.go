package query

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// history is a room's events in memory, with what visibility takes.
type history struct {
	readmodel.Reader
	rows      []readmodel.EventRow
	stays     []room.Stay
	histories []room.HistoryChange
	looks     int // rows given
	reads     int // questions about visibility
}

func (h *history) Stays(context.Context, readmodel.Key, events.UserID) ([]room.Stay, error) {
	h.reads++
	return h.stays, nil
}

func (h *history) Histories(context.Context, readmodel.Key) ([]room.HistoryChange, error) {
	h.reads++
	return h.histories, nil
}

func (h *history) Events(_ context.Context, _ readmodel.Key, after events.Seq, types []events.Type, limit int) (out []readmodel.EventRow, _ error) {
	for _, r := range h.rows {
		if r.Seq > after && (len(types) == 0 || slices.Contains(types, r.Type)) && len(out) < limit {
			out = append(out, r)
		}
	}
	h.looks += len(out)
	return out, nil
}

// messages lists those in memory, as a reader's lists do.
func (h *history) messages(keep func(events.Seq) bool) (out []readmodel.MessageRow) {
	for _, r := range h.rows {
		if r.Type == events.TypeMessagePosted && keep(r.Seq) {
			out = append(out, readmodel.MessageRow{EventRow: r})
		}
	}
	h.looks += len(out)
	return out
}

func (h *history) list() list {
	return list{
		after: func(seq events.Seq, limit int) ([]readmodel.MessageRow, error) {
			out := h.messages(func(s events.Seq) bool { return s > seq })
			return out[:min(limit, len(out))], nil
		},
		before: func(seq events.Seq, limit int) ([]readmodel.MessageRow, error) {
			out := h.messages(func(s events.Seq) bool { return s < seq })
			return out[len(out)-min(limit, len(out)):], nil
		},
		last: 20,
	}
}

// visited is a room of 20 events under "joined": bob was invited by 3, in it from 5
// to 8, and is in it again since 15. 10 edits the message 6, 16 reacts to the message
// 11; 13 invites someone else.
func visited() (*history, room.Member) {
	h := &history{
		stays:     []room.Stay{{User: "bob", From: 5, Invited: 3, To: 8}},
		histories: []room.HistoryChange{{From: 1, History: events.HistoryJoined}},
	}
	of := map[events.Seq]readmodel.EventRow{
		1: {Type: events.TypeRoomCreated}, 3: changed("bob"), 5: changed("bob"), 8: changed("bob"), 13: changed("carol"), 15: changed("bob"),
		10: {Type: events.TypeMessageEdited, About: 6}, 16: {Type: events.TypeReactionAdded, About: 11},
	}
	for seq := events.Seq(1); seq <= 20; seq++ {
		row, ok := of[seq]
		if !ok {
			row.Type = events.TypeMessagePosted
		}
		row.Seq = seq
		h.rows = append(h.rows, row)
	}
	return h, room.Member{User: "bob", Membership: events.MembershipJoin, Since: 15}
}

func changed(u events.UserID) readmodel.EventRow {
	return readmodel.EventRow{Type: events.TypeMemberChanged, Version: 1, Facts: `{"sender":"alice","target":"` + string(u) + `","membership":"x"}`}
}

func visibilityOf(t *testing.T, h *history, m room.Member) Visibility {
	t.Helper()
	v, err := VisibilityOf(t.Context(), h, &room.Header{Version: 2}, m)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Given a room that bob visited, then his stretches have what is his to read, and
// the rest moves the cursor.
func TestStretch(t *testing.T) {
	for _, tc := range []struct {
		name   string
		after  events.Seq
		types  []events.Type
		limit  int
		seqs   string
		cursor events.Seq
		more   bool
	}{
		{"all", 0, nil, 50, "[3 5 6 7 8 15 17 18 19 20]", 20, false},
		{"bit by bit", 0, nil, 3, "[3 5 6]", 6, true},
		{"over a gap", 7, nil, 2, "[8 15]", 16, true},
		{"to the end", 17, nil, 3, "[18 19 20]", 20, false},
		{"behind the end", 25, nil, 3, "[]", 25, false},
		{"of a type", 0, []events.Type{events.TypeMessagePosted}, 50, "[6 7 17 18 19 20]", 20, false},
		{"about a hidden message", 15, []events.Type{events.TypeReactionAdded}, 50, "[]", 20, false},
		{"one's own from outside", 8, []events.Type{events.TypeMemberChanged}, 50, "[15]", 20, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, bob := visited()
			got, err := visibilityOf(t, h, bob).Stretch(t.Context(), h, readmodel.Key{}, tc.after, 20, tc.types, tc.limit)
			if err != nil {
				t.Fatal(err)
			}
			if seqs := fmt.Sprint(eventSeqs(got.Rows)); seqs != tc.seqs || got.Cursor != tc.cursor || got.More != tc.more {
				t.Errorf("%s cursor %d more %t, want %s %d %t", seqs, got.Cursor, got.More, tc.seqs, tc.cursor, tc.more)
			}
		})
	}
}

// A stretch ends after a bounded number of looks, however much is hidden.
func TestStretchIsBounded(t *testing.T) {
	h := &history{histories: []room.HistoryChange{{From: 1, History: events.HistoryJoined}}}
	for seq := events.Seq(1); seq <= 1000; seq++ {
		row := changed("someone")
		row.Seq = seq
		h.rows = append(h.rows, row)
	}
	bob := room.Member{User: "bob", Membership: events.MembershipJoin, Since: 1001}
	got, err := visibilityOf(t, h, bob).Stretch(t.Context(), h, readmodel.Key{}, 0, 1001, nil, 10)
	if err != nil || len(got.Rows) != 0 || !got.More || got.Cursor != 50 || h.looks > 60 {
		t.Errorf("%d events, cursor %d, more %t, %d looks, %v", len(got.Rows), got.Cursor, got.More, h.looks, err)
	}
}

func TestVisibleMessages(t *testing.T) {
	for _, tc := range []struct {
		name        string
		q           MessagesQuery
		seqs        string
		older, more bool
	}{
		{"newest", MessagesQuery{Direction: Before, Seq: 21, Limit: 3}, "[18 19 20]", true, false},
		{"over the gap", MessagesQuery{Direction: Before, Seq: 19, Limit: 3}, "[7 17 18]", true, true},
		{"from inside the gap", MessagesQuery{Direction: Before, Seq: 12, Limit: 3}, "[6 7]", false, true},
		{"before the first", MessagesQuery{Direction: Before, Seq: 6, Limit: 3}, "[]", false, true},
		{"after", MessagesQuery{Direction: After, Seq: 6, Limit: 3}, "[7 17 18]", true, true},
		{"after all", MessagesQuery{Direction: After, Seq: 20, Limit: 3}, "[]", true, false},
		{"around a hidden one", MessagesQuery{Direction: Around, Seq: 11, Limit: 4}, "[6 7 17 18]", false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, bob := visited()
			m := &moment{Reader: h}
			page, err := m.page(t.Context(), visibilityOf(t, h, bob), tc.q, h.list())
			if err != nil {
				t.Fatal(err)
			}
			seqs := []events.Seq{}
			for _, r := range page.Items {
				seqs = append(seqs, r.Seq)
			}
			if fmt.Sprint(seqs) != tc.seqs || (page.Prev != nil) != tc.older || (page.Next != nil) != tc.more {
				t.Errorf("%v older %t more %t, want %s %t %t", seqs, page.Prev != nil, page.Next != nil, tc.seqs, tc.older, tc.more)
			}
		})
	}
}

// There is no next page where what follows is hidden.
func TestLastMessageHidden(t *testing.T) {
	h, bob := visited()
	bob.Since = 30
	m := &moment{Reader: h}
	page, err := m.page(t.Context(), visibilityOf(t, h, bob), MessagesQuery{Direction: Before, Seq: 31, Limit: 3}, h.list())
	if err != nil || len(page.Items) != 2 || page.Next != nil {
		t.Errorf("%d messages, next %v, %v", len(page.Items), page.Next, err)
	}
}

// Whoever has left sees what they could see up to the event that took the room from
// them.
func TestVisibilityOfTheLeft(t *testing.T) {
	h, bob := visited()
	bob.Membership, bob.Since = events.MembershipLeave, 8
	if v := visibilityOf(t, h, bob); !v.Contains(5) || !v.Contains(8) || v.Contains(9) || v.Contains(4) {
		t.Errorf("spans %v", v.spans)
	}
	h.histories = nil
	if v := visibilityOf(t, h, bob); !v.Contains(1) || !v.Contains(8) || v.Contains(9) {
		t.Errorf("of an open room: spans %v", v.spans)
	}
}

// An open room's history costs nothing.
func TestOpenHistoryIsNotLookedUp(t *testing.T) {
	h, bob := visited()
	v, err := VisibilityOf(t.Context(), h, &room.Header{Version: 1}, bob)
	if err != nil || h.reads != 0 || !v.Contains(1) || !v.Contains(room.Endless) {
		t.Errorf("%d reads, spans %v, %v", h.reads, v.spans, err)
	}
}

func eventSeqs(rows []readmodel.EventRow) []events.Seq {
	out := []events.Seq{}
	for _, r := range rows {
		out = append(out, r.Seq)
	}
	return out
}
