// Package admin serves what operators and their tools ask a running program:
// is it alive, can it do its work and why not, its metrics and profiles. It
// belongs on a listener of its own, on loopback unless told otherwise: nothing
// here asks for a token.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTimeout bounds all checks of one request.
const checkTimeout = 2 * time.Second

// Check reports on one part. A nil error means that it works; detail is shown
// as JSON either way and may be nil.
type Check struct {
	Name string
	// Required parts make the program not ready where they fail; the others are
	// reported as degraded.
	Required bool
	Run      func(ctx context.Context) (detail any, err error)
}

// Report is the answer of /readyz.
type Report struct {
	Ready  bool            `json:"ready"`
	Checks map[string]Part `json:"checks"`
}

// Part is one check's result.
type Part struct {
	OK       bool   `json:"ok"`
	Required bool   `json:"required"`
	Error    string `json:"error,omitempty"`
	Detail   any    `json:"detail,omitempty"`
}

// Handler serves /healthz, /readyz, /metrics and /debug/pprof.
func Handler(metrics prometheus.Gatherer, checks ...Check) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		report := Run(ctx, checks...)
		w.Header().Set("Content-Type", "application/json")
		if !report.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		_ = e.Encode(report)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// Run runs the checks one after the other.
func Run(ctx context.Context, checks ...Check) Report {
	report := Report{Ready: true, Checks: make(map[string]Part, len(checks))}
	for _, c := range checks {
		detail, err := c.Run(ctx)
		p := Part{OK: err == nil, Required: c.Required, Detail: detail}
		if err != nil {
			p.Error = err.Error()
			report.Ready = report.Ready && !c.Required
		}
		report.Checks[c.Name] = p
	}
	return report
}

// Serve listens on l until ctx ends, then stops within a second.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("admin listener: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.Shutdown(stop); err != nil {
		_ = s.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin listener: %w", err)
	}
	return nil
}
