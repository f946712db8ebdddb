package checker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

// Rule is what a violation breaks.
type Rule string

// The rules.
const (
	// Lost: acknowledged, and neither in the read set nor rejected.
	Lost Rule = "lost"
	// Twice: one command stands twice in the read set, or one event id does.
	Twice Rule = "twice"
	// Invented: in the read set, but nobody sent it, or it was refused.
	Invented Rule = "invented"
	// Altered: another sender, type or text than was sent.
	Altered Rule = "altered"
	// Order: sent after another was acknowledged, and before it in the room.
	Order Rule = "order"
	// Gap: the seqs of a room are not 1, 2, 3, …
	Gap Rule = "gap"
	// Views: pages, replay and export differ.
	Views Rule = "views"
	// Unstable: an outcome, a seq or an event id has changed.
	Unstable Rule = "unstable"
	// Contradicted: the outcome is not what the read set shows.
	Contradicted Rule = "contradicted"
	// Misjudged: rejected without cause, or accepted from outside the room.
	Misjudged Rule = "misjudged"
	// Unresolved: no final outcome, though every key was sent again.
	Unresolved Rule = "unresolved"
)

// Violation is something that must not be.
type Violation struct {
	Rule   Rule
	Room   events.RoomID
	Detail string
}

func (v Violation) String() string { return fmt.Sprintf("%s: room %s: %s", v.Rule, v.Room, v.Detail) }

// Check compares what was read with what clients were told. Call it when every
// unanswered command ([History.Unanswered]) has been sent again until it was
// answered, and when what the reader saw includes every position that was
// acknowledged. The order of the violations is that of rooms and seqs.
func Check(h *History, s State) []Violation {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &check{h: h, state: s, ids: map[events.EventID]events.RoomID{}, read: map[*record]events.Seq{}}
	for _, room := range slices.Sorted(maps.Keys(s)) {
		c.room(room, s[room])
	}
	for _, r := range h.sorted() {
		c.command(r)
	}
	c.order()
	return c.found
}

type check struct {
	h     *History
	state State
	ids   map[events.EventID]events.RoomID // of the whole read set
	read  map[*record]events.Seq           // the commands that are in the read set
	found []Violation
}

func (c *check) report(rule Rule, room events.RoomID, format string, args ...any) {
	c.found = append(c.found, Violation{rule, room, fmt.Sprintf(format, args...)})
}

// room checks what a room's views show by themselves and who sent it.
func (c *check) room(id events.RoomID, r *Room) {
	bodies := map[string]*record{}
	for _, rec := range c.h.commands {
		if rec.Room == id && rec.Kind == Message {
			bodies[rec.Body] = rec
		}
	}
	for i, e := range r.Events {
		if e.Seq != events.Seq(i+1) {
			c.report(Gap, id, "seq %d stands where %d should", e.Seq, i+1)
			break // all that follow are shifted
		}
	}
	for _, e := range r.Events {
		if other, ok := c.ids[e.ID]; ok {
			c.report(Twice, id, "event %s at seq %d is already in room %s", e.ID, e.Seq, other)
			continue
		}
		c.ids[e.ID] = id
		c.event(id, e, bodies)
	}
	c.views(id, r)
}

// event finds the command behind an event.
func (c *check) event(room events.RoomID, e Event, bodies map[string]*record) {
	rec := c.h.byID[eventKey{room, e.ID}]
	if e.Type == events.TypeMessagePosted {
		byText := bodies[e.Text]
		switch {
		case byText == nil && rec == nil:
			c.report(Invented, room, "nobody sent event %s at seq %d (%q by %s)", e.ID, e.Seq, clip(e.Text), e.Sender)
			return
		case rec == nil:
			rec = byText
		}
	}
	if rec == nil {
		c.report(Invented, room, "nobody sent event %s (%s by %s) at seq %d", e.ID, e.Type, e.Sender, e.Seq)
		return
	}
	if seq, ok := c.read[rec]; ok {
		c.report(Twice, room, "command %s of %s has seq %d and seq %d", rec.Key, rec.User, seq, e.Seq)
		return
	}
	c.read[rec] = e.Seq
	switch {
	case e.Sender != rec.User:
		c.report(Altered, room, "command %s of %s is by %s at seq %d", rec.Key, rec.User, e.Sender, e.Seq)
	case e.Type != rec.Kind.eventType():
		c.report(Altered, room, "command %s is a %s at seq %d", rec.Key, e.Type, e.Seq)
	case rec.Kind == Message && e.Text != rec.Body:
		c.report(Altered, room, "command %s at seq %d has the text %q, sent was %q", rec.Key, e.Seq, clip(e.Text), clip(rec.Body))
	}
}

func (k Kind) eventType() events.Type {
	switch k {
	case Message:
		return events.TypeMessagePosted
	case Membership:
		return events.TypeMemberChanged
	case Creation:
		return events.TypeRoomCreated
	}
	return ""
}

// clip keeps reports readable.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
