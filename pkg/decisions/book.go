package decisions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

const (
	readBatch = 500
	retry     = time.Second
)

// Book has all decisions of the topic, as far as it has been read. It is safe
// for concurrent use.
//
// What a book says of a discard depends on the decisions before it alone, so it
// never changes: a void one stays void.
type Book struct {
	mu      sync.Mutex
	all     []Decision // ascending by offset
	next    events.Offset
	topic   events.LogID
	ignored int64
	places  map[place]int               // index of the discard in all
	rooms   map[subject][]events.Offset // decisions that let a room's events be judged, ascending
	changed map[events.Partition]chan struct{}
	ready   chan struct{} // closed when the topic was read to its end once
}

// place is where a discarded event stands.
type place struct {
	log       events.LogID
	partition events.Partition
	offset    events.Offset
	event     events.EventID
}

type subject struct {
	log    events.LogID
	tenant events.Tenant
	room   events.RoomID
}

// NewBook has no decisions yet. [Book.Follow] or [Book.Read] fill it.
func NewBook() *Book {
	return &Book{
		places: map[place]int{}, rooms: map[subject][]events.Offset{},
		changed: map[events.Partition]chan struct{}{}, ready: make(chan struct{}),
	}
}

// Follow makes the topic where it is missing, reads all of it, says [Book.Ready],
// and goes on reading until ctx ends. A broker that is away is tried again.
func (b *Book) Follow(ctx context.Context, cfg eventlog.Config, log *slog.Logger) error {
	for ctx.Err() == nil {
		err := b.follow(ctx, cfg, log)
		if ctx.Err() == nil {
			log.Warn("cannot read the decisions topic, trying again", "error", err)
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
	}
	return nil
}

func (b *Book) follow(ctx context.Context, cfg eventlog.Config, log *slog.Logger) error {
	r, err := b.open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		if err := b.take(ctx, r, log); err != nil {
			return err
		}
	}
}

// Read reads the topic up to the end that it has at the call; a topic that is
// not there has no decisions.
func (b *Book) Read(ctx context.Context, cfg eventlog.Config, log *slog.Logger) error {
	client, err := eventlog.NewClient(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	layout, err := client.Layout(ctx, Topic(cfg), 1)
	if errors.Is(err, eventlog.ErrUnknownTopic) {
		b.ReadToEnd(events.LogID{})
		return nil
	}
	if err != nil {
		return fmt.Errorf("the decisions topic: %w", err)
	}
	r := eventlog.NewReader(cfg, layout, 0)
	defer r.Close()
	return b.readAll(ctx, r, log)
}

// open makes sure of the topic and reads to its end.
func (b *Book) open(ctx context.Context, cfg eventlog.Config, log *slog.Logger) (*eventlog.Reader, error) {
	layout, err := eventlog.EnsureTopic(ctx, cfg, Spec(cfg, 0, 0))
	if err != nil {
		return nil, fmt.Errorf("the decisions topic: %w", err)
	}
	if was := b.Topic(); was != (events.LogID{}) && was != layout.Log {
		return nil, fmt.Errorf("%w: the decisions topic was %s, is %s; restart", eventlog.ErrTopicReplaced, was, layout.Log)
	}
	r := eventlog.NewReader(cfg, layout, 0)
	r.Seek(b.Next())
	if err := b.readAll(ctx, r, log); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (b *Book) readAll(ctx context.Context, r *eventlog.Reader, log *slog.Logger) error {
	_, end, err := r.Bounds(ctx)
	if err != nil {
		return fmt.Errorf("the decisions topic: %w", err)
	}
	for b.Next() < end {
		if err := b.take(ctx, r, log); err != nil {
			return err
		}
	}
	b.ReadToEnd(r.Layout().Log)
	return nil
}

// ReadToEnd says that the book has all that the topic with that id has: it is
// [Book.Ready].
func (b *Book) ReadToEnd(topic events.LogID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topic = topic
	if !b.IsReady() {
		close(b.ready)
	}
}

func (b *Book) take(ctx context.Context, r *eventlog.Reader, log *slog.Logger) error {
	records, err := r.Read(ctx, readBatch)
	if err != nil {
		return fmt.Errorf("read the decisions topic: %w", err)
	}
	for _, rec := range records {
		d, err := b.Add(rec.Offset, rec.Message)
		switch {
		case err != nil:
			log.Error("a record of the decisions topic is ignored", "offset", rec.Offset, "error", err)
		default:
			log.Info("an operator has decided", "type", d.Type, "offset", d.Offset, "by", d.By, "partition", d.Partition, "tenant", d.Tenant, "room_id", d.Room, "event_id", d.Event)
		}
	}
	return nil
}

// Add takes the record at an offset above all before it. A record that cannot be
// acted upon gives Decode's error and is counted ([Book.Ignored]).
func (b *Book) Add(o events.Offset, m events.Message) (Decision, error) {
	d, err := Decode(m)
	b.mu.Lock()
	defer b.mu.Unlock()
	if o < b.next {
		return d, err
	}
	b.next = o + 1
	if err != nil {
		b.ignored++
		return d, err
	}
	d.Offset = o
	b.all = append(b.all, d)
	if d.ofRoom() {
		b.enter(d)
	}
	if c, ok := b.changed[d.Partition]; ok {
		close(c)
		delete(b.changed, d.Partition)
	}
	return d, nil
}

// enter notes a decision about a room. A discard is void where an earlier one
// about the room had not been carried out when its event was seen parked, and
// where the event is discarded already.
func (b *Book) enter(d Decision) {
	s := subject{d.Log, d.Tenant, d.Room}
	earlier := b.rooms[s]
	b.rooms[s] = append(earlier, d.Offset)
	if d.Type != EventDiscarded || len(earlier) > 0 && earlier[len(earlier)-1] >= d.Seen {
		return
	}
	at := place{d.Log, d.Partition, d.At, d.Event}
	if _, ok := b.places[at]; !ok {
		b.places[at] = len(b.all) - 1
	}
}

// Ready waits until the topic has been read to its end once. The error is ctx's.
func (b *Book) Ready(ctx context.Context) error {
	select {
	case <-b.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// IsReady reports whether the topic has been read to its end once.
func (b *Book) IsReady() bool {
	select {
	case <-b.ready:
		return true
	default:
		return false
	}
}

// Topic is the id of the topic that was read; zero where there was none. It is
// known when the book is [Book.Ready].
func (b *Book) Topic() events.LogID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.topic
}

// Next is the offset behind the last record that was read.
func (b *Book) Next() events.Offset {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

// Ignored counts records that this program cannot act upon.
func (b *Book) Ignored() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ignored
}

// Discards reports whether an event is discarded by any decision that was read.
func (b *Book) Discards() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.places) > 0
}

// Discarded gives the decision that discards the event at that place, among
// those below an offset of the topic.
func (b *Book) Discarded(log events.LogID, p events.Partition, o events.Offset, id events.EventID, below events.Offset) (Decision, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i, ok := b.places[place{log, p, o, id}]; ok && b.all[i].Offset < below {
		return b.all[i], true
	}
	return Decision{}, false
}

// Since lists the decisions about a partition in [from, to), ascending.
func (b *Book) Since(p events.Partition, from, to events.Offset) []Decision {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, _ := slices.BinarySearchFunc(b.all, from, func(d Decision, o events.Offset) int { return int(d.Offset - o) })
	var out []Decision
	for _, d := range b.all[i:] {
		if d.Offset < to && d.Partition == p {
			out = append(out, d)
		}
	}
	return out
}

// Changed is closed at the next decision about the partition. Ask before looking
// at what there is.
func (b *Book) Changed(p events.Partition) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.changed[p]
	if !ok {
		c = make(chan struct{})
		b.changed[p] = c
	}
	return c
}
