package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
)

// Config says what to measure.
type Config struct {
	// Source is the root of the repository, Bin a directory with built programs; empty,
	// or without one of them: it is built.
	Source, Bin string
	// Dir is on the disk that is measured; empty: where temporary files are.
	Dir string
	// Systems and Loads are the names of those that are measured; empty: all.
	Systems, Loads []string
	Rounds         int
	// Warm is before each measurement, Time and Long how long most of them are, and the long one.
	Warm, Time, Long time.Duration
	// Messages is how many a log gets that grows.
	Messages int
	Quick    bool
	// Capacity measures what grows with what, in the place of roomlog beside its rivals.
	Capacity bool
	// ServerCPU and LoadCPU are processors, counted from 0 among those that one may use.
	ServerCPU, LoadCPU int

	// Add takes each record; Progress is told what is done next, and how much is done of all.
	Add      func(result.Record) error
	Progress func(what string, done, total int)
	// Done has what need not be measured again.
	Done []result.Record
}

// ErrLost says that something was acknowledged that is not there.
var ErrLost = errors.New("what was acknowledged is not there")

// Known reports names that no system or load has.
func Known(systems, loads []string) error {
	var known []string
	for _, t := range slices.Concat(plan(1, 1), capacity(1, curves), capacity(1, quickCurves)) {
		known = append(known, t.system)
		for _, m := range t.loads {
			known = append(known, m.name)
		}
	}
	for _, name := range slices.Concat(systems, loads) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is no %q", name)
		}
	}
	return nil
}

type bench struct {
	Config
	stage *stage
}

// Run measures. The error is [ErrLost] where all went well but that.
func Run(ctx context.Context, c Config) (err error) {
	dir, err := os.MkdirTemp(c.Dir, "roomlog-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// A database that may not run as root has to get through.
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	if err := machine.OnDisk(dir); err != nil {
		return fmt.Errorf("%w; name another --dir", err)
	}
	files, err := findPrograms(ctx, c.Source, c.Bin, dir)
	if err != nil {
		return err
	}
	about, err := machine.Describe(dir)
	if err != nil {
		return err
	}
	usable, err := machine.Processors()
	if err != nil {
		return err
	}
	if min(c.ServerCPU, c.LoadCPU) < 0 || max(c.ServerCPU, c.LoadCPU) >= len(usable) || c.ServerCPU == c.LoadCPU {
		return fmt.Errorf("servers and generator need a processor each; there are %d, and %d and %d are named", len(usable), c.ServerCPU, c.LoadCPU)
	}
	c.ServerCPU, c.LoadCPU = usable[c.ServerCPU], usable[c.LoadCPU]
	b := &bench{Config: c, stage: &stage{programs: files, dir: dir, serverCPU: c.ServerCPU}}
	if err := c.Add(result.Record{Time: time.Now().UTC(), Run: &result.Run{
		Commit: commit(ctx, c.Source), Machine: about, Quick: c.Quick, Part: c.part(), Rounds: c.Rounds, Seconds: c.Time.Seconds(),
		Pinned: machine.Pinning, ServerCPU: c.ServerCPU, LoadCPU: c.LoadCPU,
	}}); err != nil {
		return err
	}
	if err := machine.Pin(c.LoadCPU, os.Getpid()); err != nil {
		return err
	}
	return b.turns(ctx, b.left(chosen(c.plan(), c.Systems, c.Loads)))
}

func (c Config) plan() []turn {
	switch {
	case c.Capacity && c.Quick:
		return capacity(c.Rounds, quickCurves)
	case c.Capacity:
		return capacity(c.Rounds, curves)
	}
	return plan(c.Rounds, c.Messages)
}

// part is its name in the results.
func (c Config) part() string {
	if c.Capacity {
		return result.Capacity
	}
	return ""
}

// left leaves out what is done already.
func (b *bench) left(all []turn) (left []turn) {
	for _, t := range all {
		t.loads = slices.DeleteFunc(slices.Clone(t.loads), func(m measurement) bool {
			return slices.ContainsFunc(b.Done, func(r result.Record) bool {
				return r.Measured != nil && r.System == t.system && r.Round == cmp.Or(m.round, t.round) && r.Measure == m.name
			})
		})
		if len(t.loads) > 0 {
			left = append(left, t)
		}
	}
	return left
}

func (b *bench) turns(ctx context.Context, all []turn) error {
	done, total := 0, 0
	for _, t := range all {
		total += len(t.loads)
	}
	var lost error
	for _, t := range all {
		b.Progress(t.system, done, total)
		err := b.turn(ctx, t, func(m measurement) {
			done++
			b.Progress(t.system+" "+m.name, done, total)
		})
		if errors.Is(err, ErrLost) {
			lost = errors.Join(lost, err)
		} else if err != nil {
			return fmt.Errorf("%s, round %d: %w", t.system, t.round, err)
		}
	}
	return lost
}

// turn starts a system, measures it, looks for what it acknowledged, and stops it.
func (b *bench) turn(ctx context.Context, t turn, done func(measurement)) (err error) {
	r, err := starters[t.system](ctx, b.stage, t.setup)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop(ctx)) }()
	acked := new(load.Acked)
	for _, m := range t.loads {
		got, err := b.measure(ctx, r, m, acked)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := b.Add(result.Record{Time: time.Now().UTC(), System: t.system, Measure: m.name, Round: cmp.Or(m.round, t.round), Measured: got}); err != nil {
			return err
		}
		done(m)
	}
	if r.missing == nil {
		return nil
	}
	missing, err := r.missing(ctx, acked)
	if err != nil {
		return fmt.Errorf("look for what was acknowledged: %w", err)
	}
	if err := b.Add(result.Record{Time: time.Now().UTC(), System: t.system, Round: t.round, Missing: &missing}); err != nil {
		return err
	}
	if missing.Log+missing.Tables > 0 {
		return fmt.Errorf("%w: %s, round %d: of %d messages %d are not in the log, %d not in the tables", ErrLost, t.system, t.round,
			missing.Acknowledged, missing.Log, missing.Tables)
	}
	return nil
}
