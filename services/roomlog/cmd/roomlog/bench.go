package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/report"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
	"github.com/roomlog/roomlog/services/roomlog/internal/progress"
)

type benchCommand struct {
	Results   string        `help:"File for the results, a line of JSON each; written anew, unless with --resume." default:"bench.jsonl" type:"path"`
	Document  string        `help:"Document to write the results into, between its marks; charts go into the directory of --results." type:"path" placeholder:"FILE"`
	Capacity  bool          `help:"What grows with rooms, events, followers, partitions and the length of texts, in the place of roomlog beside its rivals."`
	Also      []string      `help:"Files with results of other runs, that are reported too and not written." type:"path" placeholder:"FILE"`
	Resume    bool          `help:"Go on with what --results has; what is there is not measured again."`
	Report    bool          `help:"Measure nothing: tables and document of what --results has."`
	Quick     bool          `help:"Very short: to see that it works. Its figures mean nothing."`
	Rounds    int           `help:"How often each system has its turn." default:"3"`
	Time      time.Duration `help:"How long most measurements are." default:"4s"`
	Long      time.Duration `help:"How long the sustained load is." default:"60s"`
	Messages  int           `help:"How many messages a log gets that grows." default:"1000000"`
	Systems   []string      `help:"Only these systems: roomlog, roomlog-postgres, roomlog-kafka-1, roomlog-kafka-3, plain-postgres, batched-postgres, plain-sqlite, bare-echo."`
	Loads     []string      `help:"Only these loads, by their names in --results."`
	ServerCPU int           `name:"server-cpu" help:"Processor of service, database and brokers, counted from 0 among those that one may use." default:"0"`
	LoadCPU   int           `name:"load-cpu" help:"Processor of the generator." default:"1"`
	Source    string        `help:"Sources of roomlog, to build what is measured." default:"." type:"path"`
	Bin       string        `help:"Directory with built programs; what is not there is built." type:"path" placeholder:"DIR"`
	Dir       string        `help:"Where the systems keep their data, on the disk that is to be measured; absent: where temporary files are." type:"path" placeholder:"DIR"`
}

// Help is shown below the flags' list.
func (benchCommand) Help() string {
	return `Starts roomlog and its rivals (the module bench: what one would write instead, on
PostgreSQL and on SQLite) on this machine, one after the other, and puts the same
load on each in turns. A service, its database and its brokers have one processor,
the generator another, where the system can do that (Linux). All of them have a
message on disk before they acknowledge it. What was acknowledged is looked for, in
the log and in the tables: where something is missing, the exit code is 1.

With --capacity it is roomlog alone, with one log and its tables in one process, and
what a send, a page, a delivery and a start cost where there is more and more of
something. That takes 15 GB of the disk.

PostgreSQL and Kafka are started for it, see deployments/README.md. Nothing else
should run meanwhile.

Example:
  roomlog bench --results docs/performance/results.jsonl --document docs/performance.md
  roomlog bench --systems roomlog,plain-postgres --loads send-64,send-256
  roomlog bench --capacity --results docs/performance/capacity.jsonl
  roomlog bench --report`
}

// Run measures and reports.
func (c benchCommand) Run(ctx context.Context, con console) error {
	if c.Quick {
		c.Rounds, c.Time, c.Long, c.Messages = 1, 200*time.Millisecond, 500*time.Millisecond, 5000
	}
	if c.Rounds < 1 || c.Time <= 0 || c.Long <= 0 || c.Messages < 1 {
		return fmt.Errorf("%w: --rounds, --time, --long and --messages must be more than none", errUse)
	}
	if err := bench.Known(c.Systems, c.Loads); err != nil {
		return fmt.Errorf("%w: %w", errUse, err)
	}
	var all []result.Record
	if c.Resume || c.Report {
		var err error
		if all, err = result.Read(c.Results); err != nil && (c.Report || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	var measuring error
	if !c.Report {
		all, measuring = c.measure(ctx, con, all)
		if measuring != nil && !errors.Is(measuring, bench.ErrLost) {
			return measuring
		}
	}
	for _, path := range c.Also {
		more, err := result.Read(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // not measured yet
			return errors.Join(measuring, err)
		}
		all = append(all, more...)
	}
	summary := report.Summarize(all)
	err := summary.Text(con.stdout)
	if err == nil && c.Document != "" {
		err = c.document(summary)
	}
	return errors.Join(measuring, err)
}

// document writes what was measured into a document, and its charts.
func (c benchCommand) document(s *report.Summary) error {
	text, err := os.ReadFile(c.Document)
	if err != nil {
		return err
	}
	charts := filepath.Dir(c.Results)
	link, err := filepath.Rel(filepath.Dir(c.Document), charts)
	if err != nil {
		return err
	}
	whole, err := s.Into(string(text), filepath.ToSlash(link))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Document, err)
	}
	for name, svg := range s.Charts() {
		if err := os.WriteFile(filepath.Join(charts, name), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(c.Document, []byte(whole), 0o644)
}

// measure adds to what is known already.
func (c benchCommand) measure(ctx context.Context, con console, done []result.Record) (all []result.Record, err error) {
	all = slices.Clone(done)
	file, err := result.Create(c.Results, c.Resume)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	meter := progress.Start(con.stderr, "measure", "measurements", 1)
	defer meter.Finish()
	return all, bench.Run(ctx, bench.Config{
		Source: c.Source, Bin: c.Bin, Dir: c.Dir, Systems: c.Systems, Loads: c.Loads,
		Rounds: c.Rounds, Warm: 3 * c.Time / 4, Time: c.Time, Long: c.Long, Messages: c.Messages, Quick: c.Quick, Capacity: c.Capacity,
		ServerCPU: c.ServerCPU, LoadCPU: c.LoadCPU, Done: done,
		Add: func(r result.Record) error {
			all = append(all, r)
			return file.Add(r)
		},
		Progress: func(what string, done, total int) {
			meter.Grow(int64(total))
			meter.Say(what)
			meter.Set(int64(done))
		},
	})
}
