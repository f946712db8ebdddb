// Package backend opens what the programs work on: the log, the read model and
// the timeline between them. It is the one place that knows how addresses on the
// command line become them.
package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/pkg/timeline"
)

// timelineRetention is how long the timeline topic keeps commits. Followers read
// from its end; what they missed they read from the tables.
const timelineRetention = time.Hour

// ephemeralRetention is how long what is kept nowhere stays in its topic.
const ephemeralRetention = 5 * time.Minute

// Config says where the log and the read model are. The tags are those of the
// command line.
type Config struct {
	Brokers      []string        `help:"Kafka brokers, host:port, separated by commas." placeholder:"HOST:PORT"`
	Database     string          `help:"Read model: postgres://… or a directory for SQLite. A password is better given in the environment." placeholder:"URL"`
	Epoch        events.LogEpoch `help:"The log's epoch; it is part of the topic's name." default:"1"`
	Partitions   int             `help:"Partitions of the log. Fixed for its life; 0: as they are, or 16 for a new log." default:"0"`
	Replication  int             `help:"Replicas of new topics; 0: the brokers' default." default:"0"`
	MinInSync    int             `name:"min-in-sync" help:"Replicas that must have a record before it is acknowledged, for new topics; 0: the brokers' default." default:"0"`
	User         string          `name:"broker-user" help:"User for the brokers (SASL/PLAIN)."`
	PasswordFile string          `name:"broker-password-file" help:"File with the password for the brokers." type:"path"`
}

// DefaultPartitions is how many partitions a new log gets.
const DefaultPartitions = 16

// Log is the log that a Config names, and how it is laid out.
type Log struct {
	Config eventlog.Config
	Layout eventlog.Layout
}

// Require says what is missing for a program that has no parts of its own.
func (c Config) Require() error {
	if len(c.Brokers) == 0 {
		return errors.New("no brokers given: use --brokers host:port,…")
	}
	if c.Database == "" {
		return errors.New("no database given: use --database postgres://… or a directory")
	}
	return nil
}

// EventLog gives the log's address. password, where not empty, is used instead of
// the password file.
func (c Config) EventLog(clientID, password string, logger *slog.Logger) (eventlog.Config, error) {
	if password == "" && c.PasswordFile != "" {
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return eventlog.Config{}, fmt.Errorf("--broker-password-file: %w", err)
		}
		password = strings.TrimSpace(string(b))
	}
	return eventlog.Config{
		Brokers: c.Brokers, Epoch: c.Epoch, Username: c.User, Password: password, ClientID: clientID, Logger: logger,
	}, nil
}

// OpenLog makes sure that the log's topic is there and is as configured.
func (c Config) OpenLog(ctx context.Context, cfg eventlog.Config) (Log, error) {
	spec := cfg.EventsTopicSpec(c.Partitions, c.Replication, c.MinInSync)
	layout, err := eventlog.EnsureTopic(ctx, cfg, spec)
	if errors.Is(err, eventlog.ErrUnknownTopic) && c.Partitions == 0 {
		spec.Partitions = DefaultPartitions
		layout, err = eventlog.EnsureTopic(ctx, cfg, spec)
	}
	if err != nil {
		return Log{}, fmt.Errorf("the log at %s: %w", strings.Join(cfg.Brokers, ","), err)
	}
	cfg.Topic, cfg.Epoch = layout.Topic, layout.Epoch
	return Log{Config: cfg, Layout: layout}, nil
}

// EnsureTimeline makes sure that the timeline's topic is there, with as many
// partitions as the log, so that the commits of each keep their order; and that of
// what is ephemeral.
func (c Config) EnsureTimeline(ctx context.Context, l Log) error {
	_, err := eventlog.EnsureTopic(ctx, l.Config, eventlog.TopicSpec{
		Name: timeline.DefaultTopic, Partitions: l.Layout.Partitions, Replication: c.Replication, Retention: timelineRetention,
	})
	if err != nil {
		return fmt.Errorf("the timeline: %w", err)
	}
	_, err = eventlog.EnsureTopic(ctx, l.Config, eventlog.TopicSpec{
		Name: timeline.EphemeralTopic, Partitions: 1, Replication: c.Replication, Retention: ephemeralRetention,
	})
	if err != nil {
		return fmt.Errorf("the ephemeral topic: %w", err)
	}
	return nil
}

// EnsureDecisions makes sure that the topic of the operators' decisions is there,
// replicated as the log is.
func (c Config) EnsureDecisions(ctx context.Context, l Log) error {
	_, err := eventlog.EnsureTopic(ctx, l.Config, decisions.Spec(l.Config, c.Replication, c.MinInSync))
	if err != nil {
		return fmt.Errorf("the decisions topic: %w", err)
	}
	return nil
}

// OpenLive opens the tables that are read: those of the live version of the
// projection, whichever that is at each snapshot.
func (c Config) OpenLive(ctx context.Context, logger *slog.Logger) (readmodel.Store, error) {
	return driver.OpenLive(ctx, c.database(logger))
}

// OpenControl opens what says which versions of the projection there are.
func (c Config) OpenControl(ctx context.Context, logger *slog.Logger) (readmodel.Control, error) {
	return driver.OpenControl(ctx, c.database(logger))
}

// Opener gives what opens the tables of one version that there is, with that many
// connections.
func (c Config) Opener(logger *slog.Logger) func(ctx context.Context, version, conns int) (readmodel.Store, error) {
	return func(ctx context.Context, version, conns int) (readmodel.Store, error) {
		cfg := c.database(logger)
		cfg.Version, cfg.Existing, cfg.MaxConns = version, true, conns
		return driver.Open(ctx, cfg)
	}
}

func (c Config) database(logger *slog.Logger) driver.Config {
	return driver.Config{Address: c.Database, Logger: logger}
}
