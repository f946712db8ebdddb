package bench

import (
	"context"
	"errors"
	"slices"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/result"
	"github.com/roomlog/roomlog/services/roomlog/internal/delay"
)

// setup is how a system is started.
type setup struct {
	slow       bool  // its database is behind a proxy
	scale      scale // what there is from the beginning; of roomlog alone
	partitions int   // of the embedded log; 0: as many as it has by itself
}

// starters start systems.
var starters = map[string]func(ctx context.Context, s *stage, how setup) (*running, error){
	result.Roomlog:         (&standalone{}).start,
	result.RoomlogPostgres: (&standalone{postgres: true}).start,
	result.RoomlogKafka1:   (&services{brokers: 1}).start,
	result.RoomlogKafka3:   (&services{brokers: 3}).start,
	result.PlainPostgres:   (&rival{store: "postgres", postgres: true}).start,
	result.BatchedPostgres: (&rival{store: "batched", postgres: true}).start,
	result.PlainSQLite:     (&rival{store: "sqlite", file: true}).start,
	result.BareEcho:        (&rival{store: "nothing"}).start,
}

// running is a system that is started.
type running struct {
	target  load.Target
	roots   []int         // processes of service, database and brokers
	servers []int         // those of database and brokers alone
	proxy   *delay.Proxy  // before the database; nil: none
	tables  tables        // nil: acknowledged is saved, or it saves nothing
	admin   func() string // where the service says how it is

	// home is of a service that can be started again; ends beyond kept are those of the
	// service alone.
	home *home
	kept int
	// missing looks for what was acknowledged; nil: it keeps nothing.
	missing func(ctx context.Context, acked *load.Acked) (result.Missing, error)

	ends []func(context.Context) error
}

// tables are behind the log.
type tables interface {
	// settle returns when they have all that the log has.
	settle(ctx context.Context) error
	// lag says how old the oldest event is that they do not have, in seconds.
	lag(ctx context.Context) (float64, error)
}

// end is called at the end, the last one first.
func (r *running) end(do func(context.Context) error) { r.ends = append(r.ends, do) }

// stop ends everything, whether or not the context has ended.
func (r *running) stop(ctx context.Context) error { return r.stopTo(ctx, 0) }

// stopTo ends all but the first ones.
func (r *running) stopTo(ctx context.Context, kept int) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for _, end := range slices.Backward(r.ends[kept:]) {
		errs = append(errs, end(ctx))
	}
	r.ends = r.ends[:kept]
	return errors.Join(errs...)
}

// orStop is what a start returns: what did not start is ended.
func (r *running) orStop(ctx context.Context, err error) (*running, error) {
	if err != nil {
		return nil, errors.Join(err, r.stop(ctx))
	}
	return r, nil
}

// startServers starts brokers and a database, and gives the database's address, which is
// the proxy's with slow.
func (r *running) startServers(ctx context.Context, s *stage, brokers int, slow bool) (v *servers, database string, err error) {
	if v, err = s.startServers(ctx, brokers, true); err != nil {
		return nil, "", err
	}
	r.end(v.stop)
	r.servers = v.pids
	r.roots = append(r.roots, v.pids...)
	if !slow {
		return v, v.postgres, nil
	}
	if r.proxy, database, err = delay.StartURL(ctx, v.postgres); err != nil {
		return nil, "", err
	}
	r.end(func(context.Context) error { return r.proxy.Close() })
	return v, database, nil
}
