package bench

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/backend"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

// Unlimited are flags that take the limits away that are for one person and one
// room: where something is measured, a few people send what many would.
var Unlimited = []string{
	"--rate=1000000", "--burst=1000000", "--read-rate=1000000", "--read-burst=1000000", "--room-rate=1000000", "--room-burst=1000000",
	"--unchecked-rate=1000000", "--unchecked-burst=1000000",
}

const anyPort = "127.0.0.1:0"

// standalone is `roomlog run`: the log embedded, the tables in SQLite or elsewhere.
type standalone struct{ postgres bool }

func (v *standalone) start(ctx context.Context, s *stage, how setup) (*running, error) {
	r := new(running)
	return r.orStop(ctx, v.startIn(ctx, s, how, r))
}

func (v *standalone) startIn(ctx context.Context, s *stage, how setup, r *running) error {
	if err := machine.OpenFiles(how.scale.followers + spareFiles); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.dir, "roomlog-")
	if err != nil {
		return err
	}
	r.end(func(context.Context) error { return os.RemoveAll(dir) })
	h := &home{stage: s, flags: site.Flags{Data: dir}, there: &standing{rooms: cmp.Or(how.scale.rooms, load.Rooms)}}
	h.args = append([]string{"run", "--data", dir, "--listen", anyPort, "--admin", anyPort}, Unlimited...)
	if how.scale.rooms > 0 {
		h.text = load.TextSize
	}
	if how.partitions > 0 {
		h.args = append(h.args, "--partitions", strconv.Itoa(how.partitions))
	}
	if v.postgres {
		servers, behind, err := r.startServers(ctx, s, 0, how.slow)
		if err != nil {
			return err
		}
		h.flags.Database = servers.postgres
		h.args = append(h.args, "--database", behind)
	} else {
		r.home, r.kept = h, len(r.ends)
	}
	p, err := h.serve(ctx, r)
	if err != nil {
		return err
	}
	return r.prepare(ctx, p, how.scale)
}

// home is where `roomlog run` has its data.
type home struct {
	stage *stage
	args  []string
	flags site.Flags
	there *standing
	text  int           // of messages; 0: the generator's own
	took  time.Duration // until it served, the last time
	seen  *projection   // of the process that runs
}

// serve starts it, on what is there.
func (h *home) serve(ctx context.Context, r *running) (*projection, error) {
	begun := time.Now()
	p, address, err := h.stage.start(ctx, h.stage.programs.roomlog, h.args...)
	if err != nil {
		return nil, err
	}
	h.took = time.Since(begun)
	r.end(func(ctx context.Context) error { return stop(ctx, p) })
	r.roots = append(slices.Clone(r.servers), p.PID())
	r.admin = func() string { return adminOf(p.Stderr()) }
	secret, err := token.ReadSecret(filepath.Join(h.flags.Data, token.SecretFile))
	if err != nil {
		return nil, err
	}
	r.target = load.Target{Address: address, Token: tokens(secret), Text: h.text}
	h.seen, err = r.observe(ctx, h.flags, h.there)
	return h.seen, err
}

// adminOf finds where the admin listener is in what a program has said before it served.
func adminOf(said string) string {
	_, rest, _ := strings.Cut(said, "admin ")
	at, _, _ := strings.Cut(rest, "\n")
	return at
}

// observe opens the log and the tables, to look at them from outside.
func (r *running) observe(ctx context.Context, f site.Flags, there *standing) (*projection, error) {
	p, err := openProjection(ctx, f, there)
	if err != nil {
		return nil, err
	}
	r.end(p.close)
	r.tables, r.missing = p, p.missing
	return p, nil
}

// prepare makes rooms and members, by requests, or what a scale says, in the log.
func (r *running) prepare(ctx context.Context, p *projection, s scale) error {
	do := func() error { return prepare(ctx, r.target) }
	if s.rooms > 0 {
		do = func() error { return p.lay(ctx, s) }
	}
	if err := do(); err != nil {
		return err
	}
	return p.settle(ctx)
}

// services are `chat` and `projector` on real brokers and PostgreSQL.
type services struct{ brokers int }

func (v *services) start(ctx context.Context, s *stage, how setup) (*running, error) {
	r := new(running)
	return r.orStop(ctx, v.startIn(ctx, s, how.slow, r))
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
	api := append([]string{"--listen", anyPort, "--secret-file", file}, Unlimited...)
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
	p, err := r.observe(ctx, site.Flags{Config: backend.Config{Brokers: servers.brokers, Database: servers.postgres, Epoch: 1}}, &standing{rooms: load.Rooms})
	if err != nil {
		return err
	}
	return r.prepare(ctx, p, scale{})
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
