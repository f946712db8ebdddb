package chat

import (
	"net/http"
	"slices"
	"strconv"
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
	requests  *prometheus.HistogramVec
	publishes *prometheus.HistogramVec
	judged    *prometheus.CounterVec
	hooked    *prometheus.HistogramVec
	streams   prometheus.Gauge
	ended     *prometheus.CounterVec
	expired   prometheus.Counter
	clock     *clock.Watch
}

func newMetrics(reg prometheus.Registerer, hub *live.Hub, watch *clock.Watch) *metrics {
	m := &metrics{
		clock: watch,
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "roomlog_commands_expired_total", Help: "Commands that the log took after their time, as told to those who waited for the verdict.",
		}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "roomlog_http_request_seconds", Help: "How long requests took, streams included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 13),
		}, []string{"method", "route", "status"}),
		publishes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "roomlog_publish_seconds", Help: "How long the log took for an event, by how it ended.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
		}, []string{"result"}),
		judged: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "roomlog_courtesy_checks_total", Help: "Looks at the read model before a command is published, by what came of it.",
		}, []string{"result"}),
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
		reg.MustRegister(m.expired, ahead, m.requests, m.publishes, m.judged, m.hooked, m.streams, m.ended, followers)
	}
	return m
}

func (m *metrics) Request(method, route string, status int, took time.Duration) {
	if !slices.Contains(methods, method) {
		method = "other" // a client can make up as many as it likes
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) StreamOpened() { m.streams.Inc() }

func (m *metrics) StreamClosed(how string) {
	m.streams.Dec()
	m.ended.WithLabelValues(how).Inc()
}

func (m *metrics) Published(result string, took time.Duration) {
	m.publishes.WithLabelValues(result).Observe(took.Seconds())
}

func (m *metrics) Hooked(result string, took time.Duration) {
	m.hooked.WithLabelValues(result).Observe(took.Seconds())
}

func (m *metrics) Expired() {
	m.expired.Inc()
	m.clock.Expired()
}

func (m *metrics) Judged(result string) { m.judged.WithLabelValues(result).Inc() }
