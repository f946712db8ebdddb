package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// Between these a document has what was measured; the rest of it is written by hand.
const (
	BeginMark = "<!-- measured: begin. Written by roomlog bench; changes by hand are lost. -->"
	EndMark   = "<!-- measured: end -->"
)

// ErrNoMarks says that a document has no place for what was measured.
var ErrNoMarks = errors.New("the document has no marks of where measurements go")

// Into puts what was measured between the marks of a document. Charts are linked as
// files of a directory.
func (s *Summary) Into(document, charts string) (string, error) {
	before, rest, found := strings.Cut(document, BeginMark)
	_, after, foundEnd := strings.Cut(rest, EndMark)
	if !found || !foundEnd {
		return "", fmt.Errorf("%w: a line %s and a line %s", ErrNoMarks, BeginMark, EndMark)
	}
	return before + BeginMark + "\n\n" + s.Markdown(charts) + EndMark + after, nil
}

// Markdown is all of what was measured, for a document.
func (s *Summary) Markdown(charts string) string {
	if len(s.measured) == 0 {
		return "Nothing yet: `make bench`.\n\n"
	}
	var b strings.Builder
	drawn := s.Charts()
	section := func(title string, t table, text string, files ...string) {
		if t == nil {
			return
		}
		fmt.Fprintf(&b, "### %s\n\n", title)
		if text != "" {
			fmt.Fprintf(&b, "%s\n\n", text)
		}
		for _, f := range files {
			if drawn[f] != "" {
				fmt.Fprintf(&b, "![%s](%s/%s)\n\n", title, charts, f)
			}
		}
		b.WriteString(t.markdown())
		b.WriteByte('\n')
	}
	b.WriteString(s.circumstances())
	section("What roomlog wants to be", goalsTable(s), "Ratios of the same round; the median of the rounds counts.", "sends.svg")
	for _, m := range measures {
		var files []string
		if m.id == result.Sustained {
			files = []string{"lag.svg", "memory.svg"}
		}
		section(m.title, measureTable(s, m.id), "", files...)
	}
	section("When the database is slow", slowTable(s),
		"8 clients send; each of the database's statements takes so much longer. Of roomlog these are the statements that fold and that ask whether one may; "+
			"its acknowledgement waits for the log.", "slow.svg")
	for _, g := range growingAll {
		section(g.title, curveTable(s, g), g.text, g.file)
	}
	section("A cluster, computed", planTable(s),
		fmt.Sprintf("For %s connected clients and %s messages a second that %s clients follow each, on average: demand × cost, and nothing else. "+
			"Processors of this machine, all of them busy; plan for two thirds of that.", count(planClients), count(planMessages), count(planFollowers)))
	section("What is there in the end", keptTable(s), "Each acknowledged id was looked for when the load had ended.")
	return b.String()
}

func (t table) markdown() string {
	var b strings.Builder
	for i, row := range t {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|" + strings.Repeat(" --- |", len(row)) + "\n")
		}
	}
	return b.String()
}

// circumstances say on what, when and how was measured.
func (s *Summary) circumstances() string {
	var b strings.Builder
	for _, pieces := range s.pieces() {
		r := pieces[0]
		m := r.Machine
		for _, p := range pieces[1:] {
			m.Fsync = [2]float64{max(m.Fsync[0], p.Machine.Fsync[0]), max(m.Fsync[1], p.Machine.Fsync[1])}
			m.Load = max(m.Load, p.Machine.Load)
		}
		fmt.Fprintf(&b, "- %s%s, commit `%s`: %s, %d processors (%s), %d GiB, %s, %s. A write of 4 KiB is on the disk after %s ms (99 %%: %s). ",
			parts[r.Part], r.Began.Format(time.DateOnly), r.Commit, m.System, m.Processors, m.Processor, m.MemoryGiB, m.Kernel, m.Go, number(m.Fsync[0]), number(m.Fsync[1]))
		if r.Pinned {
			fmt.Fprintf(&b, "Servers on processor %d, the generator on %d. ", r.ServerCPU, r.LoadCPU)
		} else {
			b.WriteString("**Nothing is pinned**: this system cannot. ")
		}
		fmt.Fprintf(&b, "Most measurements are %s s long. ", number(r.Seconds))
		if len(pieces) > 1 {
			fmt.Fprintf(&b, "In %d pieces; the worst of them is named. ", len(pieces))
		}
		fmt.Fprintf(&b, "%s tasks wanted a processor before it began.\n", number(m.Load))
		if r.Quick {
			b.WriteString("  **A quick run: its figures mean nothing.**\n")
		}
	}
	others := func(grows bool) float64 {
		return 100 * s.most(grows, func(m *result.Measured) float64 { return m.ServerBusy - m.ServerOwn })
	}
	fmt.Fprintf(&b, "- Of the servers' processor at most %.0f %% of a measurement went to others than what was measured, the kernel's own work among them", others(false))
	if at := others(true); at > 0 {
		fmt.Fprintf(&b, "; at most %.0f %% where it is asked what grows", at)
	}
	b.WriteString(".\n\n")
	return b.String()
}

// parts are what stands before a run.
var parts = map[string]string{result.Capacity: "What grows: "}

// pieces are runs that went on with each other: by the same program, on the same machine.
func (s *Summary) pieces() (all [][]Run) {
	same := func(a, b Run) bool {
		a.Machine.Load, a.Machine.Fsync, a.Began = b.Machine.Load, b.Machine.Fsync, b.Began
		return a == b
	}
	for _, r := range s.Runs {
		if last := len(all) - 1; last >= 0 && same(all[last][0], r) {
			all[last] = append(all[last], r)
		} else {
			all = append(all, []Run{r})
		}
	}
	return all
}

// keptTable is what was acknowledged and what of that was not found.
func keptTable(s *Summary) table {
	t := table{{"", "acknowledged", "missing in the log", "missing in the tables"}}
	for _, y := range systems {
		var sum result.Missing
		for _, r := range s.Missing {
			if r.System == y.id {
				sum.Acknowledged += r.Missing.Acknowledged
				sum.Log += r.Missing.Log
				sum.Tables += r.Missing.Tables
			}
		}
		if sum.Acknowledged == 0 {
			continue
		}
		inLog := "it has none"
		if slices.Contains([]string{result.Roomlog, result.RoomlogPostgres, result.RoomlogKafka1, result.RoomlogKafka3}, y.id) {
			inLog = count(sum.Log)
		}
		t = append(t, []string{y.name, count(sum.Acknowledged), inLog, count(sum.Tables)})
	}
	if len(t) == 1 {
		return nil
	}
	return t
}
