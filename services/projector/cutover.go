package projector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

const (
	// cutOverPatience is how long a version that has caught up may miss the moment
	// at which it is at the live checkpoint.
	cutOverPatience = 2 * time.Minute
	// tailTimeout bounds the look at what the log has since the comparison, and
	// sinceTimeout the one at the rest of it, while both versions stand still.
	tailTimeout  = 10 * time.Second
	sinceTimeout = time.Second
	readAtOnce   = 1000
)

// cutOver makes a version live that has caught up. All rooms are compared before;
// what may have changed since says the log, so that both versions stand still for
// a short time only, however many rooms there are.
func (in Installation) cutOver(ctx context.Context, version int) error {
	compared, err := in.Control.Compare(ctx, version)
	if err != nil {
		return err
	}
	log, err := openTail(in.Log, in.Layout)
	if err != nil {
		return err
	}
	defer log.close()
	before := &readmodel.Beforehand{Comparison: compared, Since: log.within(sinceTimeout)}
	if _, err := log.within(tailTimeout)(ctx, compared.From()); err != nil {
		before = nil // a log that does not say it now is not asked while all waits
	}
	for end := time.Now().Add(cutOverPatience); ; {
		err := in.Control.CutOver(ctx, version, time.Now().UnixMilli(), before)
		if _, behind := errors.AsType[*readmodel.BehindError](err); !behind || time.Now().After(end) {
			return err
		}
		if err := wait(ctx, rebuildPoll); err != nil {
			return err
		}
	}
}

// tail remembers the rooms of all records from some offsets on, and reads on where
// it has stopped.
type tail struct {
	cfg     eventlog.Config
	layout  eventlog.Layout
	client  *eventlog.Client
	readers map[events.Partition]*eventlog.Reader
	rooms   map[readmodel.Key]struct{}
}

func openTail(cfg eventlog.Config, layout eventlog.Layout) (*tail, error) {
	client, err := eventlog.NewClient(cfg)
	if err != nil {
		return nil, err
	}
	return &tail{
		cfg: cfg, layout: layout, client: client,
		readers: map[events.Partition]*eventlog.Reader{}, rooms: map[readmodel.Key]struct{}{},
	}, nil
}

func (t *tail) close() {
	t.client.Close()
	for _, r := range t.readers {
		r.Close()
	}
}

// within is since, for at most so long.
func (t *tail) within(d time.Duration) func(context.Context, map[events.Partition]events.Offset) ([]readmodel.Key, error) {
	return func(ctx context.Context, from map[events.Partition]events.Offset) ([]readmodel.Key, error) {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		return t.since(ctx, from)
	}
}

// since names the rooms of all records from the offsets on, up to the log's end.
func (t *tail) since(ctx context.Context, from map[events.Partition]events.Offset) ([]readmodel.Key, error) {
	ends, err := t.client.Ends(ctx, t.layout)
	if err != nil {
		return nil, err
	}
	for p, first := range from {
		if t.readers[p] == nil {
			t.readers[p] = eventlog.NewReader(t.cfg, t.layout, p)
			t.readers[p].Seek(first)
		}
		for r := t.readers[p]; r.Next() < ends[p]; {
			records, err := r.Read(ctx, readAtOnce)
			if err != nil {
				return nil, fmt.Errorf("partition %d: %w", p, err)
			}
			for _, rec := range records {
				t.note(rec.Key)
			}
		}
	}
	return slices.Collect(maps.Keys(t.rooms)), nil
}

// note notes a record's room. What has no room changes none.
func (t *tail) note(key []byte) {
	if tenant, room, ok := bytes.Cut(key, []byte("/")); ok {
		t.rooms[readmodel.Key{Tenant: events.Tenant(tenant), Room: events.RoomID(room)}] = struct{}{}
	}
}
