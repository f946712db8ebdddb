package chat

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomlog/roomlog/services/chat/internal/clock"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

// methods are those that are counted by name.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// metrics are what operators see of the API.
type metrics struct {
	requests  byLabels[request, prometheus.Observer]
	publishes byLabels[string, prometheus.Observer]
	judged    byLabels[string, prometheus.Counter]
	hooked    *prometheus.HistogramVec
	streams   prometheus.Gauge
	ended     *prometheus.CounterVec
	expired   prometheus.Counter
	clock     *clock.Watch
}

// request is what requests are counted by.
type request struct {
	method, route string
	status        int
}

// byLabels keeps the metric of each set of labels: a send has three, and Prometheus hashes
// and compares each label to find one. Processor for 1,000 sends of 256 clients, four turns
// side by side: 0.0338 s, 0.0351 without.
type byLabels[L comparable, M any] struct {
	make  func(L) M
	mu    sync.RWMutex
	known map[L]M
}

func (b *byLabels[L, M]) of(labels L) M {
	b.mu.RLock()
	m, ok := b.known[labels]
	b.mu.RUnlock()
	if !ok {
		m = b.make(labels)
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.known == nil {
			b.known = map[L]M{}
		}
		b.known[labels] = m
	}
	return m
}

func newMetrics(reg prometheus.Registerer, hub *live.Hub, watch *clock.Watch) *metrics {
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "roomlog_http_request_seconds", Help: "How long requests took, streams included.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 13),
	}, []string{"method", "route", "status"})
	publishes := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "roomlog_publish_seconds", Help: "How long the log took for an event, by how it ended.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
	}, []string{"result"})
	judged := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "roomlog_courtesy_checks_total", Help: "Looks at the read model before a command is published, by what came of it.",
	}, []string{"result"})
	m := &metrics{
		clock: watch,
		requests: byLabels[request, prometheus.Observer]{make: func(r request) prometheus.Observer {
			return requests.WithLabelValues(r.method, r.route, strconv.Itoa(r.status))
		}},
		publishes: byLabels[string, prometheus.Observer]{make: func(result string) prometheus.Observer { return publishes.WithLabelValues(result) }},
		judged:    byLabels[string, prometheus.Counter]{make: func(result string) prometheus.Counter { return judged.WithLabelValues(result) }},
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "roomlog_commands_expired_total", Help: "Commands that the log took after their time, as told to those who waited for the verdict.",
		}),
		hooked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "roomlog_hook_seconds", Help: "How long the hook took for a command, by what came of it.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
		}, []string{"result"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "roomlog_streams", Help: "Streams that are open.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "roomlog_streams_ended_total", Help: "Streams that have ended, by the code that they told, or broken.",
		}, []string{"how"}),
	}
	followers := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "roomlog_room_followers", Help: "Streams and long polls that follow a room.",
	}, func() float64 { return float64(hub.Followers()) })
	ahead := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "roomlog_log_clock_ahead_seconds", Help: "How far the log's clock was seen ahead of the one here lately; 0: within what is allowed for.",
	}, func() float64 { return watch.Ahead().Seconds() })
	if reg != nil {
		reg.MustRegister(m.expired, ahead, requests, publishes, judged, m.hooked, m.streams, m.ended, followers)
	}
	return m
}

func (m *metrics) Request(method, route string, status int, took time.Duration) {
	if !slices.Contains(methods, method) {
		method = "other" // a client can make up as many as it likes
	}
	m.requests.of(request{method, route, status}).Observe(took.Seconds())
}

func (m *metrics) StreamOpened() { m.streams.Inc() }

func (m *metrics) StreamClosed(how string) {
	m.streams.Dec()
	m.ended.WithLabelValues(how).Inc()
}

func (m *metrics) Published(result string, took time.Duration) {
	m.publishes.of(result).Observe(took.Seconds())
}

func (m *metrics) Hooked(result string, took time.Duration) {
	m.hooked.WithLabelValues(result).Observe(took.Seconds())
}

func (m *metrics) Expired() {
	m.expired.Inc()
	m.clock.Expired()
}

func (m *metrics) Judged(result string) { m.judged.of(result).Inc() }
