package report

import (
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
	streams := s.points(result.Followers)
	if len(streams) == 0 {
		return nil
	}
	most := streams[len(streams)-1]
	many, idle := result.Followers.At(most, result.AtHear), result.Followers.At(most, result.AtPerson)
	each, resident := s.of(result.Roomlog, idle, streamKiB), s.of(result.Roomlog, many, memory)
	measured := processors("chat and projector: accept and fold", result.RoomlogKafka3, result.Send256, cpuService, planMessages) &&
		processors("three brokers and PostgreSQL", result.RoomlogKafka3, result.Send256, cpuServers, planMessages) &&
		processors("chat: deliver", result.Roomlog, many, cpu, planMessages*planFollowers)
	if !measured || each.Rounds == 0 || resident.Rounds == 0 {
		return nil
	}
	bytes := func(what, measure string, kib float64) {
		t = append(t, []string{
			what, number(kib) + " KiB a stream", "`" + result.Roomlog + "`, `" + measure + "`", number(planClients) + " streams", number(kib*planClients/1024/1024) + " GiB",
		})
	}
	bytes("chat: memory of idle streams, in use", idle, each.Median)
	bytes("chat: resident where all get messages, with garbage, the process itself included", many, resident.Median*1024/float64(most))
	return t
}
