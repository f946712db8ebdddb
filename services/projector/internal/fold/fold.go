// Package fold turns a batch of log records into what one transaction writes:
// it decodes, names the rows that judging takes, lets package room judge in log
// order, and sets aside what is no event or cannot be judged. It does no I/O.
package fold

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Judge has the signature of [room.Apply].
type Judge func(*room.View, *events.Event, time.Time) (room.Changes, room.Verdict)

// Discarded gives an operator's decision that discards an event, where there is
// one; [decisions.Book] has them.
type Discarded func(events.Partition, events.Offset, events.EventID) (decisions.Decision, bool)

// Batch is a run of records of one partition, in log order.
type Batch struct {
	judge     Judge
	discarded Discarded
	records   []record
	cache     *Cache
	// refused has the offsets whose rows the database refused alone, with the
	// reason: their rooms are parked.
	refused map[events.Offset]string
	// parked: the records are those of one room that were parked before.
	parked bool
	held   map[readmodel.Key]held // by the cache, of what is needed
	rows   readmodel.Rows         // as they are after the batch
}

type record struct {
	eventlog.Record
	event events.Event
	bad   error // the record is no event
	// by is what the decision that discards the event says of its command; nil:
	// it is not discarded.
	by *events.Command
}

func (r *record) key() readmodel.Key {
	return readmodel.Key{Tenant: r.event.Tenant, Room: r.event.Room}
}

func (r *record) place() readmodel.Place {
	return readmodel.Place{Partition: r.Partition, Offset: r.Offset, Time: r.Time}
}

// New decodes a batch of a log with that many partitions. What the cache has is
// not read again.
func New(judge Judge, discarded Discarded, partitions int, records []eventlog.Record, cache *Cache) *Batch {
	b := &Batch{
		judge: judge, discarded: discarded, cache: cache, records: make([]record, len(records)), refused: map[events.Offset]string{},
	}
	for i, r := range records {
		b.records[i].Record = r
		b.records[i].decode(discarded, partitions)
	}
	return b
}

// Parked makes a batch of the first parked records of one room. They are judged
// from the first on, up to one that cannot be judged still: that one says why the
// room is blocked, and the later ones stay as they are.
func Parked(judge Judge, discarded Discarded, partitions int, letters []readmodel.DeadLetter, cache *Cache) *Batch {
	records := make([]eventlog.Record, len(letters))
	for i, d := range letters {
		records[i] = eventlog.Record{Partition: d.Partition, Offset: d.Offset, Time: time.UnixMilli(d.LogTime).UTC(), Message: d.Message}
	}
	b := New(judge, discarded, partitions, records, cache)
	b.parked = true
	return b
}

func (r *record) decode(discarded Discarded, partitions int) {
	if r.event, r.bad = events.Decode(r.Message); r.bad != nil {
		return
	}
	// A room has one order because it has one partition. What a foreign producer
	// put elsewhere has no place in that order, whoever folds.
	if home := eventlog.PartitionOf(string(r.Key), partitions); home != r.Partition {
		r.bad = fmt.Errorf("%w: it stands in partition %d, events of %s belong in %d", events.ErrNotAnEvent, r.Partition, r.Key, home)
		return
	}
	if d, ok := discarded(r.Partition, r.Offset, r.event.ID); ok {
		r.by = &events.Command{Sender: d.Sender, Digest: d.Digest}
	}
}

// Len is the number of records.
func (b *Batch) Len() int { return len(b.records) }

// Refuse parks the room of the record at that offset instead of judging it.
func (b *Batch) Refuse(o events.Offset, reason string) { b.refused[o] = reason }

// Split gives a batch for each record.
func (b *Batch) Split() []*Batch {
	out := make([]*Batch, len(b.records))
	for i := range b.records {
		one := *b
		one.records = b.records[i : i+1]
		out[i] = &one
	}
	return out
}

// Last gives the last record's offset and fingerprint.
func (b *Batch) Last() (events.Offset, string) {
	r := b.records[len(b.records)-1]
	return r.Offset, readmodel.Fingerprint(r.Message)
}

// LogTime is the log's time of the last record; zero where there is none, or they
// were parked before and are older than what was folded since.
func (b *Batch) LogTime() time.Time {
	if b.parked || len(b.records) == 0 {
		return time.Time{}
	}
	return b.records[len(b.records)-1].Time
}

// Committed says that what [Batch.Fold] gave has been committed: the cache takes it.
func (b *Batch) Committed() {
	for k, v := range b.rows.Views {
		b.cache.keep(k, v, b.rows.Highest[k], b.parked || b.rows.Blocked[k]) // more may be parked than what was released
	}
}

// Needs names the rows to read before [Batch.Fold].
func (b *Batch) Needs() readmodel.Needs {
	needs := readmodel.Needs{}
	for i := range b.records {
		r := &b.records[i]
		if r.bad != nil {
			continue
		}
		n := needs[r.key()]
		if n == nil {
			n = &readmodel.RoomNeeds{}
			needs[r.key()] = n
		}
		n.Add(&r.event)
		if r.by != nil {
			n.Priors = append(n.Priors, r.event.ID)
		}
	}
	b.held = make(map[readmodel.Key]held, len(needs))
	for k, n := range needs {
		n.Members = unique(n.Members, cmp.Compare)
		b.held[k] = b.cache.take(k, n)
		n.Priors, n.Reactions = unique(n.Priors, cmp.Compare), unique(n.Reactions, compareReactions)
	}
	return needs
}

func unique[T comparable](s []T, compare func(a, b T) int) []T {
	slices.SortFunc(s, compare)
	return slices.Compact(s)
}

func compareReactions(a, b room.ReactionID) int {
	return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Key, b.Key), cmp.Compare(a.User, b.User))
}

// Fold judges the batch on the rows that [Batch.Needs] named, and on what the cache has.
func (b *Batch) Fold(rows readmodel.Rows) (readmodel.Batch, error) {
	w := writer{rows: rows}
	w.Grow(len(b.records))
	if b.parked { // the records themselves are what blocks the room
		clear(rows.Blocked)
	}
	for k, view := range rows.Views {
		h := b.held[k]
		if h.header != nil {
			view.Header, rows.Highest[k] = h.header, h.highest
		}
		for _, m := range h.members {
			view.Members[m.User] = m
		}
	}
	b.rows = rows
	for i := range b.records {
		r := &b.records[i]
		if b.parked {
			if w.rows.Blocked[r.key()] {
				break
			}
			w.unpark(r)
		}
		if r.bad != nil {
			w.badRecord(r)
			continue
		}
		if err := b.fold(&w, r); err != nil {
			return readmodel.Batch{}, err
		}
	}
	return w.Batch(), nil
}

func (b *Batch) fold(w *writer, r *record) error {
	k := r.key()
	view := w.rows.Views[k]
	if view == nil {
		return fmt.Errorf("room %s/%s has no view", k.Tenant, k.Room)
	}
	if w.rows.Blocked[k] {
		w.deadLetter(r, "", "")
		return nil
	}
	if reason, ok := b.refused[r.Offset]; ok {
		w.deadLetter(r, room.CodeUnstorable, reason)
		return nil
	}
	if r.by != nil {
		w.discard(r, view)
		return nil
	}
	changes, verdict, panicked := b.safely(view, r)
	switch verdict.Status {
	case room.Parked:
		w.deadLetter(r, verdict.Code, panicked)
		return nil
	case room.Accepted, room.Rejected:
		w.Judged(&r.event, r.place(), changes, verdict)
	case room.Duplicate:
	default:
		return fmt.Errorf("offset %d: the fold gave no verdict", r.Offset)
	}
	view.Advance(&r.event, changes, verdict)
	return nil
}

// safely judges one event. A panic is a verdict too: this program cannot judge it.
func (b *Batch) safely(view *room.View, r *record) (c room.Changes, v room.Verdict, panicked string) {
	defer func() {
		if p := recover(); p != nil {
			c, v = room.Changes{}, room.Verdict{Status: room.Parked, Code: room.CodePanic}
			panicked = fmt.Sprintf("%.500v", p)
		}
	}()
	c, v = b.judge(view, &r.event, r.Time)
	return c, v, ""
}
