package room_test

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// TestDigestIsPinned holds the digest of rules 1 to values that another program
// (coreutils' sha256sum) gave.
func TestDigestIsPinned(t *testing.T) {
	first := room.NextDigest("", 1, "e1")
	for _, test := range []struct{ got, want string }{
		{first, "80b7c1f4260469f6f2b66df7bba1574c"},
		{room.NextDigest(first, 2, "e2"), "418791d78ebcdf1b9ea7f5d5d020e803"},
		{given(t, created("alice"), post("alice")).view.Header.Digest, "418791d78ebcdf1b9ea7f5d5d020e803"},
	} {
		if test.got != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}

func TestDigestTellsHistoriesApart(t *testing.T) {
	digest := func(ids ...events.EventID) string {
		history := []command{created("alice")}
		for _, id := range ids {
			history = append(history, post("alice").id(id))
		}
		return given(t, history...).view.Header.Digest
	}
	seen := map[string]bool{}
	for _, ids := range [][]events.EventID{{}, {"a"}, {"b"}, {"a", "b"}, {"b", "a"}, {"ab"}, {"a", "c"}, {"c", "b"}} {
		d := digest(ids...)
		if seen[d] || d != digest(ids...) {
			t.Errorf("events %q: digest %s is of another history too, or changes", ids, d)
		}
		seen[d] = true
	}
}

func TestOnlySeqsMoveTheDigest(t *testing.T) {
	s := given(t, created("alice"), post("alice").id("a"))
	before := s.view.Header.Digest
	s.when(post("alice").id("a"))
	s.when(post("bob"))
	s.when(created("alice")) // accepted, without a seq
	if s.view.Header.Digest != before {
		t.Errorf("the digest has moved from %s to %s", before, s.view.Header.Digest)
	}
}
