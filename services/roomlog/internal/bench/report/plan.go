package report

import (
	"fmt"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// What a cluster is computed for.
const (
	planClients   = 1_000_000
	planMessages  = 100_000 // a second
	planFollowers = 10      // of each message, on average
)

// planTable says what a cluster needs, each line of one measurement; nil: one is missing.
func planTable(s *Summary) table {
	t := table{{"", "cost", "measured by", "demand", "needs"}}
	processors := func(what, system, measure string, v value, demand float64) bool {
		r := s.of(system, measure, v)
		t = append(t, []string{
			what, number(1000*r.Median) + " ms of a processor per 1,000", "`" + system + "`, `" + measure + "`",
			number(demand) + " a second", number(r.Median/1000*demand) + " processors",
		})
		return r.Rounds > 0
	}
	many, one := result.Fanout(1000), result.Fanout(1)
	measured := processors("chat and projector: accept and fold", result.RoomlogKafka3, result.Send256, cpuService, planMessages) &&
		processors("three brokers and PostgreSQL", result.RoomlogKafka3, result.Send256, cpuServers, planMessages) &&
		processors("chat: deliver", result.Roomlog, many, cpu, planMessages*planFollowers)
	with, without := s.of(result.Roomlog, many, memory), s.of(result.Roomlog, one, memory)
	if !measured || with.Rounds == 0 || without.Rounds == 0 {
		return nil
	}
	each := (with.Median - without.Median) / (1000 - 1) * 1024 // KiB
	return append(t, []string{
		"chat: memory of streams", fmt.Sprintf("%s KiB a stream", number(each)), fmt.Sprintf("`%s`, `%s` less `%s`", result.Roomlog, many, one),
		number(planClients) + " streams", number(each*planClients/1024/1024) + " GiB",
	})
}
