package driver_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
)

func TestOpen(t *testing.T) {
	for _, test := range []struct {
		name, address string
		kind          func(readmodel.Store) bool
	}{
		{"directory", filepath.Join(t.TempDir(), "new", "dir"), func(s readmodel.Store) bool { _, ok := s.(*sqlite.Store); return ok }},
		{"database", clustertest.Postgres(t), func(s readmodel.Store) bool { _, ok := s.(*postgres.Store); return ok }},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := driver.Config{Address: test.address, Version: 3, MaxConns: 2}
			if _, err := driver.Open(t.Context(), driver.Config{Address: cfg.Address, Version: 3, ReadOnly: true}); err == nil {
				t.Error("opened to be read before it is there")
			}
			s, err := driver.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closing(t, s)
			if !test.kind(s) {
				t.Errorf("it is a %T", s)
			}
			if _, err := s.Claim(t.Context(), 0, events.LogID{1}, "owner"); err != nil {
				t.Error(err)
			}
			cfg.ReadOnly = true
			reader, err := driver.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closing(t, reader)
			if _, err := reader.Claim(t.Context(), 0, events.LogID{1}, "owner"); !errors.Is(err, readmodel.ErrReadOnly) {
				t.Errorf("claim when read only: got error %v", err)
			}
		})
	}
}

// TestOpenLive follows a cut-over on both kinds.
func TestOpenLive(t *testing.T) {
	for name, address := range map[string]string{"directory": t.TempDir(), "database": clustertest.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			if _, err := driver.OpenLive(t.Context(), driver.Config{Address: address, ReadOnly: true}); err == nil {
				t.Error("opened to be read before it is there")
			}
			s, err := driver.OpenLive(t.Context(), driver.Config{Address: address})
			if err != nil {
				t.Fatal(err)
			}
			defer closing(t, s)
			c, err := driver.OpenControl(t.Context(), driver.Config{Address: address})
			if err != nil {
				t.Fatal(err)
			}
			defer closing(t, c)
			p, err := c.Build(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			version, err := driver.Open(t.Context(), driver.Config{Address: address, Version: p.Version, Existing: true})
			if err != nil {
				t.Fatal(err)
			}
			defer closing(t, version)
			_, err = driver.Open(t.Context(), driver.Config{Address: address, Version: p.Version + 1, Existing: true})
			if !errors.Is(err, readmodel.ErrNoProjection) {
				t.Errorf("a version that is not there: got error %v", err)
			}
			if err := c.CutOver(t.Context(), p.Version, 2, nil); err != nil {
				t.Fatal(err)
			}
			err = s.Snapshot(t.Context(), func(r readmodel.Reader) error {
				if r.Projection() != p.Version {
					t.Errorf("version %d is read", r.Projection())
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func closing(t *testing.T, s interface{ Close() error }) {
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, address := range []string{"", "mysql://user:secret@host/db", "http://secret", "postgres://user:secret@host:no-port/db"} {
		_, err := driver.Open(t.Context(), driver.Config{Address: address})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got error %v", address, err)
		}
		c, err := driver.OpenControl(t.Context(), driver.Config{Address: address})
		if err == nil || c != nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("control at %q: got %v, error %v", address, c, err)
		}
	}
}
