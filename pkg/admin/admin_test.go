package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomlog/roomlog/pkg/admin"
)

func check(name string, required bool, err error) admin.Check {
	return admin.Check{Name: name, Required: required, Run: func(context.Context) (any, error) { return nil, err }}
}

func TestReadiness(t *testing.T) {
	down := errors.New("connection refused")
	for _, tc := range []struct {
		name   string
		checks []admin.Check
		status int
	}{
		{"all well", []admin.Check{check("log", true, nil)}, http.StatusOK},
		{"a degraded part", []admin.Check{check("log", true, nil), check("database", false, down)}, http.StatusOK},
		{"a required part", []admin.Check{check("log", true, down), check("database", false, nil)}, http.StatusServiceUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			admin.Handler(prometheus.NewRegistry(), tc.checks...).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			if w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
			var r admin.Report
			if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			for _, c := range tc.checks {
				_, err := c.Run(t.Context())
				if got := r.Checks[c.Name]; got.OK != (err == nil) || (err != nil && got.Error != err.Error()) {
					t.Errorf("check %s is reported as %+v", c.Name, got)
				}
			}
		})
	}
}

func TestMetricsAndHealth(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "roomlog_test_total"})
	reg.MustRegister(c)
	c.Inc()
	for path, want := range map[string]string{"/metrics": "roomlog_test_total 1", "/healthz": "ok", "/debug/pprof/": "goroutine"} {
		w := httptest.NewRecorder()
		admin.Handler(reg).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, lacks %q", path, w.Code, want)
		}
	}
}
