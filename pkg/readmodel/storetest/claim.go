package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

func checkpoint(t testing.TB, s readmodel.Store, p events.Partition) maybe[readmodel.Checkpoint] {
	t.Helper()
	return read(t, s, func(ctx context.Context, r readmodel.Reader) (maybe[readmodel.Checkpoint], error) {
		return find(r.Checkpoint(ctx, p))
	})
}

func testClaim(t *testing.T, open Open) {
	s := open(t, nil)
	claim := func(p events.Partition, log events.LogID, owner string) readmodel.Checkpoint {
		t.Helper()
		c, err := s.Claim(t.Context(), p, log, owner)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	equal(t, "checkpoint before any claim", checkpoint(t, s, 3), maybe[readmodel.Checkpoint]{})

	equal(t, "first claim", claim(3, aLog, "ann"), readmodel.Checkpoint{Partition: 3, Log: aLog, Epoch: 1, Owner: "ann"})
	equal(t, "second claim", claim(3, aLog, "bob"), readmodel.Checkpoint{Partition: 3, Log: aLog, Epoch: 2, Owner: "bob"})
	equal(t, "claim with another log keeps the first's", claim(3, events.LogID{9}, "ann"),
		readmodel.Checkpoint{Partition: 3, Log: aLog, Epoch: 3, Owner: "ann"})
	equal(t, "another partition", claim(0, aLog, "ann"), readmodel.Checkpoint{Partition: 0, Log: aLog, Epoch: 1, Owner: "ann"})

	p := claimed(t, s, 3)
	p.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby").says("ann", "hi", nil)
	p.commit(t)
	folded := readmodel.Checkpoint{
		Partition: 3, Log: aLog, Next: 2, Last: 1, LastID: "r1", Epoch: 4, Owner: "owner", Updated: epochOfTests + 1,
	}
	equal(t, "checkpoint after a batch", checkpoint(t, s, 3), there(folded))
	folded.Epoch, folded.Owner = 5, "bob"
	equal(t, "claim after a batch", claim(3, aLog, "bob"), folded)

	all := read(t, s, func(ctx context.Context, r readmodel.Reader) ([]readmodel.Checkpoint, error) {
		return r.Checkpoints(ctx)
	})
	equal(t, "all checkpoints, ascending", all, []readmodel.Checkpoint{{Partition: 0, Log: aLog, Epoch: 1, Owner: "ann"}, folded})
}

func testFence(t *testing.T, open Open) {
	s := open(t, nil)
	zombie := claimed(t, s, 0)
	zombie.room(inMain(lobby)).created("ann", events.RoomPublic, "Lobby")
	zombie.commit(t)
	zombie.room(inMain(lobby)).says("ann", "too late", nil)
	zombie.room(inMain(lobby)).verdict("x", "ann", "rejected", "forbidden")
	zombie.room(inMain(lobby)).parked("y", "unknown_type")
	zombie.bad("broken")
	late := zombie.take()

	owner := claimed(t, s, 0)
	owner.room(inMain("other")).created("bob", events.RoomPublic, "Other")
	before, floor := dump(t, s), checkpoint(t, s, 0)

	for _, test := range []struct {
		name   string
		change func(*readmodel.Fence)
	}{
		{"an earlier owner", func(f *readmodel.Fence) { f.Epoch = zombie.claim.Epoch }},
		{"a later epoch", func(f *readmodel.Fence) { f.Epoch = owner.claim.Epoch + 1 }},
		{"a floor below", func(f *readmodel.Fence) { f.Floor-- }},
		{"a floor above", func(f *readmodel.Fence) { f.Floor++ }},
		{"a partition that nobody claimed", func(f *readmodel.Fence) { f.Partition = 7 }},
	} {
		f := owner.fence()
		test.change(&f)
		err := s.Fold(t.Context(), f, nil, func(readmodel.Rows) (readmodel.Batch, error) {
			t.Errorf("%s: folds", test.name)
			return late, nil
		})
		if !errors.Is(err, readmodel.ErrFenced) {
			t.Errorf("%s: got error %v", test.name, err)
		}
		equal(t, test.name+": tables", dump(t, s), before)
		equal(t, test.name+": checkpoint", checkpoint(t, s, 0), floor)
	}
	counts := read(t, s, func(ctx context.Context, r readmodel.Reader) (map[events.Partition]readmodel.Counts, error) {
		return r.Counts(ctx)
	})
	equal(t, "records set aside", counts, map[events.Partition]readmodel.Counts{})

	owner.commit(t)
	equal(t, "the owner's checkpoint", checkpoint(t, s, 0).Value.Next, owner.next)
}
