package streams_test

import "testing"

// TestStreams is what the benchmarks do, on a small scale: everybody has every
// message in order, while some do not read; and what each stream takes is bounded.
func TestStreams(t *testing.T) {
	s := start(t, 400)
	t.Run("Idle", func(t *testing.T) { idle(t, s) })
	t.Run("Stalled", func(t *testing.T) { stalled(t, s) })
}

func idle(t *testing.T, s *site) {
	const (
		room     = "idle"
		each     = 150 // of rooms and of persons
		messages = 20
		// most is far above what an idle stream takes, so that only one that keeps
		// what it has shown is above it.
		most = 100 << 10
	)
	s.room(t, room, each)
	_, before := s.memory(t)
	open := s.openAll(t, room, each, roomStream(room, s.seq(t, room)))
	open = append(open, s.openAll(t, room, each, personStream)...)
	_, idle := s.memory(t)
	perStream := (idle.used() - before.used()) / float64(len(open))
	t.Logf("figure: streams: %.0f bytes of heap and stack for each of %d idle streams", perStream, len(open))
	if perStream > most {
		t.Errorf("an idle stream takes %.0f bytes, more than %d", perStream, most)
	}
	a := listen(t, open)
	s.talk(t, a, room, messages)
	a.leave()
	s.awaitNoStreams(t)
}

func stalled(t *testing.T, s *site) {
	const (
		room           = "stalled"
		readers, stuck = 20, 10
		messages       = 20
	)
	s.room(t, room, readers+stuck)
	a := listen(t, s.openAll(t, room, readers, roomStream(room, s.seq(t, room))))
	defer a.leave()
	s.grows(t, a, room) // what only the first one takes
	without := s.grows(t, a, room)
	mute := s.openAll(t, room, stuck, roomStream(room, s.seq(t, room)))
	defer closeAll(mute)
	with := s.grows(t, a, room)
	s.talk(t, a, room, messages)
	t.Logf("figure: streams: the server grew by %.0f bytes in a flood of %d, by %.0f more in one that %d followers did not read",
		without, flood*size, with-without, stuck)
	if with-without > stuck*flood*size/2 {
		t.Errorf("%d followers who do not read take %.0f bytes", stuck, with-without)
	}
}
