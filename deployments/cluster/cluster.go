// Package cluster starts the real parts of roomlog's production on one
// machine: Apache Kafka brokers (KRaft, each broker and controller in one) and
// PostgreSQL, on free loopback ports, without containers. It needs a JDK 17
// and Maven, which brings both servers once into a cache directory.
//
// Tests use it by way of package clustertest, people by cmd/cluster.
//
// Every server can be killed, stopped, frozen and started again on its data
// and address. A cluster that is not [Config].Detached dies with the process
// that started it, however that ends. A Cluster has no goroutines of its own.
//
// The servers listen on 127.0.0.1 only. PostgreSQL asks for a random password;
// Kafka asks for nothing, so every user of the machine may use it.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// DefaultDatabase is the database that every cluster with PostgreSQL has from the start, empty.
const DefaultDatabase = "roomlog"

// ErrInUse says that another process has the cluster of that directory.
var ErrInUse = errors.New("another process has this cluster")

// Config says what to start.
type Config struct {
	// Dir keeps the cluster's data, logs and [StateFile]. A cluster that is
	// there already is started again, on the same addresses. Empty: a new
	// temporary directory, which Close removes.
	Dir string

	// Brokers is the number of Kafka brokers: 0, 1 or 3. Topics and Kafka's own
	// state are replicated to all of them (package kafka has the settings).
	Brokers int

	// Postgres adds a PostgreSQL server.
	Postgres bool

	// Detached lets the servers run on when this process ends.
	Detached bool

	// Log takes the progress of the first download and of the start, in lines
	// for people. Nil: nowhere.
	Log io.Writer
}

// Cluster is a set of servers. See [Start] and [Open].
type Cluster struct {
	dir       string
	temporary bool
	detached  bool
	servers   parts
	jvmFlags  []string // of the brokers, beside the usual ones
	state     state
	brokers   []*Node
	database  *Node // nil: none
	reaper    *reaper
	unlock    func()
}

// Start starts a cluster and returns when all of it is ready: every broker
// registered with every other, the database answering. What runs already, by
// an earlier detached start, is kept. When it fails or ctx ends before, nothing is left running.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Brokers != 0 && cfg.Brokers != 1 && cfg.Brokers != 3 {
		return nil, fmt.Errorf("a cluster has 0, 1 or 3 brokers, not %d", cfg.Brokers)
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	c, err := prepare(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("prepare a cluster: %w", err)
	}
	if err := c.start(ctx, cfg.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("start a cluster: %w", err), c.abandon())
	}
	return c, nil
}

// Open returns the cluster in a directory without starting anything: running
// (by an earlier detached start) or not. It is for asking and stopping.
func Open(dir string) (*Cluster, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, detached: true, unlock: func() {}}
	if c.state, err = loadState(dir); err != nil {
		return nil, err
	}
	return c, c.describe("")
}

// prepare gets the servers and writes all that they need to start.
func prepare(ctx context.Context, cfg Config) (*Cluster, error) {
	c := &Cluster{dir: cfg.Dir, detached: cfg.Detached, unlock: func() {}}
	runtime := ""
	var err error
	if cfg.Brokers > 0 {
		if runtime, err = java(); err != nil {
			return nil, err
		}
	}
	if c.servers, err = fetch(ctx, cfg.Log); err != nil {
		return nil, err
	}
	if cfg.Brokers > 0 {
		if err := train(ctx, c.servers, runtime, cfg.Log); err != nil {
			return nil, err
		}
	}
	if err := c.claimDir(); err != nil {
		return nil, err
	}
	if err := c.prepareIn(ctx, cfg, runtime); err != nil {
		return nil, errors.Join(err, c.abandon())
	}
	return c, nil
}

// claimDir makes the directory and locks it.
func (c *Cluster) claimDir() (err error) {
	if c.dir == "" {
		c.temporary = true
		if c.dir, err = os.MkdirTemp("", "roomlog-cluster-"); err != nil {
			return err
		}
		// The database's user must get through.
		if err := os.Chmod(c.dir, 0o711); err != nil {
			return err
		}
	} else if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	if c.dir, err = filepath.Abs(c.dir); err != nil {
		return err
	}
	if c.dir, err = filepath.EvalSymlinks(c.dir); err != nil {
		return err
	}
	c.unlock, err = tryLock(filepath.Join(c.dir, "lock"))
	if errors.Is(err, errLocked) {
		return fmt.Errorf("%w: %s", ErrInUse, c.dir)
	}
	return err
}

func (c *Cluster) prepareIn(ctx context.Context, cfg Config, java string) error {
	var err error
	c.state, err = loadState(c.dir)
	switch {
	case errors.Is(err, ErrNoCluster):
		if c.state, err = newState(c.dir, cfg.Brokers, cfg.Postgres); err != nil {
			return err
		}
		if err := c.state.save(c.dir); err != nil {
			return err
		}
	case err != nil:
		return err
	case len(c.state.Brokers) != cfg.Brokers || (c.state.Postgres != "") != cfg.Postgres:
		return fmt.Errorf("the cluster in %s has %d brokers and a database: %t; that cannot change (purge it first)",
			c.dir, len(c.state.Brokers), c.state.Postgres != "")
	}
	if err := c.describe(java); err != nil {
		return err
	}
	if !c.detached {
		remove := []string{}
		if c.temporary {
			remove = append(remove, c.dirs()...)
		}
		if c.reaper, err = startReaper(c.dir, remove); err != nil {
			return err
		}
	}

	prepared, ctx := errgroup.WithContext(ctx)
	for i := range c.brokers {
		prepared.Go(func() error { return c.prepareBroker(ctx, i, java) })
	}
	if c.database != nil {
		prepared.Go(func() error { return c.preparePostgres(ctx) })
	}
	return prepared.Wait()
}

// describe makes the nodes of the state and finds those that run.
func (c *Cluster) describe(java string) error {
	c.brokers = nil
	for i := range c.state.Brokers {
		c.brokers = append(c.brokers, c.broker(i, java))
	}
	if c.state.Postgres != "" {
		var err error
		if c.database, err = c.postgres(); err != nil {
			return err
		}
	}
	for _, node := range c.nodes() {
		node.attach()
	}
	return nil
}

func (c *Cluster) start(ctx context.Context, log io.Writer) error {
	for _, node := range c.nodes() {
		if !node.Running() {
			say(log, "starting %s on %s", node.Name(), node.Address())
		}
	}
	started, startCtx := errgroup.WithContext(ctx)
	for _, node := range c.nodes() {
		started.Go(func() error { return node.Start(startCtx) })
	}
	if err := started.Wait(); err != nil {
		return err
	}
	if err := c.awaitRegistered(ctx); err != nil {
		return err
	}
	if c.database != nil {
		return c.ensureDatabase(ctx)
	}
	return nil
}

// abandon undoes a start that failed.
func (c *Cluster) abandon() error {
	errs := []error{c.each((*Node).Kill)}
	return errors.Join(append(errs, c.release())...)
}

// Close stops the servers and returns when all have ended; a temporary
// cluster's directory is removed then.
func (c *Cluster) Close() error {
	stop := (*Node).Stop
	if c.temporary {
		stop = (*Node).Kill // nobody will look at the data again
	}
	return errors.Join(c.each(stop), c.release())
}

// Release ends the use of a detached cluster by this process; the servers run on.
func (c *Cluster) Release() { c.unlock() }

func (c *Cluster) release() error {
	var errs []error
	if c.reaper != nil {
		errs = append(errs, c.reaper.stop())
	}
	if c.temporary {
		errs = append(errs, c.remove())
	}
	c.unlock()
	return errors.Join(errs...)
}

// Purge stops the servers and removes the cluster with all its data.
func (c *Cluster) Purge() error {
	if err := c.each((*Node).Kill); err != nil {
		return err
	}
	return errors.Join(c.release(), c.remove())
}

func (c *Cluster) remove() error {
	var errs []error
	for _, dir := range c.dirs() {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// dirs are all the directories that the cluster has.
func (c *Cluster) dirs() []string {
	dirs := []string{c.dir}
	if home := c.state.PostgresHome; home != "" && !strings.HasPrefix(home, c.dir+string(filepath.Separator)) {
		dirs = append(dirs, home)
	}
	return dirs
}

func (c *Cluster) nodes() []*Node {
	nodes := append([]*Node{}, c.brokers...)
	if c.database != nil {
		nodes = append(nodes, c.database)
	}
	return nodes
}

// each does the same with all nodes at once.
func (c *Cluster) each(do func(*Node) error) error {
	nodes := c.nodes()
	errs := make([]error, len(nodes))
	var all errgroup.Group
	for i, node := range nodes {
		all.Go(func() error { errs[i] = do(node); return nil })
	}
	_ = all.Wait()
	return errors.Join(errs...)
}

// say writes a line of progress. Nobody reading it is no reason to stop.
func say(log io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(log, format+"\n", args...)
}
