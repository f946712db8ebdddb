package projector_test

import (
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector"
)

func TestStatus(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			s := newSite(t, p)
			store, control := s.open(t), s.control(t)
			s.publish(t, 6, 200)
			_, stop := s.start(t, projector.Config{})
			s.folded(t, store)
			stop()
			s.publish(t, 7, 200)
			if _, err := control.Build(t.Context(), time.Now().UnixMilli()); err != nil {
				t.Fatal(err)
			}
			st := s.status(t)
			if len(st.Partitions) != partitions {
				t.Fatalf("%d partitions in the status", len(st.Partitions))
			}
			var lag int64
			for _, ps := range st.Partitions {
				lag += ps.Lag
				// One without records may not have been claimed yet when all was folded.
				if ps.Gap != "" || ps.Owner == "" && ps.Next > 0 || ps.Lag != int64(ps.End-ps.Next) || (ps.Lag > 0) != (ps.LagSeconds > 0) {
					t.Errorf("%+v", ps)
				}
			}
			if lag != 200 {
				t.Errorf("lag %d, want the 200 that nobody folded", lag)
			}
			live, building := st.Versions[0], st.Versions[1]
			if live.State != readmodel.Live || live.Live == nil || live.Lag != lag || live.LagSeconds == 0 || live.Folded != live.Records-lag {
				t.Errorf("the live version: %+v", live)
			}
			if building.State != readmodel.Building || building.Live != nil || building.Folded != 0 || building.Lag != live.Records {
				t.Errorf("the version that is built: %+v", building)
			}
		})
	}
}

func TestStatusSince(t *testing.T) {
	at := func(seconds int64, folded, lag int64) (s projector.Status) {
		s.Time = readmodel.Time(seconds * 1000)
		s.Versions = []projector.VersionStatus{{Version: 1, Folded: folded}}
		s.Versions[0].Lag = lag
		return s
	}
	seconds := func(n float64) *float64 { return &n }
	for name, test := range map[string]struct {
		first, second projector.Status
		rate          float64
		eta           *float64
	}{
		"shrinks": {at(10, 100, 1000), at(12, 500, 800), 200, seconds(8)},
		"grows":   {at(10, 100, 1000), at(12, 500, 1100), 200, nil},
		"none":    {at(10, 100, 0), at(12, 500, 0), 200, seconds(0)},
		"no time": {at(10, 100, 5), at(10, 100, 5), 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.second.Since(test.first)
			got := test.second.Versions[0]
			if got.Rate != test.rate || (got.ETA == nil) != (test.eta == nil) || got.ETA != nil && *got.ETA != *test.eta {
				t.Errorf("got %+v", got.Pace)
			}
		})
	}
}
