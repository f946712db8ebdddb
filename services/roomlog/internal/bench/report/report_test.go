package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/report"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

func sent(system, measure string, round int, rate float64) result.Record {
	return result.Record{System: system, Measure: measure, Round: round, Measured: &result.Measured{
		N: 1000, Rate: rate, P50: 1000 / rate, P99: 2000 / rate, CPU: 0.1, CPUServers: 0.06, LoadBusy: 0.5, MemoryMiB: 100,
	}}
}

// run is three rounds of two systems, of which the machine was half as fast in the
// second: ratios do not show that.
func run() []result.Record {
	all := []result.Record{{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Run: &result.Run{Commit: "abc123", Seconds: 4, Pinned: true}}}
	for round, speed := range []float64{0: 1, 1: 0.5, 2: 1.25} {
		all = append(all,
			sent(result.Roomlog, result.Send64, round+1, 30_000*speed),
			sent(result.PlainPostgres, result.Send64, round+1, 10_000*speed),
		)
	}
	return append(all, result.Record{System: result.Roomlog, Round: 1, Missing: &result.Missing{Acknowledged: 12345}})
}

func text(t *testing.T, all []result.Record) string {
	t.Helper()
	var out strings.Builder
	if err := report.Summarize(all).Text(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func wantLine(t *testing.T, text string, words ...string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.Join(strings.Fields(line), " ") == strings.Join(words, " ") {
			return
		}
	}
	t.Errorf("no line %q in\n%s", strings.Join(words, " "), text)
}

func TestRatiosAreOfARound(t *testing.T) {
	got := text(t, run())
	wantLine(t, got, "roomlog", "3.00", "3.00–3.00", "30,000", "0.033", "0.067", "0.10")
	wantLine(t, got, "plain PostgreSQL", "1.00", "1.00–1.00", "10,000", "0.10", "0.20", "0.10")
	wantLine(t, got, "acknowledged sends, 64 clients: to plain PostgreSQL", "3.00", "3.00–3.00", "≥ 2.00", "-", "floor")
	wantLine(t, got, "acknowledged sends, 256 clients: to plain PostgreSQL", "-", "-", "≥ 3.00", "-", "-")
	if strings.Contains(got, "Pages") || strings.Contains(got, "slow") {
		t.Errorf("tables of what was not measured:\n%s", got)
	}
}

func TestGoals(t *testing.T) {
	for ratio, want := range map[float64]string{0.5: "no", 0.75: "floor", 1.2: "aim"} {
		got := text(t, []result.Record{sent(result.Roomlog, result.Send64, 1, 1000*ratio), sent(result.BatchedPostgres, result.Send64, 1, 1000)})
		if !strings.Contains(got, "≥ 0.70   ≥ 1.00  "+want) && !strings.Contains(got, "≥ 0.70  ≥ 1.00  "+want) {
			t.Errorf("%v is not %q:\n%s", ratio, want, got)
		}
	}
}

func TestNotes(t *testing.T) {
	all := run()
	all[1].LoadBusy, all[1].LoadOwn = 0.95, 0.76
	all[2].Errors, all[2].Lost = 3, 2
	got := text(t, all)
	for _, want := range []string{"95 % busy, 80 % of that with the generator", "3 errors; 2 lost"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestInto(t *testing.T) {
	s := report.Summarize(run())
	document := "# Speed\nby hand\n" + report.BeginMark + "\nold\n" + report.EndMark + "\nby hand, too\n"
	once, err := s.Into(document, "charts")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"by hand\n", "by hand, too\n", "2026-01-02, commit `abc123`", "](charts/sends.svg)", "| roomlog | 3.00 |", "| roomlog | 12,345 | 0 | 0 |"} {
		if !strings.Contains(once, want) {
			t.Errorf("no %q in\n%s", want, once)
		}
	}
	if strings.Contains(once, "old") {
		t.Error("what was there before is there still")
	}
	if twice, err := s.Into(once, "charts"); err != nil || twice != once {
		t.Errorf("the second time it is another document (%v)", err)
	}
	if _, err := s.Into("no marks", "charts"); !errors.Is(err, report.ErrNoMarks) {
		t.Errorf("without marks: %v", err)
	}
}

func TestCharts(t *testing.T) {
	all := run()
	for i, d := range result.Delays {
		all = append(all, sent(result.PlainPostgres, result.Slow(d), 1, 1000/float64(i+1)))
	}
	long := sent(result.Roomlog, result.Sustained, 1, 1)
	long.Series = []result.Sample{{Second: 1, Messages: 100, Lag: 0.5, MemoryMiB: 10}, {Second: 2, Messages: 200, MemoryMiB: 11}}
	charts := report.Summarize(append(all, long)).Charts()
	if len(charts) != 4 {
		t.Errorf("%d charts", len(charts))
	}
	for name, svg := range charts {
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || !strings.Contains(svg, "PostgreSQL") && name != "lag.svg" && name != "memory.svg" {
			t.Errorf("%s: %s", name, svg)
		}
	}
	if again := report.Summarize(append(all, long)).Charts(); again["slow.svg"] != charts["slow.svg"] {
		t.Error("the same records give another chart")
	}
	if none := report.Summarize(nil).Charts(); len(none) != 0 {
		t.Errorf("of nothing: %d charts", len(none))
	}
}

// grown is a point of each curve that stands behind the plan, and one more of each.
func grown() (all []result.Record) {
	for i, n := range []int{1, 10, 1000} {
		for _, curve := range []result.Curve{result.Rooms, result.Events, result.Followers, result.Text} {
			for _, what := range []string{result.AtSend, result.AtPage, result.AtBefore, result.AtTime, result.AtHear} {
				all = append(all, sent(result.Roomlog, curve.At(n, what), 1, 10_000/float64(i+1)))
			}
			start := sent(result.Roomlog, curve.At(n, result.AtStart), 1, 10)
			start.Disk = &result.Disk{Events: 1000, Log: 150_000, Tables: 450_000}
			all = append(all, start)
		}
		hear := sent(result.Roomlog, result.Followers.At(n, result.AtHear), 1, 1000)
		hear.MemoryMiB = 100 + float64(n)/10
		idle := sent(result.Roomlog, result.Followers.At(n, result.AtPerson), 1, 1000)
		idle.StreamBytes = 20 << 10
		all = append(all, hear, idle)
	}
	return append(all, sent(result.RoomlogKafka3, result.Send256, 1, 1000))
}

func TestCurves(t *testing.T) {
	curves := append(grown(), result.Record{Time: time.Date(2026, 1, 3, 3, 4, 5, 0, time.UTC), Run: &result.Run{Commit: "def456", Part: result.Capacity}})
	got := report.Summarize(slices.Concat(run(), curves)).Markdown("charts")
	for _, want := range []string{
		"- What grows: 2026-01-03, commit `def456`", "](charts/rooms.svg)", "](charts/events.svg)", "](charts/followers.svg)", "](charts/texts.svg)",
		"| rooms | sends per second |", "| 1,000 | 3,333 | 0.30 | 0.60 |", "| 150 | 450 |",
		"| chat: memory of idle streams, in use | 20.0 KiB a stream | `roomlog`, `followers-1000-person` | 1,000,000 streams | 19.1 GiB |",
		"the process itself included | 205 KiB a stream | `roomlog`, `followers-1000-hear` |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if report.Summarize(slices.Concat(curves, run())).Markdown("charts") != got {
		t.Error("files in another order give another document")
	}
	if got := report.Summarize(run()).Markdown("charts"); strings.Contains(got, "What grows") || strings.Contains(got, "A cluster") {
		t.Errorf("curves of what was not measured:\n%s", got)
	}
}

// docs/performance.md says what its results say, and nothing that was put there by hand.
func TestDocumentIsCurrent(t *testing.T) {
	docs := filepath.Join("..", "..", "..", "..", "..", "docs")
	var all []result.Record
	for _, name := range []string{"results.jsonl", "capacity.jsonl"} {
		some, err := result.Read(filepath.Join(docs, "performance", name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	document, err := os.ReadFile(filepath.Join(docs, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := report.Summarize(all)
	want, err := s.Into(string(document), "performance")
	if err != nil {
		t.Fatal(err)
	}
	const advice = "; make it again: bin/roomlog bench --report --results docs/performance/results.jsonl --also docs/performance/capacity.jsonl --document docs/performance.md"
	if want != string(document) {
		t.Error("docs/performance.md is not what its results say" + advice)
	}
	for name, svg := range s.Charts() {
		if got, err := os.ReadFile(filepath.Join(docs, "performance", name)); err != nil || string(got) != svg {
			t.Errorf("%s is not what the results say (%v)%s", name, err, advice)
		}
	}
}
