package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// rival is a handler that saves messages into a table, see the module bench.
type rival struct {
	store          string
	postgres, file bool // where
}

func (v *rival) start(ctx context.Context, s *stage, how setup) (*running, error) {
	r := new(running)
	return r.orStop(ctx, v.startIn(ctx, s, how.slow, r))
}

func (v *rival) startIn(ctx context.Context, s *stage, slow bool, r *running) error {
	var database, behind string
	switch {
	case v.postgres:
		servers, address, err := r.startServers(ctx, s, 0, slow)
		if err != nil {
			return err
		}
		database, behind = servers.postgres, address
	case v.file:
		dir, err := os.MkdirTemp(s.dir, "sqlite-")
		if err != nil {
			return err
		}
		r.end(func(context.Context) error { return os.RemoveAll(dir) })
		database = filepath.Join(dir, "messages.db")
		behind = database
	}
	p, address, err := s.start(ctx, s.programs.rival, "--store", v.store, "--database", behind)
	if err != nil {
		return err
	}
	r.end(func(ctx context.Context) error { return stop(ctx, p) })
	r.roots = append(r.roots, p.PID())
	r.target = load.Target{Address: address}
	if database != "" {
		r.missing = func(ctx context.Context, acked *load.Acked) (result.Missing, error) {
			return v.missing(ctx, s.programs.rival, database, acked)
		}
	}
	return nil
}

// missing asks the table, by another process.
func (v *rival) missing(ctx context.Context, bin, database string, acked *load.Acked) (result.Missing, error) {
	out, err := exec.CommandContext(ctx, bin, "--ids", "--store", v.store, "--database", database).Output()
	if err != nil {
		return result.Missing{}, fmt.Errorf("ids of %s: %w", v.store, err)
	}
	look := newSearch(acked)
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		look.found(lines.Text())
	}
	return result.Missing{Acknowledged: acked.Len(), Tables: look.missing()}, nil
}
