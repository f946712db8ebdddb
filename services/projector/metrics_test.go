package projector_test

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/services/projector"
)

// TestMetricsAreDocumented compares what a projector reports, after it has done
// something of all that it does, with the table in docs/operations.md.
func TestMetricsAreDocumented(t *testing.T) {
	s := newSite(t, pairs[0])
	store := s.open(t)
	s.publish(t, 1, 300)
	newer, _ := withNewer(t, "newer")
	s.append(t, newer)
	timeline := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
	defer func() { _ = timeline.Close() }()
	metrics := prometheus.NewPedanticRegistry()
	service, err := projector.New(projector.Config{}, projector.Deps{
		Log: s.cfg, Layout: s.layout, Control: s.control(t), Open: s.openVersion, Timeline: timeline, TimelineTopic: "timeline",
		Metrics: metrics, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	s.folded(t, store)

	var got map[string]*dto.MetricFamily
	blocked := func() (n float64) {
		got = map[string]*dto.MetricFamily{}
		all, err := metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			got[f.GetName()] = f
		}
		for _, m := range got["roomlog_projector_blocked_rooms"].GetMetric() {
			n += m.GetGauge().GetValue()
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); blocked() != 1; <-time.After(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the metrics do not show that a room is blocked: %v", got["roomlog_projector_blocked_rooms"])
		}
	}
	if part := admin.Run(t.Context(), service.Checks()...).Checks["rooms"]; part.OK || part.Required {
		t.Errorf("readiness says of blocked rooms: %+v", part)
	}

	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(roomlog_projector_[a-z_]+)`([^|]*)\\|").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = row[2]
	}
	if names, want := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(documented)); !slices.Equal(names, want) {
		t.Errorf("there are the metrics\n%s\ndocumented are\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
	for name, f := range got {
		for _, l := range f.GetMetric()[0].GetLabel() {
			if !strings.Contains(documented[name], "`"+l.GetName()+"`") && l.GetName() != "projection" {
				t.Errorf("%s has a label %s that is not documented", name, l.GetName())
			}
		}
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
	}
}
