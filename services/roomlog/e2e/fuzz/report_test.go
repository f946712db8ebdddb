package fuzz

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// report counts answers, by operation and status.
type report map[string]map[int]int

// sum adds reports up.
func sum(reports []report) report {
	all := report{}
	for _, r := range reports {
		for operation, answers := range r {
			for status, n := range answers {
				all.add(operation, status, n)
			}
		}
	}
	return all
}

func (r report) add(operation string, status, n int) {
	if r[operation] == nil {
		r[operation] = map[int]int{}
	}
	r[operation][status] += n
}

// read counts what a run of schemathesis has recorded.
func read(t *testing.T, path string) report {
	t.Helper()
	r := report{}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for events := json.NewDecoder(bufio.NewReader(f)); events.More(); {
		var e struct {
			ScenarioFinished struct {
				Recorder struct {
					Cases map[string]struct {
						Value struct{ Method, Path string }
					}
					Interactions map[string]struct {
						Response *struct {
							Status int `json:"status_code"`
						}
					}
				}
			}
		}
		if err := events.Decode(&e); err != nil {
			t.Fatal(err)
		}
		recorded := e.ScenarioFinished.Recorder
		for id, i := range recorded.Interactions {
			c := recorded.Cases[id].Value
			if i.Response == nil {
				t.Errorf("%s %s was not answered", c.Method, c.Path)
				continue
			}
			r.add(c.Method+" "+c.Path, i.Response.Status, 1)
		}
	}
	return r
}

// check prints the totals, and fails where there are too few requests, a 5xx, or an
// operation that has never done what it is for.
func (r report) check(t *testing.T, atLeast int) {
	t.Helper()
	all, statuses := 0, map[int]int{}
	for _, operation := range slices.Sorted(maps.Keys(r)) {
		answers, good := r[operation], 0
		for status, n := range answers {
			all += n
			statuses[status] += n
			if status < 300 {
				good += n
			}
			if status >= 500 {
				t.Errorf("%s answered %d", operation, status)
			}
		}
		if strings.HasPrefix(operation, "OPTIONS ") || answers[http.StatusMethodNotAllowed] > 0 && len(answers) == 1 {
			continue // no operation of the description
		}
		t.Logf("%-65s %v", operation, answers)
		if good == 0 {
			t.Errorf("%s never did what it is for", operation)
		}
	}
	t.Logf("%d requests, answered %v", all, statuses)
	if all < atLeast {
		t.Errorf("%d requests, want %d", all, atLeast)
	}
}
