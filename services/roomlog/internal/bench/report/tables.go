package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// table is rows of cells, the first of which is the head.
type table [][]string

// systems in the order of tables, with their names for people.
var systems = []struct{ id, name string }{
	{result.Roomlog, "roomlog"},
	{result.RoomlogPostgres, "roomlog, tables in PostgreSQL"},
	{result.RoomlogKafka1, "roomlog on 1 Kafka broker"},
	{result.RoomlogKafka3, "roomlog on 3 Kafka brokers"},
	{result.PlainPostgres, "plain PostgreSQL"},
	{result.BatchedPostgres, "batched PostgreSQL"},
	{result.PlainSQLite, "plain SQLite"},
	{result.BareEcho, "bare Echo, saves nothing"},
}

// measures in the order of tables.
var measures = []struct{ id, title string }{
	{result.Send1, "Sends, 1 client"},
	{result.Send64, "Sends, 64 clients"},
	{result.Send256, "Sends, 256 clients"},
	{result.Sustained, "Sends, 256 clients, sustained"},
	{result.Growth, "Sends, 256 clients, where the log has grown"},
	{result.Pages16, "Pages of 50, 16 clients"},
	{result.Deliver, "Delivery at 1,000/s"},
	{result.Spread16, "Sends, 16 clients in rooms of their own"},
	{result.Hot16, "Sends, 16 clients in one room"},
	{result.Fanout(1), "Delivery, 10/s in one room, 1 follower"},
	{result.Fanout(100), "Delivery, 10/s in one room, 100 followers"},
	{result.Fanout(1000), "Delivery, 10/s in one room, 1,000 followers"},
}

func goalsTable(s *Summary) table {
	t := table{{"ratio", "median", "min–max", "floor", "aim", "reached"}}
	known := false
	for _, g := range goals {
		r := g.ratio(s)
		known = known || r.Rounds > 0
		bound := func(b float64) string {
			switch {
			case b == 0:
				return "-"
			case g.less:
				return "≤ " + number(b)
			}
			return "≥ " + number(b)
		}
		t = append(t, []string{g.what, median(r), extremes(r), bound(g.floor), bound(g.aim), g.verdict(r)})
	}
	if !known {
		return nil
	}
	return t
}

// measureTable has a row for each system that was measured so; nil: none was.
func measureTable(s *Summary, measure string) table {
	t := table{{"", "to plain PostgreSQL", "min–max", "per second", "p50 ms", "p99 ms", "CPU s per 1,000", "notes"}}
	for _, y := range systems {
		r := s.of(y.id, measure, rate)
		if r.Rounds == 0 {
			continue
		}
		v := rate
		if s.any(y.id, measure, (*result.Measured).GivenRate) {
			v = p50
		}
		ratio := s.ratio(y.id, measure, result.PlainPostgres, measure, v)
		t = append(t, []string{
			y.name, median(ratio), extremes(ratio), number(r.Median), median(s.of(y.id, measure, p50)),
			median(s.of(y.id, measure, p99)), median(s.of(y.id, measure, cpu)), strings.Join(notes(s, y.id, measure), "; "),
		})
	}
	if len(t) == 1 {
		return nil
	}
	return t
}

// notes say what a reader must know of a row.
func notes(s *Summary, system, measure string) (all []string) {
	if s.any(system, measure, (*result.Measured).GeneratorBound) {
		busy, own := s.of(system, measure, loadBusy), s.of(system, measure, loadOwn)
		all = append(all, fmt.Sprintf("the generator's processor was %.0f %% busy, %.0f %% of that with the generator: it may be faster", 100*busy.Max, 100*own.Max/busy.Max))
	}
	errors, lost := 0, 0
	for _, m := range s.measured[key{system, measure}] {
		errors += m.Errors
		lost += m.Lost
	}
	if errors > 0 {
		all = append(all, count(errors)+" errors")
	}
	if lost > 0 {
		all = append(all, count(lost)+" lost")
	}
	drain := s.of(system, measure, func(m *result.Measured) float64 { return m.Drain })
	if most := s.of(system, measure, lag); most.Median > 0 {
		all = append(all, fmt.Sprintf("tables behind at most %s s, all folded %s s after the end", number(most.Median), number(drain.Median)))
	}
	return all
}

// slowTable is how long a send takes with slow statements.
func slowTable(s *Summary) table {
	t := table{{"p50 / p99, ms"}}
	for _, d := range result.Delays {
		t[0] = append(t[0], fmt.Sprintf("%d ms", d.Milliseconds()))
	}
	for _, y := range systems {
		row := []string{y.name}
		measured := false
		for _, d := range result.Delays {
			at50, at99 := s.of(y.id, result.Slow(d), p50), s.of(y.id, result.Slow(d), p99)
			measured = measured || at50.Rounds > 0
			row = append(row, median(at50)+" / "+median(at99))
		}
		if measured {
			t = append(t, row)
		}
	}
	if len(t) == 1 {
		return nil
	}
	return t
}

func median(s Spread) string {
	if s.Rounds == 0 {
		return "-"
	}
	return number(s.Median)
}

func extremes(s Spread) string {
	if s.Rounds < 2 {
		return "-"
	}
	return number(s.Min) + "–" + number(s.Max)
}

// count has commas between thousands.
func count(n int) string {
	whole := strconv.Itoa(n)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole
}

// number has three digits that count, and commas between thousands.
func number(f float64) string {
	switch {
	case f >= 999.5:
		return count(int(math.Round(f)))
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 0.1 || f == 0:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.2g", f)
}
