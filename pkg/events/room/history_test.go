package room_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

// logs are where old logs are kept, with the digests of their rooms.
const logs = "roomtest/testdata/logs/"

// Logs that were written, with the verdicts that were given: whoever folds them,
// with whatever later version, comes to the same. A file is never changed; where a
// contract or rules are added, so is a file ("-update" writes what is missing, to be
// read in the next run).
func TestOldLogsFoldToTheSame(t *testing.T) {
	there := map[string]roomtest.OldLog{}
	for _, l := range roomtest.OldLogs(t) {
		there[l.Name] = l
	}
	for _, w := range writtenLogs {
		t.Run(w.name, func(t *testing.T) {
			old, ok := there[w.name]
			if !ok && *update {
				writeMissing(t, logs+w.name+".txt", roomtest.FormatLog(roomtest.History(roomtest.Config{Records: w.records}, w.seed)))
			}
			folded := roomtest.Fold(old.Records)
			compareDigests(t, logs+w.name+".digests", folded)
			codes := map[room.Code]bool{}
			for i, want := range old.Verdicts {
				got := folded.Verdicts[i]
				codes[got.Code] = true
				if v := roomtest.FormatVerdict(got); v != want {
					e, _ := events.Decode(old.Records[i].Message)
					t.Errorf("record %d, %+v: %s, it was %s", i, e.Facts, v, want)
				}
			}
			if len(old.Verdicts) != w.records || len(codes) != w.codes {
				t.Errorf("%d records with %d different codes", len(old.Verdicts), len(codes))
			}
		})
	}
}

// compareDigests looks for the digest that each room had in the end.
func compareDigests(t *testing.T, path string, folded roomtest.Folded) {
	t.Helper()
	var b strings.Builder
	for k, view := range folded.Rooms {
		if view.Header != nil {
			fmt.Fprintf(&b, "%s/%s %s\n", k.Tenant, k.Room, view.Header.Digest)
		}
	}
	lines := strings.SplitAfter(b.String(), "\n")
	slices.Sort(lines)
	got := strings.Join(lines, "")
	want, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update && got != "" {
		writeMissing(t, path, []byte(got))
	}
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the rooms' digests are\n%sthey were\n%s", got, want)
	}
}

func writeMissing(t *testing.T, path string, file []byte) {
	t.Helper()
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
}

// writtenLogs were written when their rules were the newest, with a seed whose history
// comes to (nearly) every rejection that there was.
var writtenLogs = []struct {
	name           string
	records, codes int
	seed           uint64
}{
	{"rules1", 300, 17, 3851},
	{"rules2", 500, 23, 1621},
	{"rules3", 500, 24, 398},
}
