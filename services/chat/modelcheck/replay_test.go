package modelcheck_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
)

// replay gives the model the same commands in the log's order.
func (s *scene) replay() ([]*room, error) {
	models := make([]*room, len(rooms))
	for i := range models {
		models[i] = &room{id: s.rooms[i], tenant: s.tenant, keys: map[string]judged{}}
	}
	for _, batch := range s.batches {
		for i, r := range models {
			var logged, refused []*request
			for _, c := range batch {
				switch {
				case c.room != i:
				case c.offset >= 0:
					logged = append(logged, c)
				default:
					refused = append(refused, c)
				}
			}
			slices.SortStableFunc(logged, func(a, b *request) int { return cmp.Compare(a.offset, b.offset) })
			if err := r.replay(logged, refused); err != nil {
				return models, err
			}
		}
	}
	return models, nil
}

// replay judges the commands of a batch to one room: what the log has in its order, and
// what was refused before on any state that there was in that time.
func (r *room) replay(logged, refused []*request) error {
	begin := r.version()
	edits := map[string]int{}
	for _, f := range r.facts {
		if f.do == edit {
			edits[f.target]++
		}
	}
	// overtaken tells whether what a patch was laid on may be, or is, not what is there.
	overtaken := func(c *request) bool {
		was, present := begin, r.version()
		if c.do == edit {
			was, present = edits[c.target]+1, 1
			if m, ok := r.posted(c.target); ok {
				present = r.message(m, c.by).Version // as they see it
			}
		}
		if c.version != 0 {
			return c.version != present
		}
		return present > was
	}
	for n := 0; ; n++ {
		refused = slices.DeleteFunc(refused, func(c *request) bool { return r.explains(c, overtaken(c)) })
		if n == len(logged) {
			break
		}
		if err := r.take(logged[n], overtaken(logged[n])); err != nil {
			return err
		}
	}
	for _, c := range refused {
		v := r.judge(c, c.at.UnixMilli(), true)
		return fmt.Errorf("%s\nwas answered %d %s %s, at once; the model says %s", c, c.status, c.code, c.body, v)
	}
	return nil
}

// explains tells whether a refusal without a place in the log is right now.
func (r *room) explains(c *request, overtaken bool) bool {
	if c.status != statuses[c.code] {
		return false
	}
	if first, known := r.keys[c.keyed()]; known {
		return c.code == "idempotency_key_reused" && first.sent() != c.sent()
	}
	if r.made() == nil && (c.do == update || c.do == edit) || r.made() != nil && !r.exists() {
		return c.code == "room_not_found" || c.do == create && c.code == "room_id_taken"
	}
	v := r.judge(c, c.at.UnixMilli(), true)
	return slices.Contains(v.codes, c.code) || (c.do == update || c.do == edit) && overtaken && c.code == "version_conflict" && !r.shut(c)
}

// shut tells whether a command's author is not in the room.
func (r *room) shut(c *request) bool {
	return r.member(c.by, c.at.UnixMilli()).membership != "join"
}

// take judges what the log has, and compares.
func (r *room) take(c *request, overtaken bool) error {
	if want := r.judgeLogged(c, overtaken); c.outcome != want {
		return fmt.Errorf("%s\n(offset %d) became %+v; the model says %+v", c, c.offset, c.outcome, want)
	}
	return c.answeredWell()
}

// judgeLogged judges what the log has, which has its effect. Of several reasons against
// it, the request's outcome has the one that counts.
func (r *room) judgeLogged(c *request, overtaken bool) outcome {
	first, known := r.keys[c.keyed()]
	switch {
	case known && first.sent() == c.sent():
		return first.outcome
	case known:
		return outcome{Status: "rejected", Code: "idempotency_key_reused"}
	}
	v := r.judge(c, c.logged, false)
	laid := c.version == 0 && c.Status == "accepted" // on what overtook it
	v.because("version_conflict", (c.do == update || c.do == edit) && overtaken && !laid)
	out := outcome{Status: "accepted"}
	switch {
	case slices.Contains(v.codes, c.Code):
		out = outcome{Status: "rejected", Code: c.Code}
	case len(v.codes) > 0:
		out = outcome{Status: "rejected", Code: v.codes[0]}
	case !v.same:
		out.Seq = r.append(c, c.logged)
	}
	if c.keyed() != "" {
		r.keys[c.keyed()] = judged{c, out}
	}
	return out
}

// answeredWell compares the answer with the outcome.
func (r *request) answeredWell() error {
	ok := r.status == http.StatusAccepted
	switch {
	case r.wait && r.Status == "rejected":
		ok = ok || r.code == r.Code && r.status == statuses[r.code]
	case r.wait:
		ok = ok || r.status == http.StatusOK || r.status == http.StatusCreated
	}
	if !ok {
		return fmt.Errorf("%s\nbecame %+v and was answered %d %s", r, r.outcome, r.status, r.body)
	}
	return nil
}
