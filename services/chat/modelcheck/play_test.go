package modelcheck_test

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// play sends a history: one batch of commands after the other, those of a batch at once. It
// does not wait for verdicts where the commands do not.
func (s *scene) play(h history) (batches [][]*request, err error) {
	for len(h) > 0 {
		n := 1
		for n < len(h) && h[n].atOnce && h[n].do != pass && h[n-1].do != pass {
			n++
		}
		if h[0].do == pass {
			s.Pass(time.Duration(h[0].to) * time.Minute) // what has to wait in a history waits 30 or 60, and to play it takes less than one
		} else {
			batch, err := s.batch(h[:n])
			if err != nil {
				return nil, err
			}
			batches = append(batches, batch)
		}
		h = h[n:]
	}
	return batches, s.fold(batches)
}

func (s *scene) batch(h history) ([]*request, error) {
	batch := make([]*request, len(h))
	for i, c := range h {
		batch[i] = s.request(c)
	}
	var g errgroup.Group
	for _, r := range batch[1:] {
		g.Go(func() error { return s.send(r) })
	}
	err := s.send(batch[0])
	if others := g.Wait(); err == nil {
		err = others
	}
	for _, r := range batch {
		if r.do == post && r.id != "" && !slices.Contains(s.sent[r.room], r.id) {
			s.sent[r.room] = append(s.sent[r.room], r.id)
		}
	}
	return batch, err
}

// fold waits until everything is folded, and asks what became of it.
func (s *scene) fold(batches [][]*request) error {
	for _, batch := range batches {
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
