package projector

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

var (
	// ErrNoGap says that a partition can be folded on as it is.
	ErrNoGap = errors.New("the partition has no gap")
	// ErrParkedBehind says that rooms of a partition have parked events: those of the
	// log that is there might stand at the same offsets, and be taken for them.
	ErrParkedBehind = errors.New("rooms of the partition are blocked: release them or discard what blocks them first")
)

// Gap is why a partition is stopped, and what accepting it means.
type Gap struct {
	Partition events.Partition `json:"partition"`
	Reason    string           `json:"reason"`
	// From is the log that was folded, up to Next; Log the present one, which has
	// the offsets from Start to before End.
	From  string        `json:"from"`
	Next  events.Offset `json:"next"`
	Log   string        `json:"log"`
	Start events.Offset `json:"start"`
	End   events.Offset `json:"end"`
	// Resume is where to go on. Offsets from Resume to before Next are folded again,
	// which repeats nothing; those from Next to before Resume are never folded.
	Resume events.Offset `json:"resume"`

	from, log events.LogID
}

// Advice says in a sentence what accepting means.
func (g *Gap) Advice() string {
	switch {
	case g.Resume == g.Next && g.From == g.Log:
		return "the log is whole; the decisions that are lost stay carried out in these tables, and a rebuild does not know them"
	case g.Resume > g.Next:
		return fmt.Sprintf("offsets %d to %d would never be folded: go on at %d", g.Next, g.Resume-1, g.Resume)
	case g.From != g.Log:
		return fmt.Sprintf("the present log would be folded from offset %d; what the tables have of the other log stays", g.Resume)
	}
	return fmt.Sprintf("the log would be folded again from offset %d: what is folded already has no effect twice; what was lost from the log stays in the tables", g.Resume)
}

// Gap says what is wrong with a partition. Where the log's beginning is gone one
// goes on there. In all other cases the log has lost its end or is another one,
// and where they part is not known: one goes on at its beginning, so that
// nothing in it is missed. [ErrNoGap] where nothing is wrong.
func (d *Desk) Gap(ctx context.Context, p events.Partition) (Gap, error) {
	var cp readmodel.Checkpoint
	var claimed bool
	err := d.Store.Snapshot(ctx, func(r readmodel.Reader) (err error) {
		cp, claimed, err = r.Checkpoint(ctx, p)
		return err
	})
	if err != nil {
		return Gap{}, fmt.Errorf("read the checkpoint: %w", err)
	}
	if !claimed {
		return Gap{}, fmt.Errorf("partition %d: %w", p, ErrNoGap)
	}
	r := eventlog.NewReader(d.Log, d.Layout, p)
	defer r.Close()
	topic, err := d.topic(ctx)
	if err != nil {
		return Gap{}, err
	}
	end, err := decisionsEnd(ctx, d.Log, topic)
	if err != nil {
		return Gap{}, err
	}
	lost := partition.RecogniseDecisions(cp, topic.Log, end)
	var found, foundLost *partition.GapError
	err = partition.Recognise(ctx, r, d.Layout, cp)
	intact := err == nil
	if intact {
		err = lost
	}
	switch {
	case err == nil:
		return Gap{}, fmt.Errorf("partition %d: %w", p, ErrNoGap)
	case !errors.As(err, &found):
		return Gap{}, fmt.Errorf("partition %d: %w", p, err)
	}
	g := Gap{
		Partition: p, Reason: found.Reason, From: cp.Log.String(), Next: cp.Next, Log: d.Layout.Log.String(), from: cp.Log, log: d.Layout.Log,
	}
	if g.Start, g.End, err = r.Bounds(ctx); err != nil {
		return Gap{}, fmt.Errorf("partition %d: %w", p, err)
	}
	g.Resume = g.Start
	if intact {
		g.Resume = g.Next
	} else if errors.As(lost, &foundLost) {
		g.Reason += "; " + foundLost.Reason
	}
	return g, nil
}

// AcceptGap decides that a partition goes on as g says. [ErrParkedBehind] where it
// would go back while rooms of it are blocked.
func (d *Desk) AcceptGap(ctx context.Context, reason string, g Gap) ([]Pending, error) {
	if g.Resume < g.Start || g.Resume > g.End {
		return nil, fmt.Errorf("offset %d is not in the log, which has %d to %d", g.Resume, g.Start, g.End)
	}
	blocked, err := d.Blocked(ctx, maxSearched)
	if err != nil {
		return nil, err
	}
	for _, b := range blocked {
		if b.Partition == g.Partition && g.Resume < g.Next {
			return nil, fmt.Errorf("%w: room %s of tenant %s", ErrParkedBehind, b.Room, b.Tenant)
		}
	}
	return d.publish(ctx, []decisions.Decision{d.decision(decisions.Decision{
		Type: decisions.GapAccepted, Reason: reason, Log: g.log, From: g.from, Partition: g.Partition, Next: g.Next, Resume: g.Resume,
	})})
}
