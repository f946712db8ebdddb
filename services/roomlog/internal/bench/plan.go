package bench

import (
	"slices"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// turn is what one system does in a round.
type turn struct {
	system string
	round  int
	setup
	loads []measurement
}

var (
	threeSends = []measurement{
		sends(result.Send1, 1, load.Rooms), sends(result.Send64, 64, load.Rooms), sends(result.Send256, mostClients, load.Rooms),
	}
	sendsAndReads = append(slices.Clone(threeSends), pages, deliver)
	withHotRoom   = append(slices.Clone(sendsAndReads), sends(result.Spread16, hotClients, load.Rooms), sends(result.Hot16, hotClients, 1))
	fanouts       = []measurement{fanout(result.Streams[0]), fanout(result.Streams[1]), fanout(result.Streams[2])}
)

// plan lists all turns: first what tells most. A log grows to so many messages.
func plan(rounds, messages int) (all []turn) {
	for round := 1; round <= rounds; round++ {
		all = append(all,
			turn{system: result.Roomlog, round: round, loads: slices.Concat(withHotRoom, fanouts)},
			turn{system: result.PlainPostgres, round: round, loads: slices.Concat(withHotRoom, fanouts)},
			turn{system: result.BatchedPostgres, round: round, loads: withHotRoom},
			turn{system: result.PlainSQLite, round: round, loads: sendsAndReads},
			turn{system: result.BareEcho, round: round, loads: threeSends},
		)
	}
	long := []measurement{sustained()}
	all = append(all,
		turn{system: result.Roomlog, round: 1, loads: append(slices.Clone(long), growth(messages))},
		turn{system: result.PlainPostgres, round: 1, loads: long},
		turn{system: result.BatchedPostgres, round: 1, loads: long},
	)
	var delays []measurement
	for _, d := range result.Delays {
		delays = append(delays, slow(d))
	}
	behindDelays := func(system string, round int) turn {
		return turn{system: system, round: round, setup: setup{slow: true}, loads: delays}
	}
	for round := 1; round <= 2*rounds+1; round++ { // they differ by chance alone, which is as much as a fifth in one round
		all = append(all, behindDelays(result.RoomlogPostgres, round), behindDelays(result.RoomlogKafka1, round))
	}
	all = append(all, behindDelays(result.PlainPostgres, 1), behindDelays(result.BatchedPostgres, 1))
	for round := 1; round <= rounds; round++ {
		for _, system := range []string{result.RoomlogKafka1, result.RoomlogKafka3} {
			all = append(all, turn{system: system, round: round, loads: sendsAndReads})
		}
	}
	return all
}

// chosen keeps the turns of some systems, and their loads of some names; empty: all.
func chosen(all []turn, systems, loads []string) (kept []turn) {
	for _, t := range all {
		if len(systems) > 0 && !slices.Contains(systems, t.system) {
			continue
		}
		t.loads = slices.DeleteFunc(slices.Clone(t.loads), func(m measurement) bool {
			return len(loads) > 0 && !slices.Contains(loads, m.name)
		})
		if len(t.loads) > 0 {
			kept = append(kept, t)
		}
	}
	return kept
}
