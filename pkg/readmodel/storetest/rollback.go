package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// everything does something to each table.
func everything(p *projector) {
	r := p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").becomes("bob", events.MembershipJoin).says("bob", "hi", nil).
		state(3, room.MessageState{Pinned: 3}).reacts("ann", 3, "+1", false).reacts("ann", 3, "-1", true).
		readsThread("ann", 3, 3).revokes("ann", 7).mentions(3, false, "ann")
	p.batch.Stays = append(p.batch.Stays, readmodel.StayRow{Key: r.key, Stay: room.Stay{User: "eve", From: 1, To: 2}})
	p.batch.Histories = append(p.batch.Histories, readmodel.HistoryRow{Key: r.key, HistoryChange: room.HistoryChange{From: 1, History: events.HistoryJoined}})
	p.batch.Redactions = append(p.batch.Redactions, readmodel.RedactionRow{Key: inMain("other"), Redaction: room.Redaction{From: 1, To: 3, By: 4}})
	r.verdict("rejected", "eve", "rejected", "not_a_member")
	p.bad("no key")
	p.room(inMain("stuck")).parked("unknown", "unknown_type")
	p.batch.Unparked = append(p.batch.Unparked, readmodel.Parked{Key: inMain("was stuck")})
}

// rowsOfEverything: two members, three events, and one of each other table that
// is dumped.
const rowsOfEverything = 2 + 3 + 9

// nothing tells whether the store has no rows, nor moved its checkpoint.
func nothing(t testing.TB, what string, s readmodel.Store, floor maybe[readmodel.Checkpoint]) {
	t.Helper()
	if rows := dump(t, s); len(rows) > 0 {
		t.Errorf("%s: left rows: %v", what, rows)
	}
	equal(t, what+": checkpoint", checkpoint(t, s, floor.Value.Partition), floor)
	counts := read(t, s, func(ctx context.Context, r readmodel.Reader) (map[events.Partition]readmodel.Counts, error) {
		return r.Counts(ctx)
	})
	equal(t, what+": set aside", counts, map[events.Partition]readmodel.Counts{})
}

func testRollback(t *testing.T, open Open) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	everything(p)
	batch, floor := p.take(), checkpoint(t, s, 0)

	failure := errors.New("the fold failed")
	err := s.Fold(t.Context(), p.fence(), Needs(1), func(readmodel.Rows) (readmodel.Batch, error) { return batch, failure })
	if !errors.Is(err, failure) {
		t.Errorf("an error of the fold: got %v", err)
	}
	nothing(t, "an error of the fold", s, floor)

	ctx, cancel := context.WithCancel(t.Context())
	err = s.Fold(ctx, p.fence(), Needs(1), func(readmodel.Rows) (readmodel.Batch, error) {
		cancel()
		return batch, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in the fold: got %v", err)
	}
	nothing(t, "cancelled in the fold", s, floor)

	if err = s.Fold(ctx, p.fence(), nil, func(readmodel.Rows) (readmodel.Batch, error) { return batch, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: got %v", err)
	}
	if _, err = s.Claim(ctx, 0, aLog, "late"); !errors.Is(err, context.Canceled) {
		t.Errorf("claim cancelled before: got %v", err)
	}
	if err = s.Snapshot(ctx, func(readmodel.Reader) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("snapshot cancelled before: got %v", err)
	}
	nothing(t, "cancelled before", s, floor)

	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic of the fold was swallowed")
			}
		}()
		_ = s.Fold(t.Context(), p.fence(), Needs(1), func(readmodel.Rows) (readmodel.Batch, error) { panic("the fold panics") })
	}()
	nothing(t, "a panic of the fold", s, floor)

	if _, err := p.fold(t.Context(), Needs(1), batch); err != nil {
		t.Fatal("the same batch in the end:", err)
	}
	if rows := dump(t, s); len(rows) != rowsOfEverything {
		t.Errorf("the same batch in the end: %d rows: %v", len(rows), rows)
	}
}

func testFaults(t *testing.T, open Open) {
	failure := errors.New("injected")
	var statements []string
	var failing string
	s := open(t, func(statement string) error {
		statements = append(statements, statement)
		if statement == failing {
			return failure
		}
		return nil
	})
	p := claimed(t, s, 0)
	everything(p)
	batch, floor := p.take(), checkpoint(t, s, 0)

	for _, failing = range []string{
		"begin", "fence", "headers", "rooms", "members", "priors", "reactions",
		"unpark", "write rooms", "write members", "write message_states", "delete reactions", "write reactions", "write thread_marks",
		"write stays", "write histories", "write events", "delete mentions", "write mentions", "redact", "write outcomes", "write bad_records", "write dead_letters", "commit",
	} {
		statements = nil
		_, err := p.fold(t.Context(), Needs(1), batch)
		if !errors.Is(err, failure) {
			t.Errorf("%s fails: got error %v; ran %v", failing, err, statements)
		}
		nothing(t, failing+" fails", s, floor)
	}

	for _, failing = range []string{"begin", "claim"} {
		if _, err := s.Claim(t.Context(), 0, aLog, "late"); !errors.Is(err, failure) {
			t.Errorf("%s of a claim fails: got error %v", failing, err)
		}
		nothing(t, failing+" of a claim fails", s, floor)
	}

	failing = "committed" // an error, and yet it has happened
	if _, err := p.fold(t.Context(), Needs(1), batch); !errors.Is(err, failure) {
		t.Errorf("lost answer to the commit: got error %v", err)
	}
	if rows := dump(t, s); len(rows) != rowsOfEverything {
		t.Errorf("lost answer to the commit: %d rows: %v", len(rows), rows)
	}
	failing = ""
	if _, err := p.fold(t.Context(), nil, batch); !errors.Is(err, readmodel.ErrFenced) {
		t.Errorf("the same batch after the lost answer: got error %v", err)
	}
}

// testRefused has the refused row among few and among many others.
func testRefused(t *testing.T, open Open) {
	for _, others := range []int{0, 500} {
		t.Run(fmt.Sprintf("others=%d", others), func(t *testing.T) { testRefusedAmong(t, open, others) })
	}
}

func testRefusedAmong(t *testing.T, open Open, others int) {
	s := open(t, nil)
	p := claimed(t, s, 0)
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	p.commit(t)
	before, floor := dump(t, s), checkpoint(t, s, 0)

	for _, test := range []struct {
		name   string
		change func(*readmodel.EventRow)
	}{
		{"a seq that is given", func(e *readmodel.EventRow) { e.Seq = 1 }},
		{"an event id that is taken", func(e *readmodel.EventRow) { e.ID = eventID(lobby, 1) }},
		{"no seq", func(e *readmodel.EventRow) { e.Seq = 0 }},
	} {
		next := p.next
		p.room(inMain("other")).created("ann", events.RoomPublic, "Other")
		for range others {
			p.room(inMain("other")).says("ann", "hi", nil)
		}
		p.room(inMain(lobby)).says("ann", "hi", test.change)
		if _, err := p.fold(t.Context(), nil, p.take()); !errors.Is(err, readmodel.ErrRowRefused) {
			t.Errorf("%s: got error %v", test.name, err)
		}
		equal(t, test.name+": tables", dump(t, s), before)
		equal(t, test.name+": checkpoint", checkpoint(t, s, 0), floor)
		p.next = next
		delete(p.rooms, inMain("other"))
		p.room(inMain(lobby)).Seq--
	}
	p.room(inMain(lobby)).says("ann", "as it should be", nil)
	p.commit(t)
}
