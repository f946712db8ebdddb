package roomtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// writer writes a random history: few people, rooms and choices, so that they
// meet often.
type writer struct {
	pick    func(n int) int
	now     time.Time
	records []Record
	sent    map[Key][]events.Event // what was sent to a room, in order
	creator map[Key]events.UserID  // who asked first for the room
	updates map[Key]int            // how often it was updated, about
	rooms   []Key
}

var (
	users = []events.UserID{"alice", "bob", "carol", "dave"}
	rooms = []Key{
		{"main", "lobby"},
		{"main", "den"},
		{"main", "lobby"},
		{"main", "den"},
		{"acme", "lobby"},
		{"main", "garden"},
	}
	memberships = []events.Membership{
		events.MembershipJoin, events.MembershipLeave, events.MembershipInvite, events.MembershipBan, events.MembershipKnock, events.MembershipNone,
	}
	roles = []events.Role{"", "", events.RoleMember, events.RoleModerator, events.RoleOwner, events.RoleGuest, "emperor"}
)

func newWriter(pick func(n int) int) *writer {
	return &writer{pick: pick, now: Epoch, sent: map[Key][]events.Event{}, creator: map[Key]events.UserID{}, updates: map[Key]int{}, rooms: slices.Clone(rooms)}
}

// one gives one of the choices.
func one[T any](w *writer, choices []T) T { return choices[w.pick(len(choices))] }

// step appends one record.
func (w *writer) step(c Config) {
	w.now = w.now.Add(one(w, []time.Duration{
		time.Millisecond, 0, 20 * time.Millisecond, time.Second, time.Minute, -3 * time.Second,
	}))
	k := one(w, w.rooms)
	if w.pick(60) == 0 {
		k.Room = "d:forged"
	}
	if w.creator[k] == "" && w.pick(3) != 0 {
		w.create(k)
		return
	}
	switch n := w.pick(40); {
	case n >= 24:
		w.about(k)
	case n < 9:
		w.post(k)
	case n < 13:
		w.own(k)
	case n < 18:
		w.other(k)
	case n < 20:
		w.repeat(k)
	case n == 20:
		w.reuse(k)
	case n == 21:
		w.create(k)
	case n == 22 && c.Garbage:
		w.garbage(k)
	case n == 23 && c.Parking && w.pick(8) == 0:
		w.unknown(k)
	default:
		w.post(k)
	}
}

func (w *writer) create(k Key) {
	kind := events.RoomPublic
	if k.Room == "den" {
		kind = events.RoomPrivate
	}
	f := events.RoomCreated{Command: w.command(), Kind: kind, Rules: 1 + w.pick(room.Rules)}
	if w.pick(16) == 0 {
		k = w.direct(k.Tenant, &f)
	}
	if w.creator[k] == "" {
		w.creator[k] = f.Sender
	}
	f.Settings = w.settings()
	w.send(k, f, events.RoomContent{Name: "the " + string(k.Room), Metadata: json.RawMessage(`{"n":1e400}`)})
}

func (w *writer) post(k Key) {
	text := one(w, []string{"hi", "", "hello there", "grüße, 世界 \U0001f600", "back\\slash \"quoted\" \\u0000"})
	f := events.MessagePosted{Command: w.command(), Kind: one(w, []string{"text", "notice", "action"}), TextBytes: len(text)}
	w.fromCreator(k, &f.Command)
	if w.pick(3) == 0 {
		f.ReplyTo = w.known(k)
	}
	if w.pick(3) == 0 {
		f.ThreadRoot = w.known(k)
	}
	if w.pick(4) == 0 {
		f.Mentions = []events.UserID{one(w, users), one(w, users)}
	}
	switch w.pick(10) {
	case 0:
		f.MentionsRoom = true
	case 1:
		f.MentionsHere = true
	}
	w.send(k, f, events.MessageContent{Text: text})
}

// known is the id of something in the room, a late message if it can be, rarely
// of nothing.
func (w *writer) known(k Key) events.EventID {
	sent := w.sent[k]
	if len(sent) == 0 || w.pick(8) == 0 {
		return "nothing"
	}
	for range 8 {
		e := sent[len(sent)-1-w.pick(min(len(sent), 20))]
		if e.Type == events.TypeMessagePosted {
			return e.ID
		}
	}
	return sent[0].ID
}

func (w *writer) own(k Key) {
	f := events.MemberChanged{Command: w.command(), Membership: one(w, memberships[:5])}
	if w.pick(2) == 0 {
		f.Membership = events.MembershipJoin
	}
	f.Target = f.Sender
	if w.pick(5) == 0 {
		f.Role = one(w, roles)
	}
	w.send(k, f, events.MemberContent{})
}

func (w *writer) other(k Key) {
	f := events.MemberChanged{Command: w.command(), Target: one(w, users), Membership: one(w, memberships)}
	w.fromCreator(k, &f.Command)
	switch f.Membership {
	case events.MembershipJoin:
		f.Role = one(w, roles)
	case events.MembershipBan:
		if w.pick(2) == 0 {
			f.Until = w.now.Add(one(w, []time.Duration{time.Second, time.Minute, -time.Second})).UnixMilli()
		}
	case events.MembershipNone, events.MembershipInvite, events.MembershipLeave, events.MembershipKnock:
		if w.pick(20) == 0 {
			f.Until = 1 // not of a ban
		}
	}
	w.send(k, f, events.MemberContent{Reason: one(w, []string{"", "because"})})
}

// repeat appends again what was sent: as a broker would, or as a client that
// tries again a little later.
func (w *writer) repeat(k Key) {
	sent := w.sent[k]
	if len(sent) == 0 {
		w.post(k)
		return
	}
	e := one(w, sent)
	if w.pick(2) == 0 {
		e.Time = w.now
		if !e.Expires.IsZero() {
			e.Expires = w.now.Add(30 * time.Second)
		}
	}
	w.append(&e)
}

// reuse sends something else under a key that is taken.
func (w *writer) reuse(k Key) {
	sent := w.sent[k]
	if len(sent) == 0 {
		w.post(k)
		return
	}
	e := one(w, sent)
	f := events.MessagePosted{Command: e.Facts.By(), Kind: "text", TextBytes: 5}
	f.Digest = "another"
	e.Type, e.Facts, e.Content = f.EventType(), f, json.RawMessage(`{"text":"other"}`)
	w.append(&e)
}

func (w *writer) unknown(k Key) {
	if w.pick(2) == 0 {
		f := events.RoomCreated{Command: w.command(), Kind: events.RoomPublic, Rules: room.Rules + 1}
		w.send(Key{k.Tenant, "future"}, f, events.RoomContent{})
		return
	}
	m := w.send(k, events.MessagePosted{Command: w.command(), Kind: "text"}, events.MessageContent{})
	for i, h := range m.Headers {
		if h.Key == events.HeaderType {
			m.Headers[i].Value = []byte("message.foretold")
		}
	}
}

func (w *writer) garbage(k Key) {
	m := w.send(k, events.MessagePosted{Command: w.command(), Kind: "text"}, events.MessageContent{})
	switch w.pick(6) {
	case 0:
		m.Value = m.Value[:len(m.Value)/2]
	case 1:
		m.Value = nil
	case 2:
		m.Key = nil
	case 3:
		m.Headers = m.Headers[2:] // without version and id
	case 4:
		m.Headers = nil
	default:
		m.Value = []byte{0xff, 0x00, 'x'}
	}
}

func (w *writer) command() events.Command { return events.Command{Sender: one(w, users)} }

// fromCreator lets two of three commands come from who made the room, who can do most.
func (w *writer) fromCreator(k Key, c *events.Command) {
	if u := w.creator[k]; u != "" && w.pick(3) != 0 {
		c.Sender = u
	}
}

// send appends a new event and gives its record, to be spoiled.
func (w *writer) send(k Key, f events.Facts, content any) *events.Message {
	c, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("roomtest: content: %v", err)) // a mistake of this package
	}
	n := strconv.Itoa(len(w.records))
	e := events.Event{
		ID:   events.IdempotentID(k.Tenant, k.Room, f.By().Sender, "history "+n),
		Type: f.EventType(), Tenant: k.Tenant, Room: k.Room, Time: w.now, Facts: f, Content: c,
	}
	if w.pick(2) == 0 { // with a key of the client's
		e.Facts = WithDigest(f, "digest-"+n)
	}
	if w.pick(3) == 0 {
		e.Expires = w.now.Add(30 * time.Second)
	}
	w.sent[k] = append(w.sent[k], e)
	return w.append(&e)
}

func (w *writer) append(e *events.Event) *events.Message {
	m, err := events.Encode(e)
	if err != nil {
		panic(fmt.Sprintf("roomtest: %v", err)) // a mistake of this package
	}
	at := w.now
	if w.pick(12) == 0 { // it was long under way
		at = at.Add(40 * time.Second)
	}
	if len(w.records)%3 == 0 { // by a program that was not upgraded yet
		m = Older(m)
	}
	w.records = append(w.records, Record{Message: m, LogTime: at})
	return &w.records[len(w.records)-1].Message
}

// WithDigest gives facts, of whichever type, the digest of a request under a key.
func WithDigest(f events.Facts, digest string) events.Facts {
	v := reflect.New(reflect.TypeOf(f)).Elem()
	v.Set(reflect.ValueOf(f))
	v.FieldByName("Digest").SetString(digest)
	return v.Interface().(events.Facts)
}
