package projector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// versionsInterval is how often the control is asked which versions there are.
const versionsInterval = time.Second

// versions folds every version of the projection that there is: each one that is
// built is folded beside the others until it is dropped, whoever asked for it.
type versions struct {
	cfg  Config
	deps Deps
	make func(version int, store readmodel.Store) (*projection, error)

	mu      sync.Mutex
	running map[int]*running
}

type running struct {
	*projection
	state  readmodel.ProjectionState
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended
}

// run follows the control until ctx ends. A version that cannot be opened or
// whose group ends is tried again.
func (v *versions) run(ctx context.Context) error {
	defer v.stop()
	tick := time.NewTicker(versionsInterval)
	defer tick.Stop()
	down := false
	for {
		err := v.follow(ctx)
		if errors.Is(err, readmodel.ErrNewerSchema) {
			return err // no later try will know it
		}
		if err != nil && !down && ctx.Err() == nil {
			v.deps.Logger.Warn("cannot tell which versions of the projection there are", "error", err)
		}
		down = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// follow starts and stops what the control says.
func (v *versions) follow(ctx context.Context) error {
	all, err := v.deps.Control.Projections(ctx)
	if err != nil {
		return err
	}
	wanted := map[int]readmodel.Projection{}
	for _, p := range all {
		if v.deps.Only == 0 || v.deps.Only == p.Version {
			wanted[p.Version] = p
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for version, r := range v.running {
		_, ok := wanted[version]
		select {
		case <-r.done:
			delete(v.running, version) // ended by itself: started again below
		default:
			if !ok {
				v.deps.Logger.Info("version of the projection was dropped", "projection", version)
				r.cancel()
				<-r.done
				delete(v.running, version)
			}
		}
	}
	var errs []error
	for version, p := range wanted {
		if r := v.running[version]; r != nil {
			if r.state != p.State { // a cut-over
				v.deps.Logger.Info("version of the projection has changed its state", "projection", version, "was", r.state, "state", p.State)
			}
			r.become(p.State)
			continue
		}
		r, err := v.start(ctx, p)
		if err != nil {
			errs = append(errs, fmt.Errorf("version %d: %w", version, err))
			continue
		}
		v.running[version] = r
	}
	return errors.Join(errs...)
}

func (v *versions) start(ctx context.Context, p readmodel.Projection) (*running, error) {
	store, err := v.deps.Open(ctx, p.Version, v.cfg.connections())
	if err != nil {
		return nil, err
	}
	folding, err := v.make(p.Version, store)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &running{projection: folding, cancel: cancel, done: make(chan struct{})}
	r.become(p.State)
	v.deps.Logger.Info("folding a version of the projection", "projection", p.Version, "state", p.State)
	go func() {
		defer close(r.done)
		if err := folding.run(ctx); err != nil && ctx.Err() == nil {
			v.deps.Logger.Error("a version of the projection is not folded any more, will start again", "projection", p.Version, "error", err)
		}
		folding.close()
		if err := store.Close(); err != nil {
			v.deps.Logger.Warn("cannot close the tables", "projection", p.Version, "error", err)
		}
	}()
	return r, nil
}

// become notes what the version is for. One that is being built tells the
// timeline nothing: nobody reads it.
func (r *running) become(state readmodel.ProjectionState) {
	if r.state != state {
		r.state = state
		r.announcer.Mute(state == readmodel.Building)
	}
}

func (v *versions) stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range v.running {
		r.cancel()
	}
	for _, r := range v.running {
		<-r.done
	}
	clear(v.running)
}

var versionDesc = prometheus.NewDesc("roomlog_projector_version",
	"1 for each version of the projection that the process folds, by state: building, live, previous.", []string{"projection", "state"}, nil)

type versionCollector struct{ *versions }

func (c versionCollector) Describe(ch chan<- *prometheus.Desc) { ch <- versionDesc }

func (c versionCollector) Collect(ch chan<- prometheus.Metric) {
	for _, v := range c.all() {
		ch <- prometheus.MustNewConstMetric(versionDesc, prometheus.GaugeValue, 1, strconv.Itoa(v.version), string(v.state))
	}
}

// all gives what is folded, ascending by version, as it is now.
func (v *versions) all() []running {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make([]running, 0, len(v.running))
	for _, version := range slices.Sorted(maps.Keys(v.running)) {
		out = append(out, *v.running[version])
	}
	return out
}
