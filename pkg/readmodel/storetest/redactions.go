package storetest

import (
	"context"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func testRedactions(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	tell := func(k readmodel.Key) *roomBuilder {
		return p.room(k).created("ann", events.RoomPublic, "Lobby"). // 1
										says("ann", "two", nil).says("bob", "three", nil).says("ann", "four", nil). // 2, 3, 4
										edits("ann", 2, "two, edited").edits("bob", 3, "three, edited").            // 5, 6
										replies("bob", 2).                                                          // 7
										mentions(2, false, "bob").mentions(3, true).mentions(4, false, "bob")
	}
	r := tell(inMain(lobby))
	tell(inMain("other"))
	p.commit(t)

	// gone tells which events are redacted, and by which.
	gone := func(k readmodel.Key) map[events.Seq]events.Seq {
		t.Helper()
		by := map[events.Seq]events.Seq{}
		for _, e := range read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.EventRow, error) {
			return rd.Events(ctx, k, 0, nil, 100)
		}) {
			if e.Redacted > 0 {
				by[e.Seq] = e.Redacted
			}
			if e.Redacted > 0 && e.Content != "{}" || e.Facts == "{}" {
				t.Errorf("event %d has content %s and facts %s", e.Seq, e.Content, e.Facts)
			}
		}
		return by
	}
	mentioned := func(k readmodel.Key) (seqs []string) {
		for _, d := range dump(t, s) {
			if prefix := string(k.Tenant) + " " + string(k.Room) + " 000000000000000000"; d.Table == "mentions" && len(d.Key) > len(prefix) && d.Key[:len(prefix)] == prefix {
				seqs = append(seqs, d.Key[len(prefix):])
			}
		}
		return seqs
	}
	equal(t, "before", gone(r.key), map[events.Seq]events.Seq{})
	equal(t, "mentions before", mentioned(r.key), []string{"2 bob", "3 *", "4 bob"})

	r.redacts("ann", room.Redaction{From: 2, To: 2}) // 8
	p.commit(t)
	equal(t, "one", gone(r.key), map[events.Seq]events.Seq{2: 8, 5: 8})
	equal(t, "mentions after one", mentioned(r.key), []string{"3 *", "4 bob"})

	r.redacts("ann", room.Redaction{From: 1, To: 8, Author: "bob"}) // 9
	p.commit(t)
	want := map[events.Seq]events.Seq{2: 8, 5: 8, 3: 9, 6: 9, 7: 9}
	equal(t, "those of one author", gone(r.key), want)
	equal(t, "mentions after those of one author", mentioned(r.key), []string{"4 bob"})

	// In one batch with the message and its mentions; what is gone stays as it is.
	r.says("ann", "ten", nil).mentions(10, false, "bob").says("bob", "eleven", nil).redacts("ann", room.Redaction{From: 2, To: 10}) // 12
	p.commit(t)
	want[4], want[10] = 12, 12
	equal(t, "all before", gone(r.key), want)
	equal(t, "mentions after all before", mentioned(r.key), []string(nil))
	equal(t, "a prior", viewOf(t, s, r.key, room.Needs{Priors: []events.EventID{eventID(lobby, 4)}}).Priors[eventID(lobby, 4)],
		room.Prior{Type: events.TypeMessagePosted, Sender: "ann", Seq: 4, Redacted: 12})

	other := inMain("other")
	equal(t, "another room", gone(other), map[events.Seq]events.Seq{})
	equal(t, "mentions in another room", mentioned(other), []string{"2 bob", "3 *", "4 bob"})

	// A room that is deleted has no content at all.
	p.room(other).redacts("ann", room.Redaction{From: 3, To: 3}) // 8
	p.commit(t)
	p.room(other).redacts("ann", room.Redaction{From: 1, To: 9, All: true}) // 9
	p.commit(t)
	equal(t, "all of the other room", gone(other), map[events.Seq]events.Seq{2: 9, 3: 8, 4: 9, 5: 9, 6: 8, 7: 9})
	for _, e := range read(t, s, func(ctx context.Context, rd readmodel.Reader) ([]readmodel.EventRow, error) {
		return rd.Events(ctx, other, 0, nil, 100)
	}) {
		if e.Content != "{}" || e.Facts == "{}" {
			t.Errorf("after the end of the room: %+v", e)
		}
	}
	equal(t, "mentions after the end of the room", mentioned(other), []string(nil))
	equal(t, "the room that is left", gone(r.key), want)
}

// testMentions has the mentions of a message become others.
func testMentions(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").says("ann", "two", nil).says("ann", "three", nil).
		mentions(2, false, "bob", "carl").mentions(3, false, "bob")
	p.commit(t)
	mentioned := func() (keys []string) {
		for _, d := range dump(t, s) {
			if d.Table == "mentions" {
				keys = append(keys, d.Key)
			}
		}
		return keys
	}
	key := func(seq, user string) string { return "main lobby 000000000000000000" + seq + " " + user }
	equal(t, "at first", mentioned(), []string{key("2", "bob"), key("2", "carl"), key("3", "bob")})
	r.edits("ann", 2, "edited").mentions(2, false, "carl", "dora")
	p.commit(t)
	equal(t, "others", mentioned(), []string{key("2", "carl"), key("2", "dora"), key("3", "bob")})
	r.edits("ann", 2, "edited").mentions(2, true, "carl")
	p.commit(t)
	equal(t, "everyone", mentioned(), []string{key("2", "*"), key("3", "bob")})
	r.edits("ann", 2, "edited").mentions(2, false)
	p.commit(t)
	equal(t, "nobody", mentioned(), []string{key("3", "bob")})
}
