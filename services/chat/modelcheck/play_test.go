package modelcheck_test

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// stage is where a history is played: two tenants, in which the same people have rooms
// of the same names.
type stage [2]*scene

// play sends a history: one batch of commands after the other, those of a batch at once. It
// does not wait for verdicts where the commands do not. In the end all is folded, and
// everybody has been told.
func (st stage) play(h history) error {
	for _, s := range st {
		if err := s.follow(); err != nil {
			return err
		}
		defer s.hangUp()
	}
	for len(h) > 0 {
		n := 1
		for n < len(h) && h[n].atOnce && h[n].isSent() && h[n-1].isSent() {
			n++
		}
		if err := st.batch(h[:n]); err != nil {
			return err
		}
		h = h[n:]
	}
	for _, s := range st {
		if err := s.fold(); err != nil {
			return err
		}
		for _, f := range s.followers {
			if err := f.catchUp(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c command) isSent() bool { return c.do != cut && c.do != pass }

func (st stage) batch(h history) error {
	switch first := h[0]; first.do {
	case pass:
		st[0].Pass(time.Duration(first.to) * time.Minute) // what has to wait in a history waits 30 or 60, and to play it takes less than one
		return nil
	case cut:
		return st[first.tenant].followers[first.by].resume(first.to)
	default: // it is sent
	}
	sent := make([][]*request, len(h))
	var g errgroup.Group
	for i, c := range h {
		g.Go(func() (err error) {
			sent[i], err = st[c.tenant].carryOut(c)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var batches [len(st)][]*request
	for i, c := range h {
		batches[c.tenant] = append(batches[c.tenant], sent[i]...)
	}
	for i, s := range st {
		s.keep(batches[i])
	}
	return nil
}

// keep notes what was sent at once.
func (s *scene) keep(batch []*request) {
	s.batches = append(s.batches, batch)
	for _, r := range batch {
		if r.do == post && r.id != "" && !slices.Contains(s.sent[r.room], r.id) {
			s.sent[r.room] = append(s.sent[r.room], r.id)
		}
	}
}

// carryOut sends what a command asks for: mostly one request.
func (s *scene) carryOut(c command) ([]*request, error) {
	if c.do == readAll {
		return s.readAll(c)
	}
	r := s.request(c)
	return []*request{r}, s.send(r)
}

// readAll moves one's mark in all rooms: to each it is a command of its own.
func (s *scene) readAll(c command) (parts []*request, err error) {
	marks := map[string]int{}
	for _, id := range s.rooms {
		marks[id] = c.to
	}
	body, headers := text(map[string]any{"rooms": marks}), map[string]string{}
	if c.wait {
		headers["Prefer"] = "wait=20"
	}
	at := s.Now()
	a := s.do(s.tokens[c.by], http.MethodPut, "/v1/read", body, headers)
	var result list[struct {
		Room     string  `json:"room"`
		Position *string `json:"position"`
		Code     string  `json:"code"`
	}]
	if err := decode(a, &result); err != nil {
		return nil, err
	}
	if len(result.Items) != len(marks) || a.status != http.StatusOK && a.status != http.StatusAccepted {
		return nil, fmt.Errorf("%s\nwas answered %d %s", c, a.status, a.body)
	}
	for _, item := range result.Items {
		part := s.request(command{do: markRead, by: c.by, tenant: c.tenant, room: slices.Index(s.rooms[:], item.Room), to: c.to, wait: c.wait})
		part.at, part.answer = at, answer{status: a.status, code: item.Code, body: a.body}
		if item.Code != "" {
			part.status = statuses[item.Code]
		}
		if item.Position != nil {
			part.position = *item.Position
			if part.place, err = s.find(part.room, part.position); err != nil {
				return nil, fmt.Errorf("%s: %w", part, err)
			}
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// fold waits until everything is folded, and asks what became of it.
func (s *scene) fold() error {
	for _, batch := range s.batches {
		for _, r := range batch {
			if r.offset < 0 {
				continue
			}
			path := fmt.Sprintf("/v1/rooms/%s/outcomes/%s?position=%s", s.rooms[r.room], r.id, r.position)
			a := s.do(s.tokens[r.by], http.MethodGet, path, "", map[string]string{"Roomlog-Position": r.position, "Prefer": "wait=20"})
			if a.status != http.StatusOK {
				return fmt.Errorf("the outcome of %s is %d %s", r, a.status, a.body)
			}
			if err := decode(a, &r.outcome); err != nil {
				return err
			}
		}
	}
	return nil
}
