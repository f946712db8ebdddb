package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/report/chart"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// column is a number of what is measured at each point of a curve.
type column struct {
	title string
	what  string // see result.AtSend
	v     value
}

// line is a column that is drawn.
type line struct {
	name string
	column
}

// growing is a curve as people see it.
type growing struct {
	curve       result.Curve
	title, text string
	head        string // of the first column
	columns     []column
	noted       string // the measurement of which there are notes
	file        string // of the chart; empty: none
	drawn, unit string // what it shows
	lines       []line
}

var (
	logEach    value = func(m *result.Measured) float64 { return perEvent(m, func(d *result.Disk) int64 { return d.Log }) }
	tablesEach value = func(m *result.Measured) float64 { return perEvent(m, func(d *result.Disk) int64 { return d.Tables }) }
	streamKiB  value = func(m *result.Measured) float64 { return m.StreamBytes / 1024 }
)

func perEvent(m *result.Measured, bytes func(*result.Disk) int64) float64 {
	if m.Disk == nil || m.Disk.Events == 0 {
		return 0
	}
	return float64(bytes(m.Disk)) / float64(m.Disk.Events)
}

var sendColumns = []column{
	{"sends per second", result.AtSend, rate}, {"p50 ms", result.AtSend, p50}, {"p99 ms", result.AtSend, p99}, {"CPU s per 1,000", result.AtSend, cpu},
}

var growingAll = []growing{
	{
		curve: result.Rooms, title: "What grows with rooms", head: "rooms",
		text: "64 clients send, each to rooms of its own in turn, and 16 read pages of 50 of any of theirs. Each room has 50 messages from the beginning.",
		columns: slices.Concat(sendColumns, []column{
			{"MiB", result.AtSend, memory},
			{"pages per second", result.AtPage, rate},
			{"p50 ms", result.AtPage, p50},
			{"p99 ms", result.AtPage, p99},
			{"CPU s per 1,000", result.AtPage, cpu},
			{"MiB", result.AtPage, memory},
		}),
		noted: result.AtSend, file: "rooms.svg", drawn: "processor for 1,000", unit: "s",
		lines: []line{{"sends", column{what: result.AtSend, v: cpu}}, {"pages of 50", column{what: result.AtPage, v: cpu}}},
	},
	{
		curve: result.Events, title: "What grows with messages", head: "messages before",
		text: "64 clients send to 100 rooms, 16 read pages of 50: the newest, pages anywhere in the history by seq (`before=`), and by time (`at=`). " +
			"A start is from the process until it serves, of one that was stopped; the files are those of a stopped one.",
		columns: slices.Concat(sendColumns, []column{
			{"MiB", result.AtSend, memory},
			{"newest page, CPU s per 1,000", result.AtPage, cpu},
			{"`before=`", result.AtBefore, cpu},
			{"`at=`", result.AtTime, cpu},
			{"start, ms", result.AtStart, p50},
			{"MiB after it", result.AtStart, memory},
			{"log, bytes a message", result.AtStart, logEach},
			{"tables, bytes a message", result.AtStart, tablesEach},
		}),
		noted: result.AtSend, file: "events.svg", drawn: "processor for 1,000", unit: "s",
		lines: []line{
			{"sends", column{what: result.AtSend, v: cpu}},
			{"newest pages", column{what: result.AtPage, v: cpu}},
			{"pages before a seq", column{what: result.AtBefore, v: cpu}},
			{"pages at a time", column{what: result.AtTime, v: cpu}},
		},
	},
	{
		curve: result.Followers, title: "What grows with followers of a room", head: "followers",
		text: "Each a person of its own. At most 500 messages a second, and 10,000 deliveries; latencies are of each message and follower, and the processor's time is that of the sends too. " +
			"What a stream takes is by how much heap and stacks grow with each idle one, garbage left out, of a process that has not seen these people before.",
		columns: []column{
			{"deliveries per second", result.AtHear, rate},
			{"p50 ms", result.AtHear, p50},
			{"p99 ms", result.AtHear, p99},
			{"most ms", result.AtHear, longest},
			{"CPU s per 1,000", result.AtHear, cpu},
			{"MiB", result.AtHear, memory},
			{"KiB a person's stream", result.AtPerson, streamKiB},
			{"KiB a room's", result.AtRoom, streamKiB},
		},
		noted: result.AtHear, file: "followers.svg", drawn: "until one of them has a message", unit: "ms",
		lines: []line{{"p50", column{what: result.AtHear, v: p50}}, {"p99", column{what: result.AtHear, v: p99}}},
	},
	{
		curve: result.Partitions, title: "What grows with partitions", head: "partitions", text: "Of the embedded log; 64 clients send to 100 rooms.",
		columns: append(slices.Clone(sendColumns), column{"MiB", result.AtSend, memory}), noted: result.AtSend,
	},
	{
		curve: result.Text, title: "What grows with the length of texts", head: "bytes of text",
		text: "64 clients send to 100 rooms. The texts are words in no order, of a vocabulary of 4,096; the log is compressed, the tables are not.",
		columns: slices.Concat(sendColumns, []column{
			{"MiB", result.AtSend, memory}, {"log, bytes a message", result.AtStart, logEach}, {"tables, bytes a message", result.AtStart, tablesEach},
		}),
		noted: result.AtSend, file: "texts.svg", drawn: "a message on the disk", unit: "bytes",
		lines: []line{{"log", column{what: result.AtStart, v: logEach}}, {"tables", column{what: result.AtStart, v: tablesEach}}},
	},
}

// points are where a curve was measured, ascending.
func (s *Summary) points(c result.Curve) (all []int) {
	for k := range s.measured {
		if n, ok := c.Point(k.measure); ok && k.system == result.Roomlog {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// at is a number at a point of a curve.
func (s *Summary) at(c result.Curve, n int, x column) Spread {
	return s.of(result.Roomlog, c.At(n, x.what), x.v)
}

// curveTable has a row for each point of a curve; nil: none was measured.
func curveTable(s *Summary, g growing) table {
	t := table{{g.head}}
	for _, x := range g.columns {
		t[0] = append(t[0], x.title)
	}
	t[0] = append(t[0], "notes")
	for _, n := range s.points(g.curve) {
		row := []string{count(n)}
		for _, x := range g.columns {
			row = append(row, median(s.at(g.curve, n, x)))
		}
		t = append(t, append(row, strings.Join(notes(s, result.Roomlog, g.curve.At(n, g.noted)), "; ")))
	}
	if len(t) == 1 {
		return nil
	}
	return t
}

func (s *Summary) curveChart(g growing) string {
	var series []chart.LineSeries
	for _, l := range g.lines {
		drawn := chart.LineSeries{Name: l.name}
		for _, n := range s.points(g.curve) {
			if r := s.at(g.curve, n, l.column); r.Median > 0 {
				drawn.Points = append(drawn.Points, chart.Point{X: float64(n), Y: r.Median})
			}
		}
		if len(drawn.Points) > 0 {
			series = append(series, drawn)
		}
	}
	if len(series) == 0 {
		return ""
	}
	return chart.Growth(fmt.Sprintf("%s: %s", g.title, g.drawn), g.unit, g.head, series)
}
