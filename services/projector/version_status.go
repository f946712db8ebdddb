package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// versionTables is what a status reads of the tables of one version.
type versionTables struct {
	status      VersionStatus
	checkpoints map[events.Partition]readmodel.Checkpoint
	counts      map[events.Partition]readmodel.Counts
	blocked     []readmodel.DeadLetter
	partitions  []PartitionStatus
}

// read reads the tables of a version, at one moment.
func (in Installation) read(ctx context.Context, p readmodel.Projection) (v *versionTables, err error) {
	store, err := in.Open(ctx, p.Version, 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	v = &versionTables{
		status: VersionStatus{
			Version: p.Version, State: p.State, Created: readmodel.Time(p.Created), Stopped: []string{},
		},
		checkpoints: map[events.Partition]readmodel.Checkpoint{},
	}
	if p.Live > 0 {
		v.status.Live = (*readmodel.Time)(&p.Live)
	}
	return v, store.Snapshot(ctx, func(r readmodel.Reader) error {
		all, err := r.Checkpoints(ctx)
		if err != nil {
			return err
		}
		for _, cp := range all {
			v.checkpoints[cp.Partition] = cp
		}
		if v.counts, err = r.Counts(ctx); err != nil {
			return err
		}
		v.blocked, err = r.BlockedRooms(ctx, maxBlockedRooms)
		return err
	})
}

// look compares the checkpoint of a partition with the log, and the decisions
// carried out with those that there are.
func (v *versionTables) look(
	ctx context.Context, r *eventlog.Reader, layout eventlog.Layout, end events.Offset, topic events.LogID, decided events.Offset,
) error {
	p := r.Partition()
	cp := v.checkpoints[p]
	st := PartitionStatus{
		Partition: p, Owner: cp.Owner, Epoch: cp.Epoch, Next: cp.Next, End: end, Folded: readmodel.Time(cp.Updated), Counts: v.counts[p],
	}
	st.Lag = int64(max(0, end-cp.Next))
	if cp.Epoch > 0 {
		var gap *partition.GapError
		err := partition.Recognise(ctx, r, layout, cp)
		if err != nil && !errors.As(err, &gap) {
			return err
		}
		if gap != nil {
			st.stop(gap.Reason)
		}
		if err := partition.RecogniseDecisions(cp, topic, decided); errors.As(err, &gap) {
			st.stop(gap.Reason)
		}
	}
	if st.Gap != "" {
		v.status.Stopped = append(v.status.Stopped, fmt.Sprintf("partition %d: %s", p, st.Gap))
	} else if st.Lag > 0 {
		if first, ok, err := r.At(ctx, cp.Next); err == nil && ok {
			st.LagSeconds = max(0, time.Since(first.Time).Seconds())
		}
	}
	v.add(st)
	return nil
}

// add sums a partition up.
func (v *versionTables) add(st PartitionStatus) {
	s := &v.status
	s.Folded += int64(st.Next)
	s.Records += int64(st.End)
	s.Lag += st.Lag
	s.LagSeconds = max(s.LagSeconds, st.LagSeconds)
	s.BadRecords += st.BadRecords
	s.DeadLetters += st.DeadLetters
	s.BlockedRooms += st.BlockedRooms
	v.partitions = append(v.partitions, st)
}

// stop notes why the partition cannot be folded on.
func (s *PartitionStatus) stop(reason string) {
	if s.Gap != "" {
		reason = s.Gap + "; " + reason
	}
	s.Gap = reason
	s.Advice = fmt.Sprintf("restore the log, or rebuild the tables from the log that there is: roomlog projector rebuild;"+
		" or go on with these: roomlog projector accept-gap --partition %d --reason WHY", s.Partition)
}
