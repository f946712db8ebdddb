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
	streams := s.points(result.Followers)
	if len(streams) == 0 {
		return nil
	}
	one, most := result.Followers.At(streams[0], result.AtHear), streams[len(streams)-1]
	many, idle := result.Followers.At(most, result.AtHear), result.Followers.At(most, result.AtPerson)
	each, with, without := s.of(result.Roomlog, idle, streamKiB), s.of(result.Roomlog, many, memory), s.of(result.Roomlog, one, memory)
	measured := processors("chat and projector: accept and fold", result.RoomlogKafka3, result.Send256, cpuService, planMessages) &&
		processors("three brokers and PostgreSQL", result.RoomlogKafka3, result.Send256, cpuServers, planMessages) &&
		processors("chat: deliver, its sends included", result.Roomlog, result.Followers.At(planFollowers, result.AtHear), cpu, planMessages*planFollowers)
	if !measured || most == streams[0] || each.Rounds == 0 || with.Rounds == 0 || without.Rounds == 0 {
		return nil
	}
	bytes := func(what string, kib float64, measures string) {
		t = append(t, []string{
			what, number(kib) + " KiB a stream", measures, number(planClients) + " streams", number(kib*planClients/1024/1024) + " GiB",
		})
	}
	bytes("chat: memory of idle streams, in use", each.Median, fmt.Sprintf("`%s`, `%s`", result.Roomlog, idle))
	bytes("chat: resident where all of them get messages, with garbage", (with.Median-without.Median)*1024/float64(most-streams[0]),
		fmt.Sprintf("`%s`, `%s` less `%s`", result.Roomlog, many, one))
	return t
}
