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
	"github.com/roomlog/roomlog/pkg/processors"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Judge has the signature of [room.Apply].
type Judge func(*room.View, *events.Event, time.Time) (room.Changes, room.Verdict)

// Discarded gives an operator's decision that discards an event, where there is
// one; [decisions.Book] has them. Nil: no event is discarded.
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
	parked  bool
	rooms   map[readmodel.Key]*part
	blocked map[readmodel.Key]bool // after the batch
}

// part is what a batch has to do with a room.
type part struct {
	needs readmodel.RoomNeeds
	held  held
	// repeats says that an id is named more than once, so that judging one event may
	// take what was judged of another.
	repeats bool
	view    *room.View     // as it is after what was folded
	highest events.EventID // of what was judged by then
}

// advance brings the view to the state after e.
func (p *part) advance(e *events.Event, c room.Changes, v room.Verdict) {
	if v.Binds() {
		p.highest = max(p.highest, e.ID)
	}
	if p.repeats {
		p.view.Advance(e, c, v)
	} else {
		p.view.Change(c)
	}
}

type record struct {
	eventlog.Record
	event events.Event
	room  *part
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

// breathEvery is after how many records others may go first: some 0.1 ms.
const breathEvery = 64

// New decodes a batch of a log with that many partitions. What the cache has is
// not read again.
func New(judge Judge, discarded Discarded, partitions int, records []eventlog.Record, cache *Cache) *Batch {
	b := &Batch{
		judge: judge, discarded: discarded, cache: cache, records: make([]record, len(records)), refused: map[events.Offset]string{},
	}
	for i, r := range records {
		if i%breathEvery == breathEvery-1 {
			processors.Breathe()
		}
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
	if home := eventlog.PartitionOf(r.Key, partitions); home != r.Partition {
		r.bad = fmt.Errorf("%w: it stands in partition %d, events of %s belong in %d", events.ErrNotAnEvent, r.Partition, r.Key, home)
		return
	}
	if discarded == nil {
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
	for k, p := range b.rooms {
		b.cache.keep(k, p.view, p.highest, b.parked || b.blocked[k]) // more may be parked than what was released
	}
}

// Needs names the rows to read before [Batch.Fold].
func (b *Batch) Needs() readmodel.Needs {
	needs := readmodel.Needs{}
	b.rooms = map[readmodel.Key]*part{}
	for i := range b.records {
		r := &b.records[i]
		if r.bad != nil {
			continue
		}
		k := r.key()
		if r.room = b.rooms[k]; r.room == nil {
			r.room = new(part)
			b.rooms[k], needs[k] = r.room, &r.room.needs
		}
		n := &r.room.needs
		n.Add(&r.event)
		if r.by != nil {
			n.Priors = append(n.Priors, r.event.ID)
		}
	}
	for k, p := range b.rooms {
		n, named := &p.needs, len(p.needs.Priors)
		n.Members, n.Priors = unique(n.Members), unique(n.Priors)
		slices.SortFunc(n.Reactions, compareReactions)
		n.Reactions = slices.Compact(n.Reactions)
		p.repeats = len(n.Priors) < named
		p.held = b.cache.take(k, n)
	}
	return needs
}

func unique[T cmp.Ordered](s []T) []T {
	slices.Sort(s)
	return slices.Compact(s)
}

func compareReactions(a, b room.ReactionID) int {
	return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Key, b.Key), cmp.Compare(a.User, b.User))
}

// Fold judges the batch on the rows that [Batch.Needs] named, and on what the cache has.
func (b *Batch) Fold(rows readmodel.Rows) (readmodel.Batch, error) {
	if b.parked { // the records themselves are what blocks the room
		clear(rows.Blocked)
	}
	b.blocked = rows.Blocked
	w := writer{blocked: b.blocked}
	w.Grow(len(b.records))
	for k, p := range b.rooms {
		view := rows.Views[k]
		if view == nil {
			return readmodel.Batch{}, fmt.Errorf("room %s/%s has no view", k.Tenant, k.Room)
		}
		view.Reuse() // what a judgement gives is gathered before the next
		p.view, p.highest = view, rows.Highest[k]
		if p.held.header != nil {
			view.Header, p.highest = p.held.header, p.held.highest
		}
		for _, m := range p.held.members {
			view.Members[m.User] = m
		}
	}
	for i := range b.records {
		if i%breathEvery == breathEvery-1 {
			processors.Breathe()
		}
		r := &b.records[i]
		if b.parked {
			if b.blocked[r.key()] {
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
	if b.blocked[r.key()] {
		w.deadLetter(r, "", "")
		return nil
	}
	if reason, ok := b.refused[r.Offset]; ok {
		w.deadLetter(r, room.CodeUnstorable, reason)
		return nil
	}
	if r.by != nil {
		w.discard(r)
		return nil
	}
	changes, verdict, panicked := b.safely(r)
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
	r.room.advance(&r.event, changes, verdict)
	return nil
}

// safely judges one event. A panic is a verdict too: this program cannot judge it.
func (b *Batch) safely(r *record) (c room.Changes, v room.Verdict, panicked string) {
	defer func() {
		if p := recover(); p != nil {
			c, v = room.Changes{}, room.Verdict{Status: room.Parked, Code: room.CodePanic}
			panicked = fmt.Sprintf("%.500v", p)
		}
	}()
	c, v = b.judge(r.room.view, &r.event, r.Time)
	return c, v, ""
}
