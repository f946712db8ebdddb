package modelcheck_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// membership is the model of a room as clients see it who know nothing of its log.
var membership = (&porcupine.NondeterministicModel{
	Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
		parts := make([][]porcupine.Operation, len(rooms))
		for _, o := range all {
			i := o.Input.(*request).room
			parts[i] = append(parts[i], o)
		}
		return slices.DeleteFunc(parts, func(p []porcupine.Operation) bool { return p == nil })
	},
	Init: func() []any { return []any{&room{keys: map[string]judged{}}} },
	Step: func(state, input, _ any) (next []any) {
		for _, r := range state.(*room).after(input.(*request)) {
			next = append(next, r)
		}
		return next
	},
	Equal: func(a, b any) bool { return a.(*room).same(b.(*room)) },
	DescribeOperation: func(input, _ any) string {
		r := input.(*request)
		return fmt.Sprintf("%s: %d %s %s", strings.TrimSpace(r.String()), r.status, r.code, r.answer.body)
	},
	DescribeState: func(state any) string {
		var s strings.Builder
		r := state.(*room)
		for _, u := range r.members() {
			m := r.member(u, 0)
			fmt.Fprintf(&s, "%s %s %s; ", u, m.membership, m.role)
		}
		return fmt.Sprintf("%sseq %d", s.String(), r.seq())
	},
}).ToModel()

// done tells whether it is known of a request whether the log has it.
func (r *request) done() bool {
	return r.status != 0 && r.status < http.StatusInternalServerError && (r.status != http.StatusAccepted || r.position != "")
}

// told is what the answer says of the verdict.
func (r *request) told() outcome {
	var body struct{ Seq int }
	if r.status >= http.StatusBadRequest {
		return outcome{Status: "rejected", Code: r.code}
	}
	if err := json.Unmarshal(r.answer.body, &body); err != nil {
		return outcome{}
	}
	return outcome{Status: "accepted", Seq: body.Seq}
}

// after gives the rooms that there may be after a request with this answer.
func (r *room) after(c *request) []*room {
	if c.position == "" && c.done() { // refused before
		if r.explains(c, false) {
			return []*room{r}
		}
		return nil
	}
	logged := &room{facts: slices.Clip(r.facts), keys: maps.Clone(r.keys)}
	want := logged.judgeLogged(c, false)
	switch {
	case !c.done():
		return []*room{r, logged}
	case c.status != http.StatusAccepted && c.do != create && c.outcome != want:
		return nil
	}
	return []*room{logged}
}

// same tells whether the same was accepted in the same order, and the same became of
// each key.
func (r *room) same(o *room) bool {
	return slices.EqualFunc(r.facts, o.facts, func(a, b fact) bool { return a.request == b.request }) && maps.Equal(r.keys, o.keys)
}
