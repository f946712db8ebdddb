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
	slow   bool // its database is behind a proxy
	loads  []measurement
}

var (
	threeSends = []measurement{
		sends(result.Send1, 1, load.Rooms), sends(result.Send64, 64, load.Rooms), sends(result.Send256, mostClients, load.Rooms),
	}
	sendsAndReads = append(slices.Clone(threeSends), pages, deliver)
	withHotRoom   = append(slices.Clone(sendsAndReads), sends(result.Spread16, hotClients, load.Rooms), sends(result.Hot16, hotClients, 1))
)

// plan lists all turns: first what tells most.
func plan(rounds int) (all []turn) {
	for round := 1; round <= rounds; round++ {
		all = append(all,
			turn{system: result.Roomlog, round: round, loads: withHotRoom},
			turn{system: result.PlainPostgres, round: round, loads: withHotRoom},
			turn{system: result.BatchedPostgres, round: round, loads: withHotRoom},
			turn{system: result.PlainSQLite, round: round, loads: sendsAndReads},
			turn{system: result.BareEcho, round: round, loads: threeSends},
		)
	}
	long := []measurement{sustained()}
	for _, system := range []string{result.Roomlog, result.PlainPostgres, result.BatchedPostgres} {
		all = append(all, turn{system: system, round: 1, loads: long})
	}
	var delays []measurement
	for _, d := range result.Delays {
		delays = append(delays, slow(d))
	}
	for _, system := range []string{result.RoomlogPostgres, result.RoomlogKafka1, result.PlainPostgres, result.BatchedPostgres} {
		all = append(all, turn{system: system, round: 1, slow: true, loads: delays})
	}
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
