package partition

import (
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Metrics of all partitions of a process.
type Metrics struct {
	records    prometheus.Counter
	verdicts   *prometheus.CounterVec
	batches    prometheus.Histogram
	commitTime prometheus.Histogram
	pauses     prometheus.Counter
}

// NewMetrics registers the metrics and those of states.
func NewMetrics(reg prometheus.Registerer, states *States) *Metrics {
	m := &Metrics{
		records: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "roomlog_projector_records_total", Help: "Records of the log that were folded and committed.",
		}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "roomlog_projector_verdicts_total", Help: "Rows written, by verdict: accepted, unsequenced (rejected or without effect), bad_record, dead_letter.",
		}, []string{"verdict"}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "roomlog_projector_batch_records", Help: "Records of a transaction.", Buckets: prometheus.ExponentialBuckets(1, 4, 7),
		}),
		commitTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "roomlog_projector_commit_seconds", Help: "Time of a transaction, from its begin to its commit.", Buckets: prometheus.ExponentialBuckets(0.0005, 3, 9),
		}),
		pauses: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "roomlog_projector_pauses_total", Help: "How often a partition had to be claimed again after an error.",
		}),
	}
	reg.MustRegister(m.records, m.verdicts, m.batches, m.commitTime, m.pauses, stateCollector{states})
	return m
}

func (m *Metrics) committed(records int, b readmodel.Batch, d time.Duration) {
	m.records.Add(float64(records))
	m.verdicts.WithLabelValues("accepted").Add(float64(len(b.Events)))
	m.verdicts.WithLabelValues("unsequenced").Add(float64(len(b.Outcomes)))
	m.verdicts.WithLabelValues("bad_record").Add(float64(len(b.BadRecords)))
	m.verdicts.WithLabelValues("dead_letter").Add(float64(len(b.DeadLetters)))
	m.batches.Observe(float64(records))
	m.commitTime.Observe(d.Seconds())
}

// gauges are read from the states when they are asked for.
var gauges = []struct {
	desc *prometheus.Desc
	of   func(State) float64
}{
	{gauge("checkpoint_offset", "First offset that is not folded."), func(s State) float64 { return float64(s.Next) }},
	{gauge("log_end_offset", "Offset that the log's next record will have."), func(s State) float64 { return float64(s.End) }},
	{gauge("lag_records", "Records between the checkpoint and the log's end."), func(s State) float64 { return float64(s.Lag) }},
	{gauge("lag_seconds", "About the age of the first record that is not folded; 0 where there is none."), func(s State) float64 { return s.LagSeconds }},
	{gauge("records_per_second", "Records folded a second, of late."), func(s State) float64 { return s.Rate }},
	{gauge("eta_seconds", "In how many seconds there will be no lag, at the rate at which it shrinks; +Inf where it does not."), eta},
	{gauge("blocked_rooms", "Rooms whose events are parked."), func(s State) float64 { return float64(s.Aside.BlockedRooms) }},
	{gauge("dead_letters", "Parked events."), func(s State) float64 { return float64(s.Aside.DeadLetters) }},
	{gauge("bad_records", "Records of the log that are no events."), func(s State) float64 { return float64(s.Aside.BadRecords) }},
}

func gauge(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("roomlog_projector_"+name, help+" By partition assigned to the process.", []string{"partition"}, nil)
}

func eta(s State) float64 {
	if s.ETA == nil {
		return math.Inf(1)
	}
	return *s.ETA
}

var phaseDesc = prometheus.NewDesc("roomlog_projector_partition_phase",
	"1 for each partition assigned to the process, by phase: claiming, folding, paused, stopped.", []string{"partition", "phase"}, nil)

type stateCollector struct{ *States }

func (c stateCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- phaseDesc
	for _, g := range gauges {
		ch <- g.desc
	}
}

func (c stateCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.All() {
		p := label(s.Partition)
		ch <- prometheus.MustNewConstMetric(phaseDesc, prometheus.GaugeValue, 1, p, string(s.Phase))
		for _, g := range gauges {
			ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.of(s), p)
		}
	}
}

func label(p events.Partition) string { return strconv.Itoa(int(p)) }
