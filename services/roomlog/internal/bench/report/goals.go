package report

import (
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// goal is what roomlog wants to be, as a ratio.
type goal struct {
	what       string
	ratio      func(*Summary) Spread
	floor, aim float64
	less       bool // less is better
}

// to is roomlog's ratio to another system under the same load.
func to(system, measure string, v value) func(*Summary) Spread {
	return func(s *Summary) Spread { return s.ratio(result.Roomlog, measure, system, measure, v) }
}

// notMoved is 1, and a tenth for what two measurements of the same differ by.
const notMoved = 1.1

var goals = []goal{
	{"acknowledged sends, 64 clients: to plain PostgreSQL", to(result.PlainPostgres, result.Send64, rate), 2, 0, false},
	{"the same: to batched PostgreSQL", to(result.BatchedPostgres, result.Send64, rate), 0.7, 1, false},
	{"acknowledged sends, 256 clients: to plain PostgreSQL", to(result.PlainPostgres, result.Send256, rate), 3, 0, false},
	{"the same: to batched PostgreSQL", to(result.BatchedPostgres, result.Send256, rate), 0.8, 1.1, false},
	{"the same: to a bare Echo handler, the limit", to(result.BareEcho, result.Send256, rate), 0.5, 0.7, false},
	{"sustained, 256 clients: to plain PostgreSQL", to(result.PlainPostgres, result.Sustained, rate), 1.5, 2.5, false},
	{"most lag of the tables meanwhile, seconds", func(s *Summary) Spread { return s.of(result.Roomlog, result.Sustained, lag) }, 2, 0, true},
	{"one client, p50: to plain PostgreSQL", to(result.PlainPostgres, result.Send1, p50), 1.5, 1, true},
	{"one client, p99: to plain PostgreSQL", to(result.PlainPostgres, result.Send1, p99), 1.5, 1, true},
	{"delivery at 1,000/s, p50: to plain PostgreSQL", to(result.PlainPostgres, result.Deliver, p50), 3, 2, true},
	{"delivery at 1,000/s, p99: to plain PostgreSQL", to(result.PlainPostgres, result.Deliver, p99), 3, 2, true},
	{"pages of 50 with authorization, 16 clients: to plain PostgreSQL without", to(result.PlainPostgres, result.Pages16, rate), 1, 2, false},
	{
		"16 clients in one hot room: to rooms of their own",
		func(s *Summary) Spread {
			return s.ratio(result.Roomlog, result.Hot16, result.Roomlog, result.Spread16, rate)
		}, 0.5, 0.8, false,
	},
	{"memory where the log has grown: to its own at a quarter of that", (*Summary).growth, 1.25, 0, true},
	{
		"the same: to PostgreSQL's and the handler's together, after the sustained load",
		func(s *Summary) Spread {
			return s.ratio(result.Roomlog, result.Growth, result.PlainPostgres, result.Sustained, memory)
		}, 0, 1, true,
	},
	{"send with 50 ms on each statement, p50: to its own without (log embedded)", slowed(result.RoomlogPostgres, p50), notMoved, 1, true},
	{"the same, p99", slowed(result.RoomlogPostgres, p99), notMoved, 1, true},
	{"the same, p50 (log on a Kafka broker)", slowed(result.RoomlogKafka1, p50), notMoved, 1, true},
}

// slowed is what 50 ms on each of the database's statements make of a number.
func slowed(system string, v value) func(*Summary) Spread {
	return func(s *Summary) Spread {
		return s.ratio(system, result.Slow(result.Delays[2]), system, result.Slow(result.Delays[0]), v)
	}
}

// growth is roomlog's memory at the end of all that it was sent in one go, to that at a
// quarter of it.
func (s *Summary) growth() Spread {
	all := s.samples(result.Roomlog)
	if len(all) == 0 {
		return Spread{}
	}
	last := all[len(all)-1]
	for _, x := range all {
		if 4*x.Messages >= last.Messages && x.MemoryMiB > 0 {
			return spread([]float64{last.MemoryMiB / x.MemoryMiB})
		}
	}
	return Spread{}
}

// verdict says whether a goal is reached: "aim", "floor", "no", or "-" where it was
// not measured.
func (g goal) verdict(r Spread) string {
	reaches := func(bound float64) bool {
		if g.less {
			return r.Median <= bound
		}
		return r.Median >= bound
	}
	switch {
	case r.Rounds == 0:
		return "-"
	case g.aim > 0 && reaches(g.aim):
		return "aim"
	case g.floor > 0 && reaches(g.floor):
		return "floor"
	}
	return "no"
}
