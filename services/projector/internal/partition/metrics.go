package partition

import (
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

var partitionDesc = prometheus.NewDesc("roomlog_projector_partition_phase",
	"1 for each assigned partition, by phase: claiming, folding, paused, stopped.", []string{"partition", "phase"}, nil)

var lagDesc = prometheus.NewDesc("roomlog_projector_lag_records",
	"Records between the checkpoint and the log's end, of assigned partitions.", []string{"partition"}, nil)

type stateCollector struct{ *States }

func (c stateCollector) Describe(ch chan<- *prometheus.Desc) { ch <- partitionDesc; ch <- lagDesc }

func (c stateCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.All() {
		p := label(s.Partition)
		ch <- prometheus.MustNewConstMetric(partitionDesc, prometheus.GaugeValue, 1, p, string(s.Phase))
		ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(s.End-s.Next), p)
	}
}

func label(p events.Partition) string { return strconv.Itoa(int(p)) }
