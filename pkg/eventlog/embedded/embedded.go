// Package embedded runs a log inside the process: one broker that speaks the
// Kafka protocol, with its data in a directory.
//
// It is franz-go's kfake with what a log of record needs around it: an exclusive
// lock on the directory, a password, loopback only, one sync for all who wait
// before anything is acknowledged ([durable]), the broker's own clock as the time of
// each record ([stampAppendTime]), and a guard in front of the parser. Clients use
// it like any Kafka broker, so nothing else in roomlog knows that it is embedded.
//
// # What is durable, and when
//
// A record is acknowledged, and can be read, only when the [journal] has it, or its
// segment, and that was synced. A SIGKILL loses nothing that was acknowledged; when the
// directory is opened again, segments get what the journal has of them, a torn record at
// the end of one is cut off, and what is left is synced before anyone can read it. Topic
// ids, topic settings and committed group offsets survive a restart; of committed offsets
// the last ones may go with the power.
package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	username = "roomlog"
	logDir   = "log" // kfake's data, below Config.Dir

	defaultRetentionInterval = time.Minute
)

// Config says where the broker keeps its data and where it listens.
type Config struct {
	// Dir is the data directory; it is created if need be. Empty keeps
	// everything in memory.
	Dir string
	// Listen is a loopback address. Port 0 (the default is 127.0.0.1:0) takes
	// the port of the last start from the same Dir if that is free, else any.
	Listen string
	// RetentionInterval is how often records of topics with a retention are
	// deleted; the default is a minute.
	RetentionInterval time.Duration
	// Logger gets the broker's warnings; nil discards them.
	Logger *slog.Logger

	disk    disk  // nil: the real one
	journal int64 // how long it gets; zero: journalMost
}

// Broker is a running broker.
type Broker struct {
	cluster  *kfake.Cluster
	listener *listener
	info     Info
	lock     *dirLock // nil in memory
	durable  *durable // nil in memory

	retaining sync.WaitGroup
	stop      chan struct{} // closed by Close

	closing sync.Once
	closed  chan struct{} // closed when everything has ended
	err     error         // of that
}

// Start opens the data and listens. It returns when clients can connect. Errors:
// [ErrLocked] when another process has the directory, else what the file system
// or the network says.
func Start(ctx context.Context, cfg Config) (_ *Broker, err error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := checkLoopback(cfg.Listen); err != nil {
		return nil, err
	}
	if cfg.RetentionInterval == 0 {
		cfg.RetentionInterval = defaultRetentionInterval
	}
	b := &Broker{stop: make(chan struct{}), closed: make(chan struct{})}
	last := Info{}
	if cfg.Dir != "" {
		if b.lock, err = lockDir(ctx, cfg.Dir); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, b.giveUp())
			}
		}()
		if last, err = readInfoFile(cfg.Dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if cfg.disk == nil {
			cfg.disk = openDisk()
		}
		if cfg.journal == 0 {
			cfg.journal = journalMost
		}
		if b.durable, err = openDurable(filepath.Join(cfg.Dir, logDir), cfg); err != nil {
			return nil, err
		}
		// After a crash of the process alone, pages that were never synced are still
		// there to be read.
		if err = b.durable.wait(); err != nil {
			return nil, err
		}
	}
	b.info = Info{Username: username, Password: last.Password, PID: os.Getpid()}
	if b.info.Password == "" {
		b.info.Password = newPassword()
	}
	if b.cluster, err = b.newCluster(ctx, cfg, last.Address); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	b.info.Address = b.cluster.ListenAddrs()[0]
	if cfg.Dir != "" {
		if err = writeInfoFile(cfg.Dir, b.info); err != nil {
			b.cluster.Close()
			return nil, err
		}
	}
	b.retaining.Go(func() { b.retain(cfg.RetentionInterval) })
	return b, nil
}

// retain applies the topics' retention: kfake does it by itself only in a process
// that has created or changed a topic.
func (b *Broker) retain(interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
			b.cluster.ApplyRetention()
		}
	}
}

func (b *Broker) newCluster(ctx context.Context, cfg Config, lastAddress string) (*kfake.Cluster, error) {
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("roomlog-embedded"),
		kfake.EnableSASL(),
		kfake.Superuser("PLAIN", username, b.info.Password),
		kfake.WithLogger(logger{cfg.Logger, b.durable.complain}),
		kfake.GroupMinSessionTimeout(minSessionTimeout),
		kfake.ListenFn(func(string, string) (net.Listener, error) {
			l, err := listen(ctx, cfg.Listen, lastAddress)
			if err != nil {
				return nil, err
			}
			b.listener = newListener(l)
			return guard(b.listener, b.durable), nil
		}),
	}
	if cfg.Dir != "" {
		opts = append(opts, kfake.DataDir(filepath.Join(cfg.Dir, logDir)))
	}
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, err
	}
	stampAppendTime(c, b.durable.beforeWrite)
	checkPasswords(c, b.info.Password)
	return c, nil
}

// Info says how to reach the broker.
func (b *Broker) Info() Info { return b.info }

// Brokers are the addresses to connect to.
func (b *Broker) Brokers() []string { return []string{b.info.Address} }

// Username is the SASL/PLAIN user.
func (b *Broker) Username() string { return b.info.Username }

// Password is the SASL/PLAIN password.
func (b *Broker) Password() string { return b.info.Password }

// Cluster is the broker itself, for the faults of tests.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// Close ends the connections, saves the broker's state and gives the directory
// up. When ctx ends first, that goes on in the background and Close returns the
// context's error; the log loses nothing by being killed then. Close may be called
// again.
func (b *Broker) Close(ctx context.Context) error {
	b.closing.Do(func() {
		go func() {
			defer close(b.closed)
			close(b.stop)
			b.retaining.Wait() // it would wait for ever for a closed cluster
			b.cluster.Close()
			b.err = b.giveUp()
		}()
	})
	select {
	case <-b.closed:
		return b.err
	case <-ctx.Done():
		return fmt.Errorf("close embedded broker: %w", ctx.Err())
	}
}

// giveUp syncs what the cluster wrote last and gives the directory up.
func (b *Broker) giveUp() (err error) {
	if b.durable != nil {
		err = b.durable.close()
	}
	if b.lock != nil {
		err = errors.Join(err, b.lock.release())
	}
	return err
}

func newPassword() string { return rand.Text() + rand.Text() } // at least 256 bits

func checkLoopback(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("embedded broker: listen address %q: %w", address, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("embedded broker: listen address %q: %w", address, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("embedded broker: %q is not a loopback address such as 127.0.0.1:0", address)
	}
	return nil
}

// listen takes the wanted address; with port 0 it first tries the port of last,
// so that clients find the broker again after a restart.
func listen(ctx context.Context, wanted, last string) (net.Listener, error) {
	var lc net.ListenConfig
	host, port, _ := net.SplitHostPort(wanted)
	if _, lastPort, err := net.SplitHostPort(last); err == nil && port == "0" {
		if l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, lastPort)); err == nil {
			return l, nil
		}
	}
	return lc.Listen(ctx, "tcp", wanted)
}
