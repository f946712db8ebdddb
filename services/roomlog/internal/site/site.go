// Package site opens an installation of roomlog for the commands that act on it:
// a data directory, beside a running `roomlog run` or without one, or brokers and
// a database.
package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/roomlog/roomlog/pkg/backend"
	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// EmbeddedPartitions is how many partitions a new log in a data directory gets.
// One: SQLite has one writer, so that no two of them would be folded at the same time,
// and records of one partition share batches, a sync and transactions.
const EmbeddedPartitions = 1

var (
	// ErrNoData says that a data directory has no installation.
	ErrNoData = errors.New("there is no data of roomlog")
	// ErrNoDatabase says that the read model is needed and was not named.
	ErrNoDatabase = errors.New("no database given: use --database postgres://… beside --brokers, or --data DIR")
)

// Flags say which installation.
type Flags struct {
	Data string `help:"Data directory, of a running 'roomlog run' or of none. Not used with --brokers." default:"data" type:"path"`
	backend.Config
}

// Remote reports whether the log is somewhere else than in the data directory.
func (f Flags) Remote() bool { return len(f.Brokers) > 0 }

// Site is an open installation.
type Site struct {
	Log backend.Log
	// Served says that another process runs on the data directory, so that its
	// projector folds. Of brokers elsewhere it is not known, and false.
	Served bool

	flags    Flags
	local    bool // the log is in the data directory
	password string
	logger   *slog.Logger
	broker   *embedded.Broker // nil where another process runs it
}

// Options say how to open an installation.
type Options struct {
	// Client names the program to the broker.
	Client string
	// Create makes a new log where there is none.
	Create bool
	// Exclusive refuses a data directory that another process has.
	Exclusive bool
	Logger    *slog.Logger
}

// Open finds the log. A data directory that no process has is locked until Close.
// Errors: [ErrNoData], [embedded.ErrLocked], else what the log says.
func Open(ctx context.Context, f Flags, o Options) (*Site, error) {
	s := &Site{flags: f, local: !f.Remote(), logger: o.Logger}
	if s.local {
		if err := s.openDir(ctx, o); err != nil {
			return nil, err
		}
	}
	if err := s.openLog(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// openDir finds the broker that runs in the data directory, or starts one there.
func (s *Site) openDir(ctx context.Context, o Options) error {
	dir := s.flags.Data
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && !o.Create {
		return fmt.Errorf("%w in %s: start roomlog run --data %s first, or name another --data", ErrNoData, dir, dir)
	}
	info, err := embedded.Info{}, embedded.ErrNotRunning
	if !o.Exclusive {
		info, err = embedded.ReadInfo(dir)
	}
	switch {
	case err == nil:
		s.Served = true
	case errors.Is(err, embedded.ErrNotRunning):
		if s.broker, err = embedded.Start(ctx, embedded.Config{Dir: dir, Logger: s.logger}); err != nil {
			return err
		}
		info = s.broker.Info()
	default:
		return err
	}
	s.flags.Brokers, s.flags.User = []string{info.Address}, info.Username
	if s.flags.Database == "" {
		s.flags.Database = filepath.Clean(dir)
	}
	s.password = info.Password
	return nil
}

// openLog connects to the log. Where there is none yet, it is made if create
// says so.
func (s *Site) openLog(ctx context.Context, o Options) error {
	c := s.flags.Config
	cfg, err := c.EventLog(o.Client, s.password, s.logger)
	if err != nil {
		return err
	}
	if s.broker != nil {
		cfg.Dial = s.broker.Dial
	}
	found, err := eventlog.EnsureTopic(ctx, cfg, cfg.EventsTopicSpec(0, 0, 0))
	switch {
	case errors.Is(err, eventlog.ErrUnknownTopic) && !o.Create:
		return fmt.Errorf("%w: the brokers have no log (%w)", ErrNoData, err)
	case errors.Is(err, eventlog.ErrUnknownTopic) && c.Partitions == 0 && s.local:
		c.Partitions = EmbeddedPartitions
	case err == nil && c.Partitions == 0:
		c.Partitions = found.Partitions
	}
	s.Log, err = c.OpenLog(ctx, cfg)
	return err
}

// Local reports whether the log is in the data directory.
func (s *Site) Local() bool { return s.local }

// EnsureTimeline makes sure that the timeline's topic is there.
func (s *Site) EnsureTimeline(ctx context.Context) error {
	return s.flags.EnsureTimeline(ctx, s.Log)
}

// EnsureDecisions makes sure that the topic of the operators' decisions is there.
func (s *Site) EnsureDecisions(ctx context.Context) error {
	return s.flags.EnsureDecisions(ctx, s.Log)
}

// Decisions is the topic of the operators' decisions, as it is wanted.
func (s *Site) Decisions() eventlog.TopicSpec {
	return decisions.Spec(s.Log.Config, s.flags.Replication, s.flags.MinInSync)
}

// OpenStore opens the tables of the live version of the projection, to read. The
// caller closes them. Errors: [ErrNoDatabase], [readmodel.ErrNewerSchema], else the
// database's.
func (s *Site) OpenStore(ctx context.Context) (readmodel.Store, error) {
	if s.flags.Database == "" {
		return nil, ErrNoDatabase
	}
	return s.flags.OpenLive(ctx, s.logger)
}

// OpenControl opens what says which versions of the projection there are. The
// caller closes it. Errors are as those of OpenStore.
func (s *Site) OpenControl(ctx context.Context) (readmodel.Control, error) {
	if s.flags.Database == "" {
		return nil, ErrNoDatabase
	}
	return s.flags.OpenControl(ctx, s.logger)
}

// OpenVersion opens the tables of one version that there is, to read and to fold,
// with that many connections.
func (s *Site) OpenVersion(ctx context.Context, version, conns int) (readmodel.Store, error) {
	return s.flags.Opener(s.logger)(ctx, version, conns)
}

// Close gives the data directory up.
func (s *Site) Close(ctx context.Context) error {
	if s.broker == nil {
		return nil
	}
	return s.broker.Close(ctx)
}
