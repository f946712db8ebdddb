package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// What grows with what, very short: what there has to be before is laid and in effect,
// streams are open and heard, and files and starts are looked at.
func TestBenchCapacity(t *testing.T) {
	results := filepath.Join(t.TempDir(), "results.jsonl")
	loads := []string{
		result.Followers.At(20, result.AtHear), result.Followers.At(20, result.AtRoom),
		result.Events.At(10_000, result.AtBefore), result.Events.At(10_000, result.AtTime), result.Events.At(10_000, result.AtStart),
	}
	args := []string{
		"bench", "--quick", "--capacity", "--results", results, "--bin", filepath.Dir(bin(t)), "--source", filepath.Join("..", "..", ".."), "--loads", strings.Join(loads, ","),
	}
	table := proc.Output(t, bin(t), args...)
	for _, want := range []string{"What grows with messages", "What grows with followers"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	all, err := result.Read(results)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]result.Record{}
	for _, r := range all[1:] {
		if r.Missing != nil {
			if r.Missing.Log+r.Missing.Tables > 0 {
				t.Errorf("%+v", *r.Missing)
			}
			continue
		}
		if known[r.Measure] = r; r.N == 0 || r.Errors > 0 || r.Lost > 0 {
			t.Errorf("%s: %+v", r.Measure, *r.Measured)
		}
	}
	for _, load := range loads {
		switch r := known[load]; {
		case r.Measured == nil:
			t.Errorf("%s was not measured", load)
		case strings.HasSuffix(load, result.AtStart) && (r.Disk == nil || r.Disk.Events < 10_000 || r.Disk.Log == 0 || r.Disk.Tables == 0):
			t.Errorf("%s: files: %+v", load, r.Disk)
		case slices.Contains([]string{result.Events.At(10_000, result.AtBefore), result.Events.At(10_000, result.AtTime)}, load) && r.Items != 50:
			t.Errorf("%s: %v messages in a page of 50", load, r.Items)
		}
	}
}

// The whole of `roomlog bench`, very short: every system is started, every load is
// put on it, what it acknowledged is found, and nothing is measured twice. How fast
// anything is says nothing here. BENCH_SYSTEMS=all adds the others, those on Kafka among them.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PostgreSQL")
	}
	dir := t.TempDir()
	results := filepath.Join(dir, "results.jsonl")
	systems := []string{result.Roomlog, result.PlainPostgres, result.PlainSQLite, result.BareEcho}
	loads := []string{result.Send64, result.Pages16, result.Deliver, result.Hot16, result.Slow(result.Delays[1])}
	args := []string{"bench", "--quick", "--results", results, "--bin", filepath.Dir(bin(t)), "--source", filepath.Join("..", "..", "..")}
	if os.Getenv("BENCH_SYSTEMS") != "all" {
		args = append(args, "--systems", strings.Join(systems, ","), "--loads", strings.Join(loads, ","))
	}
	table := proc.Output(t, bin(t), args...)
	for _, want := range []string{"What roomlog wants to be", "Sends, 64 clients", "plain PostgreSQL", "bare Echo"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	all, err := result.Read(results)
	if err != nil {
		t.Fatal(err)
	}
	if all[0].Run == nil || all[0].Run.Commit == "" || !all[0].Run.Quick {
		t.Errorf("the first line: %+v", all[0])
	}
	for _, r := range all[1:] {
		switch {
		case r.Missing != nil:
			if r.Missing.Acknowledged == 0 || r.Missing.Log+r.Missing.Tables > 0 {
				t.Errorf("%s: %+v", r.System, *r.Missing)
			}
		case strings.HasPrefix(r.Measure, "slow-"): // a statement may take longer than is measured
			if r.Errors > 0 {
				t.Errorf("%s, %s: %+v", r.System, r.Measure, *r.Measured)
			}
		case r.N == 0 || r.Errors > 0 || r.Lost > 0 || r.P50 <= 0 || r.P99 < r.P50:
			t.Errorf("%s, %s: %+v", r.System, r.Measure, *r.Measured)
		}
	}
	for _, load := range loads[:4] {
		if !slices.ContainsFunc(all, func(r result.Record) bool { return r.System == result.Roomlog && r.Measure == load }) {
			t.Errorf("roomlog was not measured by %s", load)
		}
	}

	if again := proc.Output(t, bin(t), "bench", "--report", "--results", results); again != table {
		t.Errorf("made again of the results:\n%s\nfirst:\n%s", again, table)
	}
	proc.Output(t, bin(t), append(args, "--resume")...)
	if more, err := result.Read(results); err != nil || len(more) != len(all)+1 {
		t.Errorf("with --resume: %d records, then %d (%v); one more says that it ran", len(all), len(more), err)
	}
}
