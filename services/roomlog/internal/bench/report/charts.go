package report

import (
	"fmt"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/report/chart"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// Charts are SVG files by name: of what was measured, and no others.
func (s *Summary) Charts() map[string]string {
	all := map[string]string{}
	for name, draw := range map[string]func() string{
		"sends.svg": s.sendsChart, "slow.svg": s.slowChart, "lag.svg": s.lagChart, "memory.svg": s.memoryChart,
	} {
		if svg := draw(); svg != "" {
			all[name] = svg
		}
	}
	for _, g := range growingAll {
		if svg := s.curveChart(g); svg != "" {
			all[g.file] = svg
		}
	}
	return all
}

func (s *Summary) sendsChart() string {
	groups := []string{"1 client", "64 clients", "256 clients"}
	var series []chart.BarSeries
	for _, y := range systems {
		bars := chart.BarSeries{Name: y.name}
		measured := false
		for _, measure := range []string{result.Send1, result.Send64, result.Send256} {
			r := s.of(y.id, measure, rate)
			bars.Bars = append(bars.Bars, chart.Bar{Value: r.Median, Min: r.Min, Max: r.Max})
			measured = measured || r.Rounds > 0
		}
		if measured {
			series = append(series, bars)
		}
	}
	if len(series) == 0 {
		return ""
	}
	return chart.Bars("Acknowledged sends: median, least and most", "per second", groups, series)
}

func (s *Summary) slowChart() string {
	var names []string
	for _, d := range result.Delays {
		names = append(names, fmt.Sprintf("%d ms", d.Milliseconds()))
	}
	var series []chart.LineSeries
	for _, y := range systems {
		line := chart.LineSeries{Name: y.name}
		for i, d := range result.Delays {
			if r := s.of(y.id, result.Slow(d), p50); r.Rounds > 0 {
				line.Points = append(line.Points, chart.Point{X: float64(i), Y: r.Median})
			}
		}
		if len(line.Points) > 0 {
			series = append(series, line)
		}
	}
	if len(series) == 0 {
		return ""
	}
	return chart.Steps("How long a send takes when the database is slow: median", "ms", "added to each of the database's statements", names, series)
}

func (s *Summary) lagChart() string {
	return s.sampled("How far the tables are behind the log under full load", "seconds", "seconds", func(x result.Sample) chart.Point {
		return chart.Point{X: x.Second, Y: x.Lag}
	}, result.Roomlog)
}

func (s *Summary) memoryChart() string {
	return s.sampled("Memory of service and database", "MiB", "messages", func(x result.Sample) chart.Point {
		return chart.Point{X: float64(x.Messages), Y: x.MemoryMiB}
	}, result.Roomlog, result.PlainPostgres, result.BatchedPostgres)
}

// sampled draws what was looked at during the sustained load, and behind it.
func (s *Summary) sampled(title, unit, xUnit string, of func(result.Sample) chart.Point, which ...string) string {
	var series []chart.LineSeries
	for _, y := range systems {
		for _, id := range which {
			if y.id != id {
				continue
			}
			line := chart.LineSeries{Name: y.name}
			for _, x := range s.samples(id) {
				line.Points = append(line.Points, of(x))
			}
			if len(line.Points) > 0 {
				series = append(series, line)
			}
		}
	}
	if len(series) == 0 {
		return ""
	}
	return chart.Lines(title, unit, xUnit, series)
}

// samples are those of the sustained load and of what came behind it in the same turn.
func (s *Summary) samples(system string) (all []result.Sample) {
	for _, measure := range []string{result.Sustained, result.Growth} {
		var end float64
		if len(all) > 0 {
			end = all[len(all)-1].Second
		}
		for _, m := range s.measured[key{system, measure}] { // one round
			for _, x := range m.Series {
				x.Second += end
				all = append(all, x)
			}
		}
	}
	return all
}
