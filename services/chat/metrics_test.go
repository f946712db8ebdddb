package chat

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomlog/roomlog/services/chat/internal/clock"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

// What clients make up as methods does not become series of its own.
func TestMethodsAreFew(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := newMetrics(reg, live.NewHub(slog.New(slog.DiscardHandler), nil), clock.NewWatch(time.Now, slog.New(slog.DiscardHandler)))
	for _, method := range []string{http.MethodGet, "FOO", "BAR", "BAZ"} {
		m.Request(method, "none", http.StatusNotFound, time.Millisecond)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "roomlog_http_request_seconds" {
			if len(f.GetMetric()) != 2 {
				t.Errorf("series %v", f.GetMetric())
			}
			return
		}
	}
	t.Error("requests are not counted")
}
