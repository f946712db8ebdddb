package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/roomlog/roomlog/pkg/backend"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

// unlimited takes the limits away that are for one person and one room: a few people
// here send what many would.
var unlimited = []string{
	"--rate=1000000", "--burst=1000000", "--read-rate=1000000", "--read-burst=1000000", "--room-rate=1000000", "--room-burst=1000000",
	"--unchecked-rate=1000000", "--unchecked-burst=1000000",
}

const anyPort = "127.0.0.1:0"

// standalone is `roomlog run`: the log embedded, the tables in SQLite or elsewhere.
type standalone struct{ postgres bool }

func (v *standalone) start(ctx context.Context, s *stage, slow bool) (*running, error) {
	r := new(running)
	return r.orStop(ctx, v.startIn(ctx, s, slow, r))
}

func (v *standalone) startIn(ctx context.Context, s *stage, slow bool, r *running) error {
	dir, err := os.MkdirTemp(s.dir, "roomlog-")
	if err != nil {
		return err
	}
	r.end(func(context.Context) error { return os.RemoveAll(dir) })
	f := site.Flags{Data: dir}
	args := append([]string{"run", "--data", dir, "--listen", anyPort, "--admin", anyPort}, unlimited...)
	if v.postgres {
		servers, behind, err := r.startServers(ctx, s, 0, slow)
		if err != nil {
			return err
		}
		f.Database = servers.postgres
		args = append(args, "--database", behind)
	}
	p, address, err := s.start(ctx, s.programs.roomlog, args...)
	if err != nil {
		return err
	}
	r.end(func(ctx context.Context) error { return stop(ctx, p) })
	r.roots = append(r.roots, p.PID())
	secret, err := token.ReadSecret(filepath.Join(dir, token.SecretFile))
	if err != nil {
		return err
	}
	r.target = load.Target{Address: address, Token: tokens(secret)}
	return r.observe(ctx, f)
}

// observe opens the log and the tables, to look at them from outside, and makes rooms.
func (r *running) observe(ctx context.Context, f site.Flags) error {
	p, err := openProjection(ctx, f)
	if err != nil {
		return err
	}
	r.end(p.close)
	r.tables, r.missing = p, p.missing
	if err := prepare(ctx, r.target); err != nil {
		return err
	}
	return p.settle(ctx)
}

// services are `chat` and `projector` on real brokers and PostgreSQL.
type services struct{ brokers int }

func (v *services) start(ctx context.Context, s *stage, slow bool) (*running, error) {
	r := new(running)
	return r.orStop(ctx, v.startIn(ctx, s, slow, r))
}

func (v *services) startIn(ctx context.Context, s *stage, slow bool, r *running) error {
	servers, behind, err := r.startServers(ctx, s, v.brokers, slow)
	if err != nil {
		return err
	}
	secret, file, err := newSecret(s.dir)
	if err != nil {
		return err
	}
	r.end(func(context.Context) error { return os.Remove(file) })
	on := []string{"--brokers", strings.Join(servers.brokers, ","), "--database", behind, "--admin", anyPort}
	api := append([]string{"--listen", anyPort, "--secret-file", file}, unlimited...)
	for _, one := range []struct {
		bin  string
		args []string
	}{{s.programs.projector, on}, {s.programs.chat, append(api, on...)}} {
		p, address, err := s.start(ctx, one.bin, one.args...)
		if err != nil {
			return err
		}
		r.end(func(ctx context.Context) error { return stop(ctx, p) })
		r.roots = append(r.roots, p.PID())
		r.target = load.Target{Address: address, Token: tokens(secret)} // the last one's: the API
	}
	return r.observe(ctx, site.Flags{Config: backend.Config{Brokers: servers.brokers, Database: servers.postgres, Epoch: 1}})
}

// newSecret makes a file with a secret, for its owner's eyes.
func newSecret(dir string) (secret []byte, path string, err error) {
	f, err := os.CreateTemp(dir, "secret-")
	if err != nil {
		return nil, "", err
	}
	secret = []byte(rand.Text() + rand.Text())
	if _, err := fmt.Fprintf(f, "%s\n", secret); err != nil {
		return nil, "", errors.Join(err, f.Close())
	}
	return secret, f.Name(), f.Close()
}
