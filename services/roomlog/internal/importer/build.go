package importer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/services/roomlog/internal/irc"
)

// Importer is in whose name event ids are derived, and who owns the room where
// nobody else is named. No nick has this id: those begin with [irc.UserPrefix].
const Importer events.UserID = "import:irc"

// Room says where to import to.
type Room struct {
	Tenant events.Tenant
	ID     events.RoomID
	// Owner owns the room where the import creates it.
	Owner events.UserID
}

// Kind is what an imported event stands for.
type Kind int

// Kinds of imported events.
const (
	RoomCreated Kind = iota
	Joined
	Message
	Action
	Notice
)

// Planned is an event that an import wants in the log.
type Planned struct {
	Kind  Kind
	Reply bool // it answers another message
	Event events.Event
}

// Builder makes events of parsed files. It remembers who has joined already, so
// give it the files in the order in which they are to stand in the room.
type Builder struct {
	room   Room
	begun  bool
	joined map[events.UserID]bool
	out    []Planned
}

// NewBuilder makes a builder for a room of which the log has what is known.
func NewBuilder(r Room, known Known) *Builder {
	b := &Builder{room: r, joined: map[events.UserID]bool{}}
	if known.Created != nil {
		b.joined[known.Created.Sender] = true
		_, ours := known.Digests[b.id("room")]
		b.begun = !ours // another's room is not created again
	}
	return b
}

// File gives the events of a file in order: who speaks first joins first, with
// the same time. A reply refers to an earlier line of the file; where that line
// was skipped, the message is no reply. The slice is the builder's until the next
// call.
func (b *Builder) File(f irc.File, replies irc.Replies) ([]Planned, error) {
	b.out = b.out[:0]
	ids := make(map[int]events.EventID, len(f.Lines))
	for _, l := range f.Lines {
		if err := b.begin(l.Time); err != nil {
			return nil, err
		}
		if err := b.join(l); err != nil {
			return nil, err
		}
		to, reply := ids[replies[l.Number]], false
		if _, linked := replies[l.Number]; linked && to != "" {
			reply = true
		} else {
			to = ""
		}
		e, err := b.message(f.Name, l, to)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", f.Name, l.Number+1, err)
		}
		ids[l.Number] = e.ID
		b.out = append(b.out, Planned{Kind: kindOf(l.Kind), Reply: reply, Event: e})
	}
	return b.out, nil
}

// begin creates the room before the first line.
func (b *Builder) begin(at time.Time) error {
	if b.begun {
		return nil
	}
	b.begun = true
	command, err := commandOf(b.room.Owner, "room", nil)
	if err != nil {
		return err
	}
	if len(b.joined) == 0 {
		b.joined[b.room.Owner] = true
	}
	return b.add(RoomCreated, b.id("room"), at, events.RoomCreated{
		Command: command, Kind: events.RoomPublic, Rules: room.Rules,
	}, events.RoomContent{Name: string(b.room.ID)})
}

func (b *Builder) join(l irc.Line) error {
	if b.joined[l.User] {
		return nil
	}
	b.joined[l.User] = true
	command, err := commandOf(l.User, "join", nil)
	if err != nil {
		return err
	}
	return b.add(Joined, b.id("join/"+string(l.User)), l.Time, events.MemberChanged{
		Command: command, Target: l.User, Membership: events.MembershipJoin,
	}, events.MemberContent{})
}

func (b *Builder) message(file string, l irc.Line, replyTo events.EventID) (events.Event, error) {
	command, err := commandOf(l.User, "line", l.Raw)
	if err != nil {
		return events.Event{}, err
	}
	content, err := json.Marshal(events.MessageContent{Text: l.Text})
	if err != nil {
		return events.Event{}, err
	}
	id := b.id("line/" + file + "/" + strconv.Itoa(l.Number) + "/" + string(l.Kind))
	return b.event(id, l.Time, events.MessagePosted{
		Command: command, Kind: string(l.Kind), TextBytes: len(l.Text), ReplyTo: replyTo,
	}, content), nil
}

func (b *Builder) add(k Kind, id events.EventID, at time.Time, f events.Facts, content any) error {
	c, err := json.Marshal(content)
	if err != nil {
		return err
	}
	b.out = append(b.out, Planned{Kind: k, Event: b.event(id, at, f, c)})
	return nil
}

func (b *Builder) event(id events.EventID, at time.Time, f events.Facts, content json.RawMessage) events.Event {
	return events.Event{
		ID: id, Type: f.EventType(), Tenant: b.room.Tenant, Room: b.room.ID, Time: at, Facts: f, Content: content,
	}
}

func (b *Builder) id(key string) events.EventID {
	return events.IdempotentID(b.room.Tenant, b.room.ID, Importer, "irc/"+key)
}

// commandOf tells repetitions from changes: the digest is of the line's bytes.
func commandOf(sender events.UserID, what string, line []byte) (events.Command, error) {
	body, err := json.Marshal(line) // base64: the line may be no text
	if err != nil {
		return events.Command{}, err
	}
	digest, err := events.Digest("import irc "+what, body)
	return events.Command{Sender: sender, Digest: digest}, err
}

func kindOf(k irc.Kind) Kind {
	switch k {
	case irc.Action:
		return Action
	case irc.Notice:
		return Notice
	case irc.Text:
	}
	return Message
}
