package room_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

// Whichever version the producers wrote, and if a command was written again in a newer
// one: the fold comes to the same.
func TestVersionsFoldToTheSame(t *testing.T) {
	for seed := range uint64(20) {
		written := roomtest.History(roomtest.Config{Records: 300}, seed)
		old := make([]roomtest.Record, len(written))
		older := 0
		for i, r := range written {
			old[i] = r
			if old[i].Message = roomtest.Older(r.Message); old[i].Message.Header(events.HeaderType) != r.Message.Header(events.HeaderType) {
				older++
			}
		}
		if older == 0 {
			t.Fatalf("seed %d: no record has two versions", seed)
		}
		if got, want := roomtest.Fold(old), roomtest.Fold(written); !reflect.DeepEqual(got, want) {
			t.Errorf("seed %d: written by older programs\n%+v\nwritten as they were\n%+v", seed, got, want)
		}
	}
}

// The first version of message.redacted had one flat object, of which some
// combinations made no sense: they make none today.
func TestUpcastRedactionsAreJudgedAsBefore(t *testing.T) {
	room1 := roomtest.NewRoom(t, "alice")
	room1.Join("bob")
	target := room1.Post("bob", "hi").ID
	before := room1.Records()
	for _, id := range []events.EventID{"", target} {
		for _, from := range []events.Seq{-1, 0, 1, 3} {
			for _, to := range []events.Seq{-1, 0, 2, 9} {
				for _, author := range []events.UserID{"", "bob", "no id!"} {
					ranged := from != 0 || to != 0
					malformed := ranged == (id != "") || ranged && (from < 1 || to < from) || !ranged && author != "" || author == "no id!"
					e := room1.Append(events.MessageRedacted{Command: by("alice"), Target: target}, events.RedactionContent{})
					m := roomtest.Older(room1.Records()[len(before)].Message)
					m.Value = fmt.Appendf(nil, `{"facts":{"sender":"alice","target":%q,"from":%d,"to":%d,"author":%q},"content":{}}`, id, from, to, author)
					verdicts := roomtest.Fold(append(slices.Clip(before), roomtest.Record{Message: m, LogTime: e.Time})).Verdicts
					got := verdicts[len(before)]
					if malformed != (got.Code == room.CodeInvalid) || !malformed && got.Status != room.Accepted {
						t.Errorf("target %q, from %d to %d, author %q: %+v", id, from, to, author, got)
					}
				}
			}
		}
	}
}

func TestRepetitionInANewerVersion(t *testing.T) {
	r := roomtest.NewRoom(t, "alice")
	message := r.Post("alice", "hi").ID
	r.Append(events.MessageRedacted{Command: events.Command{Sender: "alice", Digest: "d"}, Target: message}, events.RedactionContent{})
	records := r.Records()
	last := records[2]
	again := []roomtest.Record{last, last}
	again[0].Message = roomtest.Older(last.Message)
	v := roomtest.Fold(append(records[:2:2], again...)).Verdicts
	if v[2].Status != room.Accepted || v[3].Status != room.Duplicate || v[3].Seq != v[2].Seq {
		t.Errorf("the first is %+v, the repetition %+v", v[2], v[3])
	}
}
