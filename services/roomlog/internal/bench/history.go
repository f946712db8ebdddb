package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
)

// layBatch is how many events are appended at a time.
const layBatch = 10_000

// lay appends what a scale has to the log, as an import does: by requests, millions
// of messages would take a quarter of an hour.
func (p *projection) lay(ctx context.Context, s scale) (err error) {
	publisher, err := eventlog.NewPublisher(p.site.Log.Config, p.site.Log.Layout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, publisher.Close()) }()
	batch := make([]events.Message, 0, layBatch)
	flush := func() error {
		_, err := publisher.PublishBatch(ctx, batch)
		batch = batch[:0]
		return err
	}
	for e := range s.events() {
		m, err := events.Encode(&e)
		if err != nil {
			return fmt.Errorf("lay: %w", err)
		}
		if batch = append(batch, m); len(batch) == layBatch {
			if err := flush(); err != nil {
				return fmt.Errorf("lay: %w", err)
			}
		}
	}
	if err := flush(); err != nil {
		return fmt.Errorf("lay: %w", err)
	}
	p.there.seq = events.Seq(s.messages / s.rooms)
	p.there.ends, err = p.client.Ends(ctx, p.site.Log.Layout)
	return err
}

// events are all that a scale has: rooms, members, messages.
func (s scale) events() iter.Seq[events.Event] {
	return func(yield func(events.Event) bool) {
		h := history{now: begin.Add(-time.Hour), rng: rand.New(rand.NewPCG(1, 2))}
		for r := range s.rooms {
			for i, user := range s.members(r) {
				by := h.command(events.UserID(name(user)))
				var f events.Facts = events.MemberChanged{Command: by, Target: by.Sender, Membership: events.MembershipJoin}
				if i == 0 {
					f = events.RoomCreated{Command: by, Kind: events.RoomPublic, Rules: room.Rules}
				}
				if !yield(h.event(r, f, json.RawMessage(`{}`))) {
					return
				}
			}
		}
		senders := make([]events.UserID, s.rooms)
		for r := range senders {
			senders[r] = events.UserID(name(s.members(r)[0]))
		}
		h.now = begin
		for i := range s.messages {
			r := i / pageLimit % s.rooms
			f := events.MessagePosted{Command: h.command(senders[r]), Kind: "text", TextBytes: load.TextSize}
			if !yield(h.event(r, f, load.AppendProse(nil, h.now, load.TextSize))) {
				return
			}
			h.now = h.now.Add(spacing)
		}
	}
}

// history makes ids and digests that compress as badly as real ones.
type history struct {
	now time.Time
	rng *rand.Rand
}

// command has a digest as long as a real one; nobody sends these commands again.
func (h *history) command(by events.UserID) events.Command {
	return events.Command{Sender: by, Digest: fmt.Sprintf("%011x%011x", h.rng.Uint64()>>20, h.rng.Uint64()>>20)}
}

// event has an id that begins with the time, as those that the API makes do.
func (h *history) event(r int, f events.Facts, content json.RawMessage) events.Event {
	ms, random := h.now.UnixMilli(), h.rng.Uint64()
	return events.Event{
		ID:   events.EventID(fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", ms>>16, ms&0xffff, random>>52, h.rng.Uint32()>>20, random&(1<<48-1))),
		Type: f.EventType(), Tenant: tenant, Room: events.RoomID(strconv.Itoa(r)), Time: h.now, Facts: f, Content: content,
	}
}
