package live

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

var lobby = readmodel.Key{Tenant: "main", Room: "lobby"}

func posted(k readmodel.Key, seq events.Seq) readmodel.EventRow {
	return readmodel.EventRow{
		Key: k, Seq: seq, ID: "e", Type: events.TypeMessagePosted, Sender: "alice",
		Facts: `{"sender":"alice","kind":"text","text_bytes":2}`, Content: `{"text":"a\nb"}`,
	}
}

func membership(k readmodel.Key, seq events.Seq, user events.UserID, m events.Membership) readmodel.EventRow {
	facts, _ := json.Marshal(events.MemberChanged{Command: events.Command{Sender: user}, Target: user, Membership: m})
	return readmodel.EventRow{Key: k, Seq: seq, ID: "m", Type: events.TypeMemberChanged, Sender: user, Facts: string(facts), Content: `{}`}
}

func TestHubDeliversToTheRoom(t *testing.T) {
	h := NewHub(slog.New(slog.DiscardHandler))
	a, b := h.Subscribe(lobby, 0), h.Subscribe(lobby, 0)
	other := h.Subscribe(readmodel.Key{Tenant: "other", Room: "lobby"}, 0)
	h.Deliver([]readmodel.EventRow{posted(lobby, 1), posted(lobby, 2)})
	for _, s := range []*Subscription{a, b} {
		if one, two := <-s.Frames(), <-s.Frames(); one.Seq != 1 || two.Seq != 2 {
			t.Errorf("seqs %d, %d", one.Seq, two.Seq)
		}
	}
	if len(other.Frames()) != 0 {
		t.Error("another tenant's room got the events")
	}
	a.Close()
	a.Close() // twice is no harm
	h.Deliver([]readmodel.EventRow{posted(lobby, 3)})
	if len(a.Frames()) != 0 || len(b.Frames()) != 1 {
		t.Error("closed, or open, follower got the wrong events")
	}
	b.Close()
	other.Close()
	if h.Followers() != 0 || len(h.rooms) != 0 {
		t.Errorf("%d followers of %d rooms are left", h.Followers(), len(h.rooms))
	}
}

func TestHubNeverWaits(t *testing.T) {
	h := NewHub(slog.New(slog.DiscardHandler))
	slow := h.Subscribe(lobby, 0)
	for i := range buffer + 10 {
		h.Deliver([]readmodel.EventRow{posted(lobby, events.Seq(i+1))})
	}
	if len(slow.Frames()) != buffer {
		t.Errorf("%d events wait", len(slow.Frames()))
	}
	select {
	case <-slow.Stale():
	default:
		t.Error("the follower was not told that events are missing")
	}
}

func TestHubResyncsAPartition(t *testing.T) {
	h := NewHub(slog.New(slog.DiscardHandler))
	here, there := h.Subscribe(lobby, 1), h.Subscribe(readmodel.Key{Tenant: "main", Room: "other"}, 2)
	h.Resync(1)
	h.Resync(1)
	if len(here.Stale()) != 1 || len(there.Stale()) != 0 {
		t.Errorf("stale: %d here, %d there", len(here.Stale()), len(there.Stale()))
	}
}

func TestFrame(t *testing.T) {
	row := posted(lobby, 7)
	f, err := NewFrame(&row)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(f.SSE), "\n")
	if len(lines) != 5 || lines[0] != "id: 7" || lines[1] != "event: message.posted" || lines[3] != "" || lines[4] != "" {
		t.Fatalf("frame %q", f.SSE)
	}
	var item readmodel.Item
	if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[2], "data: ")), &item); err != nil || item.Seq != 7 {
		t.Fatalf("%v, %+v", err, item)
	}
	left := membership(lobby, 8, "bob", events.MembershipLeave)
	if f, err = NewFrame(&left); err != nil || !f.Ends("bob") || f.Ends("alice") {
		t.Errorf("a leave: %v, %+v", err, f)
	}
	row.Facts = "{"
	if _, err := NewFrame(&row); err == nil {
		t.Error("a row that is no event was encoded")
	}
}
