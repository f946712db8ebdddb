package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// aLog is the log of all tests; its records are a second apart.
var aLog = events.LogID{0xa1, 0x02}

const (
	epochOfTests = int64(1_760_000_000_000)
	lobby        = events.RoomID("lobby")
)

func inMain(r events.RoomID) readmodel.Key {
	return readmodel.Key{Tenant: events.DefaultTenant, Room: r}
}

// projector stands for the owner of a partition: it collects what its rooms do
// and folds it in batches.
type projector struct {
	store readmodel.Store
	claim readmodel.Checkpoint
	rooms map[readmodel.Key]*roomBuilder
	next  events.Offset // of the next record
	batch readmodel.Batch
}

// claimed claims a partition of the store.
func claimed(t testing.TB, s readmodel.Store, p events.Partition) *projector {
	t.Helper()
	c, err := s.Claim(t.Context(), p, aLog, "owner")
	if err != nil {
		t.Fatal(err)
	}
	return &projector{store: s, claim: c, next: c.Next, rooms: map[readmodel.Key]*roomBuilder{}}
}

// record takes the next offset and its time.
func (p *projector) record() (o events.Offset, logTime int64) {
	o = p.next
	p.next++
	return o, epochOfTests + int64(o)*1000
}

// fence is that of a batch with everything since the last commit.
func (p *projector) fence() readmodel.Fence {
	return readmodel.Fence{
		Partition: p.claim.Partition, Epoch: p.claim.Epoch, Floor: p.claim.Next, Next: p.next,
		Last: p.next - 1, LastID: fmt.Sprintf("r%d", p.next-1), Now: epochOfTests + 1,
	}
}

// take gives the batch and begins another.
func (p *projector) take() readmodel.Batch {
	b := p.batch
	for _, k := range slices.SortedFunc(maps.Keys(p.rooms), compareKeys) {
		r := p.rooms[k]
		if r.touched {
			h := r.Header
			b.Headers = append(b.Headers, &h)
		}
		for _, u := range slices.Sorted(maps.Keys(r.changed)) {
			b.Members = append(b.Members, readmodel.MemberRow{Key: k, Member: r.changed[u]})
		}
		r.touched, r.changed = false, map[events.UserID]room.Member{}
	}
	p.batch = readmodel.Batch{}
	return b
}

// fold folds a batch with these needs and follows the checkpoint.
func (p *projector) fold(ctx context.Context, needs readmodel.Needs, batch readmodel.Batch) (readmodel.Rows, error) {
	var seen readmodel.Rows
	f := p.fence()
	err := p.store.Fold(ctx, f, needs, func(r readmodel.Rows) (readmodel.Batch, error) {
		seen = r
		return batch, nil
	})
	if err == nil {
		p.claim.Next = f.Next
	}
	return seen, err
}

// commit folds what the rooms did.
func (p *projector) commit(t testing.TB) {
	t.Helper()
	if _, err := p.fold(t.Context(), nil, p.take()); err != nil {
		t.Fatal(err)
	}
}

// room gives the builder of a room, which is created by its first event.
func (p *projector) room(k readmodel.Key) *roomBuilder {
	r, ok := p.rooms[k]
	if !ok {
		r = &roomBuilder{p: p, key: k, members: map[events.UserID]room.Member{}, changed: map[events.UserID]room.Member{}}
		p.rooms[k] = r
	}
	return r
}

// roomBuilder tells what happens in a room, each thing at the next offset. The
// id of the event with seq 3 in room "lobby" is "lobby-3".
type roomBuilder struct {
	room.Header
	p       *projector
	key     readmodel.Key
	touched bool
	members map[events.UserID]room.Member
	changed map[events.UserID]room.Member // since the last batch
}

func eventID(r events.RoomID, seq events.Seq) events.EventID {
	return events.EventID(fmt.Sprintf("%s-%d", r, seq))
}

func (r *roomBuilder) event(facts events.Facts, content any) *readmodel.EventRow {
	offset, logTime := r.p.record()
	r.Seq++
	r.Digest = room.NextDigest(r.Digest, r.Seq, eventID(r.key.Room, r.Seq))
	r.LogTime, r.touched = logTime, true
	r.p.batch.Events = append(r.p.batch.Events, readmodel.EventRow{
		Key: r.key, Seq: r.Seq, ID: eventID(r.key.Room, r.Seq), Type: facts.EventType(), Version: events.Newest(facts.EventType()), Sender: facts.By().Sender,
		SentAt: logTime - 5, LogTime: logTime, Partition: r.p.claim.Partition, Offset: offset, Digest: facts.By().Digest, Messages: r.Messages,
		LastMessage: r.LastMessage, Posted: r.Posted, SentUntil: r.SentUntil,
		Facts: toJSON(facts), Content: toJSON(content),
	})
	return &r.p.batch.Events[len(r.p.batch.Events)-1]
}

func (r *roomBuilder) created(by events.UserID, kind events.RoomKind, name string) *roomBuilder {
	settings := events.RoomSettings{MaxMessageLength: 400}
	e := r.event(events.RoomCreated{Command: events.Command{Sender: by}, Kind: kind, Rules: 1, Settings: settings}, events.RoomContent{Name: name})
	r.Header = room.Header{
		Tenant: r.key.Tenant, Room: r.key.Room, Kind: kind, Rules: 1, Creator: by, Settings: settings,
		Seq: 1, Digest: r.Digest, Version: 1, ContentSeq: 1, Created: e.LogTime, LogTime: e.LogTime,
	}
	return r.standing(room.Member{User: by, Membership: events.MembershipJoin, Role: events.RoleOwner})
}

// becomes changes a person's membership, by their own hand.
func (r *roomBuilder) becomes(u events.UserID, m events.Membership) *roomBuilder {
	r.event(events.MemberChanged{Command: events.Command{Sender: u}, Target: u, Membership: m}, events.MemberContent{})
	to := room.Member{User: u, Membership: m}
	if m == events.MembershipJoin {
		to.Role = events.RoleMember
	}
	return r.standing(to)
}

func (r *roomBuilder) standing(m room.Member) *roomBuilder {
	m.Since = r.Seq
	if m.Membership == events.MembershipJoin {
		r.Members++
	}
	if m.Membership == events.MembershipBan {
		m.Until = r.LogTime + 60_000
	}
	r.members[m.User], r.changed[m.User] = m, m
	return r
}

// says posts a message outside of threads; change, where it is not nil, makes it
// another.
func (r *roomBuilder) says(u events.UserID, text string, change func(*readmodel.EventRow)) *roomBuilder {
	r.Messages++
	e := r.event(events.MessagePosted{Command: events.Command{Sender: u}, Kind: "text", TextBytes: len(text)}, events.MessageContent{Text: text})
	if change != nil {
		change(e)
	}
	return r.posted(e)
}

// replies posts a message to the thread of one.
func (r *roomBuilder) replies(u events.UserID, root events.Seq) *roomBuilder {
	id := eventID(r.key.Room, root)
	e := r.event(events.MessagePosted{Command: events.Command{Sender: u}, Kind: "text", ThreadRoot: id}, events.MessageContent{Text: "reply"})
	e.ThreadRoot = id
	return r.posted(e)
}

// posted counts a message.
func (r *roomBuilder) posted(e *readmodel.EventRow) *roomBuilder {
	if r.Posted == 0 || e.SentAt > r.SentUntil {
		r.SentUntil = e.SentAt
	}
	r.Posted++
	r.LastMessage = e.Seq
	e.LastMessage, e.Posted, e.SentUntil = r.LastMessage, r.Posted, r.SentUntil
	return r
}

// edits gives a message another text.
func (r *roomBuilder) edits(u events.UserID, message events.Seq, text string) *roomBuilder {
	e := r.event(events.MessageEdited{Command: events.Command{Sender: u}, Target: eventID(r.key.Room, message)}, events.MessageContent{Text: text})
	e.About = message
	return r
}

// state says what became of a message.
func (r *roomBuilder) state(message events.Seq, s room.MessageState) *roomBuilder {
	row := readmodel.StateRow{Key: r.key, StateChange: room.StateChange{ID: eventID(r.key.Room, message), Seq: message, MessageState: s}}
	r.p.batch.States = append(r.p.batch.States, row)
	return r
}

// reacts adds a reaction to a message, or removes it.
func (r *roomBuilder) reacts(u events.UserID, message events.Seq, key string, removed bool) *roomBuilder {
	id := room.ReactionID{Target: eventID(r.key.Room, message), Key: key, User: u}
	row := readmodel.ReactionRow{Key: r.key, ReactionChange: room.ReactionChange{ReactionID: id, Seq: message, Removed: removed}}
	r.p.batch.Reactions = append(r.p.batch.Reactions, row)
	return r
}

// mentions says whom a message mentions.
func (r *roomBuilder) mentions(message events.Seq, everyone bool, users ...events.UserID) *roomBuilder {
	row := readmodel.MentionRow{Key: r.key, Mentions: room.Mentions{Seq: message, Users: users, Room: everyone}}
	r.p.batch.Mentions = append(r.p.batch.Mentions, row)
	return r
}

// redacts takes content away; the event that does it is the next.
func (r *roomBuilder) redacts(u events.UserID, redaction room.Redaction) *roomBuilder {
	r.event(events.MessageRedacted{Command: events.Command{Sender: u}, Range: events.MessageRange{From: redaction.From, To: redaction.To}}, events.RedactionContent{})
	redaction.By = r.Seq
	r.p.batch.Redactions = append(r.p.batch.Redactions, readmodel.RedactionRow{Key: r.key, Redaction: redaction})
	return r
}

// readsThread moves a person's mark in a thread.
func (r *roomBuilder) readsThread(u events.UserID, root, read events.Seq) *roomBuilder {
	row := readmodel.ThreadMarkRow{Key: r.key, ThreadMark: room.ThreadMark{User: u, Root: root, Read: read}}
	r.p.batch.ThreadMarks = append(r.p.batch.ThreadMarks, row)
	return r
}

// revokes ends a person's tokens.
func (r *roomBuilder) revokes(u events.UserID, before int64) *roomBuilder {
	r.p.batch.Revocations = append(r.p.batch.Revocations, readmodel.RevocationRow{Tenant: r.key.Tenant, User: u, Before: before})
	return r
}

// member changes what a person keeps about the room.
func (r *roomBuilder) member(u events.UserID, change func(*room.Member)) *roomBuilder {
	m := r.members[u]
	change(&m)
	r.members[u], r.changed[u] = m, m
	return r
}

// verdict records an outcome without a seq and returns it.
func (r *roomBuilder) verdict(id events.EventID, by events.UserID, status room.Status, code room.Code) readmodel.OutcomeRow {
	offset, logTime := r.p.record()
	row := readmodel.OutcomeRow{
		Key: r.key, ID: id, Type: events.TypeMessagePosted, Sender: by, Status: status, Code: code, Digest: "digest of " + string(id),
		Binds: room.Verdict{Status: status, Code: code}.Binds(), LogTime: logTime, Partition: r.p.claim.Partition, Offset: offset,
	}
	r.p.batch.Outcomes = append(r.p.batch.Outcomes, row)
	return row
}

// parked sets a record of the room aside and returns it.
func (r *roomBuilder) parked(id events.EventID, code room.Code) readmodel.DeadLetter {
	offset, logTime := r.p.record()
	row := readmodel.DeadLetter{
		Key: r.key, Partition: r.p.claim.Partition, Offset: offset, LogTime: logTime, ID: id, Type: "room.pinned", Code: code,
		Message: events.Message{
			Key: []byte(events.Key(r.key.Tenant, r.key.Room)), Value: []byte{0, 0xff, '{'},
			Headers: []events.Header{{Key: events.HeaderID, Value: []byte(id)}, {Key: "x\xff\x00", Value: []byte{0xfe, 0}}},
		},
	}
	if code != "" {
		row.Reason = "this program does not know it"
	}
	r.p.batch.DeadLetters = append(r.p.batch.DeadLetters, row)
	return row
}

// bad sets a record aside that is no event.
func (p *projector) bad(reason string) readmodel.BadRecord {
	offset, logTime := p.record()
	row := readmodel.BadRecord{Partition: p.claim.Partition, Offset: offset, LogTime: logTime, Reason: reason, Size: 17}
	p.batch.BadRecords = append(p.batch.BadRecords, row)
	return row
}

func compareKeys(a, b readmodel.Key) int {
	return slices.Compare([]string{string(a.Tenant), string(a.Room)}, []string{string(b.Tenant), string(b.Room)})
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// read runs a read in a snapshot.
func read[T any](t testing.TB, s readmodel.Store, read func(context.Context, readmodel.Reader) (T, error)) T {
	t.Helper()
	var v T
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) (err error) {
		v, err = read(t.Context(), r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// maybe is the answer of a read that may find nothing.
type maybe[T any] struct {
	Value T
	There bool
}

func there[T any](v T) maybe[T] { return maybe[T]{v, true} }

func find[T any](v T, ok bool, err error) (maybe[T], error) { return maybe[T]{v, ok}, err }

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// dump gives the rows of a canonical dump.
func dump(t testing.TB, s readmodel.Store) []readmodel.DumpRow {
	t.Helper()
	return collect(t, s, readmodel.Reader.Dump)
}

// dumpPositions gives what a canonical dump leaves out.
func dumpPositions(t testing.TB, s readmodel.Store) []readmodel.DumpRow {
	t.Helper()
	return collect(t, s, readmodel.Reader.DumpPositions)
}

func collect(t testing.TB, s readmodel.Store, from func(readmodel.Reader, context.Context, func(readmodel.DumpRow) error) error) []readmodel.DumpRow {
	t.Helper()
	return read(t, s, func(ctx context.Context, r readmodel.Reader) (rows []readmodel.DumpRow, err error) {
		err = from(r, ctx, func(d readmodel.DumpRow) error {
			rows = append(rows, d)
			return nil
		})
		return rows, err
	})
}
