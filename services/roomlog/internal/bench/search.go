package bench

import "github.com/roomlog/roomlog/services/roomlog/internal/bench/load"

// search looks for all that was acknowledged. An id that was acknowledged twice is
// to be found twice, which it never is.
type search map[string]int

func newSearch(acked *load.Acked) search {
	s := make(search, acked.Len())
	for id := range acked.All() {
		s[id]++
	}
	return s
}

func (s search) found(id string) {
	if n, looked := s[id]; looked {
		if s[id] = n - 1; n == 1 {
			delete(s, id)
		}
	}
}

func (s search) missing() (n int) {
	for _, times := range s {
		n += times
	}
	return n
}
