package bench

import (
	"context"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// sizes are the points at which curves are measured.
type sizes struct{ rooms, events, followers, partitions, text []int }

var (
	curves = sizes{
		rooms:      []int{10, 100, 1000, 10_000, 100_000},
		events:     []int{100_000, 1_000_000, 10_000_000},
		followers:  []int{1, 10, 100, 1000, 10_000},
		partitions: []int{1, 4, 16},
		text:       []int{20, 200, 2000, 16_000}, // 16,384 is the most that there may be
	}
	// quickCurves show that it works.
	quickCurves = sizes{
		rooms: []int{10, 100}, events: []int{10_000}, followers: []int{1, 20}, partitions: []int{1, 4}, text: []int{20, 16_000},
	}
)

const (
	// Of a crowd's room: messages and deliveries a second, of which a processor has time
	// for both.
	crowdRate, crowdDeliveries = 500, 10_000
	// hearTimes is how much longer than others delivery is measured: it is a message a second.
	hearTimes = 5
)

// capacity lists all turns that say what grows with what. A service is measured at
// one point of a curve, by each load as often as there are rounds: what there has
// to be before takes longer than a turn.
func capacity(rounds int, z sizes) (all []turn) {
	add := func(how setup, loads ...measurement) {
		t := turn{system: result.Roomlog, round: 1, setup: how}
		for round := 1; round <= rounds; round++ {
			for _, m := range loads {
				m.round = round
				t.loads = append(t.loads, m)
			}
		}
		all = append(all, t)
	}
	for _, n := range z.partitions {
		add(setup{scale: scale{rooms: load.Rooms}, partitions: n}, sends(result.Partitions.At(n, result.AtSend), load.Senders, load.Rooms))
	}
	for _, n := range z.text {
		add(setup{scale: scale{rooms: load.Rooms}}, texts(result.Text.At(n, result.AtSend), n), restarts(result.Text.At(n, result.AtStart)))
	}
	for _, n := range z.rooms {
		s := scale{rooms: n, messages: n * pageLimit}
		add(setup{scale: s}, sends(result.Rooms.At(n, result.AtSend), load.Senders, n), reads(result.Rooms.At(n, result.AtPage), s.newest))
	}
	most := z.followers[len(z.followers)-1]
	crowd := []measurement{
		idle(result.Followers.At(most, result.AtPerson), most, personStream), idle(result.Followers.At(most, result.AtRoom), most, roomStream),
	}
	for _, n := range z.followers {
		crowd = append(crowd, hear(result.Followers.At(n, result.AtHear), n))
	}
	add(setup{scale: scale{rooms: 1, followers: most}}, crowd...)
	for _, n := range z.events {
		s := scale{rooms: load.Rooms, messages: n}
		add(setup{scale: s}, sends(result.Events.At(n, result.AtSend), load.Senders, load.Rooms), reads(result.Events.At(n, result.AtPage), s.newest),
			reads(result.Events.At(n, result.AtBefore), s.before), reads(result.Events.At(n, result.AtTime), s.at), restarts(result.Events.At(n, result.AtStart)))
	}
	return all
}

// reads are pages of those paths.
func reads(name string, paths func(client int) []string) measurement {
	return measurement{name: name, run: func(ctx context.Context, r *running, w load.Window, _ *load.Acked) (load.Result, error) {
		return load.Pages(ctx, r.target, pageClients, paths, w), nil
	}}
}

// texts are sends of messages of that length.
func texts(name string, bytes int) measurement {
	return measurement{name: name, run: func(ctx context.Context, r *running, w load.Window, acked *load.Acked) (load.Result, error) {
		t := r.target
		t.Text = bytes
		return load.Send(ctx, t, load.Senders, load.Rooms, w, acked), nil
	}}
}

// hear is one room that so many people follow.
func hear(name string, streams int) measurement {
	rate := max(1, min(crowdRate, crowdDeliveries/streams))
	return measurement{name: name, fresh: true, run: func(ctx context.Context, r *running, w load.Window, acked *load.Acked) (load.Result, error) {
		w.Time *= hearTimes
		return load.Deliver(ctx, r.target, load.Fanout(rate, streams, streams, everywhere), w, acked)
	}}
}
