package roomtest

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

//go:embed testdata/logs/*.txt
var oldLogs embed.FS

// OldLog is a log that was written when its rules were the newest, byte for byte,
// with what the fold said of each record. It never changes.
type OldLog struct {
	Name     string
	Records  []Record
	Verdicts []string // as [FormatVerdict] writes them
}

// OldLogs gives one for each version of the rules.
func OldLogs(t testing.TB) []OldLog {
	t.Helper()
	names, err := fs.Glob(oldLogs, "testdata/logs/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d logs, %v", len(names), err)
	}
	logs := make([]OldLog, len(names))
	for i, name := range names {
		file, err := oldLogs.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if logs[i], err = parseLog(file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		logs[i].Name = strings.TrimSuffix(path.Base(name), ".txt")
	}
	return logs
}

// FormatVerdict writes a verdict as old logs have it.
func FormatVerdict(v room.Verdict) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", v.Status, v.Seq, v.Code))
}

const logTime = "2006-01-02T15:04:05.000Z"

// FormatLog writes records for people: time, key, headers, value, verdict.
func FormatLog(records []Record) []byte {
	var b []byte
	verdicts := Fold(records).Verdicts
	for i, r := range records {
		b = fmt.Appendf(b, "at: %s\nkey: %s\n", r.LogTime.Format(logTime), r.Message.Key)
		for _, h := range r.Message.Headers {
			b = fmt.Appendf(b, "%s: %s\n", h.Key, h.Value)
		}
		b = fmt.Appendf(b, "value: %s\nverdict: %s\n\n", r.Message.Value, FormatVerdict(verdicts[i]))
	}
	return b
}

func parseLog(file []byte) (l OldLog, err error) {
	for block := range strings.SplitSeq(strings.TrimSpace(string(file)), "\n\n") {
		var r Record
		for line := range strings.SplitSeq(block, "\n") {
			name, v, ok := strings.Cut(line, ": ")
			if !ok {
				return l, fmt.Errorf("line %q", line)
			}
			switch name {
			case "at":
				if r.LogTime, err = time.Parse(logTime, v); err != nil {
					return l, err
				}
			case "key":
				r.Message.Key = []byte(v)
			case "value":
				r.Message.Value = []byte(v)
			case "verdict":
				l.Verdicts = append(l.Verdicts, v)
			default:
				r.Message.Headers = append(r.Message.Headers, events.Header{Key: name, Value: []byte(v)})
			}
		}
		l.Records = append(l.Records, r)
	}
	return l, nil
}
