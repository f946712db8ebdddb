package importer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// pageSize is how many events of the read model are looked at at a time.
const pageSize = 1000

// Verdicts is what the fold said of the events of an import.
type Verdicts struct {
	// Accepted are part of the room's history, Unchanged asked for what was so.
	Accepted, Unchanged int
	Rejected            map[room.Code]int
	// Unjudged have no verdict: the room is blocked.
	Unjudged int
	// Seq is the room's last.
	Seq events.Seq
}

// ReadVerdicts looks up what became of events. Everything up to their positions
// has to be folded.
func ReadVerdicts(ctx context.Context, store readmodel.Store, r Room, ids []events.EventID) (Verdicts, error) {
	v := Verdicts{Rejected: map[room.Code]int{}}
	key := readmodel.Key{Tenant: r.Tenant, Room: r.ID}
	err := store.Snapshot(ctx, func(read readmodel.Reader) error {
		accepted := make(map[events.EventID]struct{}, len(ids))
		for {
			page, err := read.Events(ctx, key, v.Seq, nil, pageSize)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for i := range page {
				accepted[page[i].ID] = struct{}{}
			}
			v.Seq = page[len(page)-1].Seq
		}
		for _, id := range ids {
			if _, ok := accepted[id]; ok {
				v.Accepted++
				continue
			}
			if err := v.lookUp(ctx, read, key, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return v, fmt.Errorf("read the verdicts: %w", err)
	}
	return v, nil
}

func (v *Verdicts) lookUp(ctx context.Context, read readmodel.Reader, key readmodel.Key, id events.EventID) error {
	o, found, err := read.Outcome(ctx, key, id)
	switch {
	case err != nil:
		return err
	case !found:
		v.Unjudged++
	case o.Status == room.Rejected:
		v.Rejected[o.Code]++
	default:
		v.Unchanged++
	}
	return nil
}

// Refused is how many events are not in effect.
func (v Verdicts) Refused() int {
	n := v.Unjudged
	for _, count := range v.Rejected {
		n += count
	}
	return n
}

// Text is the verdicts for people.
func (v Verdicts) Text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "folded: %d of these events are in the room's history, %d changed nothing; its last seq is %d\n",
		v.Accepted, v.Unchanged, v.Seq)
	for _, code := range slices.SortedFunc(maps.Keys(v.Rejected), func(a, b room.Code) int {
		return cmp.Or(v.Rejected[b]-v.Rejected[a], cmp.Compare(a, b))
	}) {
		fmt.Fprintf(&out, "  %d rejected: %s\n", v.Rejected[code], code)
	}
	if v.Unjudged > 0 {
		fmt.Fprintf(&out, "  %d have no verdict: the room is blocked, see roomlog projector status\n", v.Unjudged)
	}
	return out.String()
}
