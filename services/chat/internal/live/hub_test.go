package live

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

var lobby = readmodel.Key{Tenant: "main", Room: "lobby"}

func posted(k readmodel.Key, seq events.Seq) readmodel.EventRow {
	return readmodel.EventRow{
		Key: k, Seq: seq, ID: "e", Type: events.TypeMessagePosted, Version: 1, Sender: "alice",
		Facts: `{"sender":"alice","kind":"text","text_bytes":2}`, Content: `{"text":"a\nb"}`,
	}
}

func deleted(k readmodel.Key, seq events.Seq) readmodel.EventRow {
	return readmodel.EventRow{Key: k, Seq: seq, ID: "d", Type: events.TypeRoomDeleted, Version: 1, Sender: "alice", Facts: `{"sender":"alice"}`, Content: `{}`}
}

func membership(k readmodel.Key, seq events.Seq, user events.UserID, m events.Membership) readmodel.EventRow {
	facts, _ := json.Marshal(events.MemberChanged{Command: events.Command{Sender: user}, Target: user, Membership: m})
	return readmodel.EventRow{Key: k, Seq: seq, ID: "m", Type: events.TypeMemberChanged, Version: 1, Sender: user, Facts: string(facts), Content: `{}`}
}

// took gives the seqs of what waits for a follower, and whether it is to look at
// the read model.
func took(s *Subscription) (seqs []events.Seq, stale bool) {
	frames, parts := s.Take()
	for _, f := range frames {
		seqs = append(seqs, f.Seq)
	}
	return seqs, len(parts) > 0
}

func gets(t *testing.T, s *Subscription, want ...events.Seq) {
	t.Helper()
	if got, stale := took(s); stale || !slices.Equal(got, want) {
		t.Errorf("got %v, stale %t, want %v", got, stale, want)
	}
}

func TestHubDeliversToTheRoom(t *testing.T) {
	h := NewHub(slog.New(slog.DiscardHandler), nil)
	a, b := h.Subscribe(lobby, 0), h.Subscribe(lobby, 0)
	other := h.Subscribe(readmodel.Key{Tenant: "other", Room: "lobby"}, 0)
	h.Deliver([]readmodel.EventRow{posted(lobby, 1), posted(lobby, 2)}, nil)
	gets(t, a, 1, 2)
	gets(t, b, 1, 2)
	gets(t, other)
	a.Close()
	a.Close() // twice is no harm
	h.Deliver([]readmodel.EventRow{posted(lobby, 3)}, nil)
	gets(t, a)
	gets(t, b, 3)
	b.Close()
	other.Close()
	if h.Followers() != 0 || len(h.rooms) != 0 {
		t.Errorf("%d followers of %d rooms are left", h.Followers(), len(h.rooms))
	}
}

// Who follows a person has a room from the event that lets them in to the one that
// takes it away, and hears of what is between only while they are in.
func TestHubFollowsAPerson(t *testing.T) {
	h := NewHub(slog.New(slog.DiscardHandler), nil)
	bob := h.SubscribePerson("main", "bob", nil)
	chosen := h.SubscribePerson("main", "bob", map[events.RoomID]bool{"other": true})
	h.Deliver([]readmodel.EventRow{
		posted(lobby, 1),
		membership(lobby, 2, "bob", events.MembershipInvite),
		posted(lobby, 3),
		membership(lobby, 4, "bob", events.MembershipJoin),
		posted(lobby, 5),
		membership(lobby, 6, "alice", events.MembershipLeave),
		membership(lobby, 7, "bob", events.MembershipBan),
		posted(lobby, 8),
	}, nil)
	gets(t, bob, 2, 4, 5, 6, 7)
	gets(t, chosen)
	if bob.Attach("lobby"); !bob.Attach("den") || bob.Attach("den") {
		t.Error("a room that is followed was added, or one that is not was none")
	}
	h.Deliver([]readmodel.EventRow{posted(lobby, 9), deleted(lobby, 10), posted(lobby, 11)}, nil)
	gets(t, bob, 9, 10)
	bob.Close()
	chosen.Close()
	if h.Followers() != 0 || len(h.rooms) != 0 || len(h.persons) != 0 || bob.Attach("lobby") {
		t.Errorf("%d followers, %d rooms, %d persons are left", h.Followers(), len(h.rooms), len(h.persons))
	}
}

func TestHubNeverWaits(t *testing.T) {
	h := NewHub(slog.New(slog.DiscardHandler), nil)
	slow := h.Subscribe(lobby, 0)
	for i := range buffer + 10 {
		h.Deliver([]readmodel.EventRow{posted(lobby, events.Seq(i+1))}, nil)
	}
	if seqs, stale := took(slow); len(seqs) != buffer || !stale {
		t.Errorf("%d events wait, stale %t", len(seqs), stale)
	}
	h.Deliver([]readmodel.EventRow{posted(lobby, buffer+11)}, nil)
	gets(t, slow, buffer+11)
}

// What is ephemeral is the first that the slow do without.
func TestHubDropsTheEphemeralFirst(t *testing.T) {
	h := NewHub(slog.New(slog.DiscardHandler), nil)
	slow := h.Subscribe(lobby, 0)
	typing, err := NewEphemeral(lobby, "typing", struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	for range buffer {
		h.Tell(typing, lobby)
	}
	for i := range buffer - ephemeralBuffer {
		h.Deliver([]readmodel.EventRow{posted(lobby, events.Seq(i+1))}, nil)
	}
	if seqs, stale := took(slow); len(seqs) != buffer || seqs[ephemeralBuffer-1] != 0 || seqs[ephemeralBuffer] != 1 || stale {
		t.Errorf("seqs %v, stale %t", seqs, stale)
	}
}

func TestHubResyncsAPartition(t *testing.T) {
	h := NewHub(slog.New(slog.DiscardHandler), nil)
	here, there := h.Subscribe(lobby, 1), h.Subscribe(readmodel.Key{Tenant: "main", Room: "other"}, 2)
	bob := h.SubscribePerson("main", "bob", nil)
	h.Resync(1)
	h.Resync(1)
	h.Deliver([]readmodel.EventRow{posted(lobby, 1)}, nil) // will be read with the rest
	for s, want := range map[*Subscription][]events.Partition{here: {1}, there: nil, bob: {1}} {
		if _, stale := s.Take(); !slices.Equal(stale, want) {
			t.Errorf("stale %v, want %v", stale, want)
		}
	}
}

func TestFrame(t *testing.T) {
	row := posted(lobby, 7)
	f, err := NewFrame(&row)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(f.SSE), "\n")
	if len(lines) != 4 || lines[0] != "event: message.posted" || lines[1] != "data: "+string(f.Item) || lines[2] != "" || lines[3] != "" {
		t.Fatalf("frame %q", f.SSE)
	}
	var item readmodel.Item
	if err := json.Unmarshal(f.Item, &item); err != nil || item.Seq != 7 {
		t.Fatalf("%v, %+v", err, item)
	}
	left := membership(lobby, 8, "bob", events.MembershipLeave)
	if f, err = NewFrame(&left); err != nil || f.Ends("bob") != EndNotAMember || f.Ends("alice") != "" {
		t.Errorf("a leave: %v, %+v", err, f)
	}
	row.Facts = "{"
	if _, err := NewFrame(&row); err == nil {
		t.Error("a row that is no event was encoded")
	}
}
