package modelcheck_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// enough is how many histories come to every verdict.
const enough = 5000

// tally counts what the histories have met: one that never meets a rule checks nothing.
type tally map[string]int

func (n tally) add(s *scene) {
	for _, f := range s.followers {
		n["cut off"] += f.cuts
		n["told by a stream"] += f.live
		n["told by a page"] += len(f.got) - f.live
	}
	for _, batch := range s.batches {
		for _, c := range batch {
			switch {
			case c.offset < 0:
				n[c.code+" at once"]++
			case c.Status == "rejected":
				n[c.Code]++
			case c.Seq == 0:
				n[string(c.do)+" changes nothing"]++
			default:
				n[string(c.do)]++
			}
		}
	}
}

// check fails where many histories have not met something.
func (n tally) check(t *testing.T, histories int) {
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(n)) {
		lines = append(lines, fmt.Sprintf("%7d %s", n[what], what))
	}
	t.Logf("%s", "\n"+strings.Join(lines, "\n"))
	if histories < enough {
		return
	}
	for code := range statuses {
		if n[code+" at once"] == 0 && code != "event_not_found" { // of reads
			t.Errorf("nothing was refused with %s", code)
		}
	}
	for _, what := range []string{"cut off", "told by a stream", "told by a page"} {
		if n[what] == 0 {
			t.Errorf("nobody was %s", what)
		}
	}
	for do := range types {
		if n[string(do)] == 0 && do != rules { // rooms are made with the newest
			t.Errorf("%s was never accepted", do)
		}
	}
}
