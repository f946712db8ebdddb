package checker

import (
	"cmp"
	"maps"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

// command checks what became of a command against what its client was told.
func (c *check) command(r *record) {
	seq, read := c.read[r]
	if r.otherID != "" {
		c.report(Unstable, r.Room, "command %s of %s has the event ids %s and %s", r.Key, r.User, r.id, r.otherID)
	}
	seen := c.h.observed[eventKey{r.Room, r.id}]
	c.stable(r, seen)
	var last Outcome
	if n := len(seen); n > 0 && r.id != "" {
		last = seen[n-1].Outcome
	}
	switch {
	case read:
		c.accepted(r, seq, last)
	case r.unanswered():
		c.report(Unresolved, r.Room, "command %s of %s was never answered", r.Key, r.User)
	case r.refused != "":
		if r.Expect == MustAccept {
			c.report(Misjudged, r.Room, "command %s of %s was refused: %s", r.Key, r.User, r.refused)
		}
	default:
		c.absent(r, last)
	}
}

// accepted checks a command that is in the read set.
func (c *check) accepted(r *record, seq events.Seq, last Outcome) {
	switch {
	case r.refused != "":
		c.report(Invented, r.Room, "command %s of %s was refused (%s) and has seq %d", r.Key, r.User, r.refused, seq)
	case r.refusals == r.attempts:
		c.report(Invented, r.Room, "every attempt of command %s of %s was refused, and it has seq %d", r.Key, r.User, seq)
	case r.Expect == MustReject:
		c.report(Misjudged, r.Room, "command %s of %s was sent from outside the room and has seq %d", r.Key, r.User, seq)
	case r.unanswered():
		c.report(Unresolved, r.Room, "command %s of %s has seq %d and was never answered", r.Key, r.User, seq)
	}
	if last.Status != "" && (last.Status != Accepted || last.Seq != seq) {
		c.report(Contradicted, r.Room, "the outcome of %s is %s with seq %d (%s), in the room it has seq %d", r.id, last.Status, last.Seq, last.Code, seq)
	}
}

// absent checks a command that was acknowledged and is not in the read set.
func (c *check) absent(r *record, last Outcome) {
	switch last.Status {
	case Rejected:
		if r.Expect == MustAccept {
			c.report(Misjudged, r.Room, "command %s of %s was rejected: %s", r.Key, r.User, last.Code)
		}
	case Accepted:
		if last.Seq > 0 {
			c.report(Contradicted, r.Room, "the outcome of %s is accepted with seq %d, the room does not have it", r.id, last.Seq)
		} else if r.Kind == Message {
			c.report(Contradicted, r.Room, "message %s is accepted without a seq", r.id)
		}
	case Pending:
		c.report(Unresolved, r.Room, "the outcome of %s (command %s of %s) is still pending", r.id, r.Key, r.User)
	case Expired:
		c.report(Lost, r.Room, "command %s of %s was acknowledged and has expired", r.Key, r.User)
	default:
		c.report(Lost, r.Room, "command %s of %s was acknowledged as %s and is not there", r.Key, r.User, r.id)
	}
}

// stable checks that a final outcome stays. Only an expired command may become
// another one, when it was sent again since.
func (c *check) stable(r *record, seen []observation) {
	var final *observation
	for i, o := range seen {
		if final != nil && o.Outcome != final.Outcome {
			if final.Status != Expired || r.lastSent < final.tick {
				c.report(Unstable, r.Room, "the outcome of %s was %s, seq %d (%s), then %s, seq %d (%s)",
					r.id, final.Status, final.Seq, final.Code, o.Status, o.Seq, o.Code)
				return
			}
		}
		if o.Status != Pending {
			final = &seen[i]
		}
	}
}

// order checks that what was sent after an acknowledgement stands behind it.
func (c *check) order() {
	rooms := map[events.RoomID][]*record{}
	for r := range c.read {
		rooms[r.Room] = append(rooms[r.Room], r)
	}
	for _, room := range slices.Sorted(maps.Keys(rooms)) {
		sent := rooms[room]
		acked := slices.Clone(sent)
		slices.SortFunc(sent, func(a, b *record) int { return cmp.Compare(a.firstSent, b.firstSent) })
		slices.SortFunc(acked, func(a, b *record) int { return cmp.Compare(a.firstAck, b.firstAck) })
		var before *record // the latest seq that was acknowledged before
		for _, r := range sent {
			for len(acked) > 0 && acked[0].firstAck < r.firstSent {
				if before == nil || c.read[acked[0]] > c.read[before] {
					before = acked[0]
				}
				acked = acked[1:]
			}
			if before != nil && c.read[before] > c.read[r] {
				c.report(Order, room, "command %s has seq %d; %s was acknowledged before it was sent and has seq %d",
					r.Key, c.read[r], before.Key, c.read[before])
			}
		}
	}
}
