package room_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

// Logs that were written, with the verdicts that were given: whoever folds them,
// with whatever later version, comes to the same. A file is never changed; where a
// contract or rules are added, so is a file ("-update" writes what is missing).
func TestOldLogsFoldToTheSame(t *testing.T) {
	for _, old := range oldLogs {
		name := old.name
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "logs", name+".txt")
			file, err := os.ReadFile(path)
			if os.IsNotExist(err) && *update {
				file = formatLog(roomtest.History(roomtest.Config{Records: old.records}, old.seed))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				err = os.WriteFile(path, file, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			records, verdicts := parseLog(t, file)
			folded := roomtest.Fold(records)
			compareDigests(t, filepath.Join("testdata", "logs", name+".digests"), folded)
			got := folded.Verdicts
			codes := map[room.Code]bool{}
			for i, want := range verdicts {
				codes[got[i].Code] = true
				if v := formatVerdict(got[i]); v != want {
					e, _ := events.Decode(records[i].Message)
					t.Errorf("record %d, %+v: %s, it was %s", i, e.Facts, v, want)
				}
			}
			if len(verdicts) != old.records || len(codes) != old.codes {
				t.Errorf("%d records with %d different codes", len(verdicts), len(codes))
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
	if os.IsNotExist(err) && *update {
		want, err = []byte(got), os.WriteFile(path, []byte(got), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the rooms' digests are\n%sthey were\n%s", got, want)
	}
}

// oldLogs were written when their rules were the newest, with a seed whose history
// comes to (nearly) every rejection that there was.
var oldLogs = []struct {
	name           string
	records, codes int
	seed           uint64
}{
	{"rules1", 300, 17, 3851},
	{"rules2", 500, 23, 1621},
}

const logTime = "2006-01-02T15:04:05.000Z"

// formatLog writes records for people: time, key, headers, value, verdict.
func formatLog(records []roomtest.Record) []byte {
	var b bytes.Buffer
	verdicts := roomtest.Fold(records).Verdicts
	for i, r := range records {
		fmt.Fprintf(&b, "at: %s\nkey: %s\n", r.LogTime.Format(logTime), r.Message.Key)
		for _, h := range r.Message.Headers {
			fmt.Fprintf(&b, "%s: %s\n", h.Key, h.Value)
		}
		fmt.Fprintf(&b, "value: %s\nverdict: %s\n\n", r.Message.Value, formatVerdict(verdicts[i]))
	}
	return b.Bytes()
}

func formatVerdict(v room.Verdict) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", v.Status, v.Seq, v.Code))
}

func parseLog(t *testing.T, file []byte) (records []roomtest.Record, verdicts []string) {
	t.Helper()
	for block := range strings.SplitSeq(strings.TrimSpace(string(file)), "\n\n") {
		var r roomtest.Record
		for line := range strings.SplitSeq(block, "\n") {
			name, v, ok := strings.Cut(line, ": ")
			if !ok {
				t.Fatalf("line %q", line)
			}
			switch name {
			case "at":
				var err error
				if r.LogTime, err = time.Parse(logTime, v); err != nil {
					t.Fatal(err)
				}
			case "key":
				r.Message.Key = []byte(v)
			case "value":
				r.Message.Value = []byte(v)
			case "verdict":
				verdicts = append(verdicts, v)
			default:
				r.Message.Headers = append(r.Message.Headers, events.Header{Key: name, Value: []byte(v)})
			}
		}
		records = append(records, r)
	}
	return records, verdicts
}
