package checker

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/roomlog/roomlog/pkg/events"
)

// never is the tick of what has not happened.
const never = int64(1)<<62 - 1

// History is what clients sent and were answered. It may be used by any number
// of goroutines.
type History struct {
	mu       sync.Mutex
	tick     int64
	commands map[commandKey]*record
	byID     map[eventKey]*record
	observed map[eventKey][]observation
	acked    int
}

type eventKey struct {
	room events.RoomID
	id   events.EventID
}

// record is all that is known of a command.
type record struct {
	Command
	firstSent, lastSent int64
	firstAck            int64 // never: none
	open                int   // attempts without an answer yet
	unknown             int   // attempts whose outcome is not known
	refused             string
	refusals, attempts  int
	id                  events.EventID
	otherID             events.EventID // an event id that differs from the first one
}

// observation is an outcome, and when it was seen.
type observation struct {
	Outcome
	tick int64
}

// NewHistory makes an empty history.
func NewHistory() *History {
	return &History{
		commands: map[commandKey]*record{}, byID: map[eventKey]*record{}, observed: map[eventKey][]observation{},
	}
}

// Attempt is one sending of a command. Exactly one of its methods is called, once.
type Attempt struct {
	h *History
	r *record
}

// Send notes that c is about to be sent, the first time or again.
func (h *History) Send(c Command) *Attempt {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.commands[c.id()]
	if r == nil {
		r = &record{Command: c, firstSent: h.now(), firstAck: never}
		h.commands[c.id()] = r
	}
	if r.Expect != c.Expect {
		r.Expect = MayReject
	}
	r.lastSent = h.now()
	r.open++
	r.attempts++
	return &Attempt{h, r}
}

// Acked notes that the server has acknowledged the attempt as an event, and,
// where it said so, its seq.
func (a *Attempt) Acked(id events.EventID, seq events.Seq) {
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	a.r.open--
	if a.r.firstAck == never {
		a.h.acked++
	}
	a.r.firstAck = min(a.r.firstAck, a.h.now())
	a.h.identify(a.r, id)
	if seq > 0 {
		a.h.observe(eventKey{a.r.Room, id}, Outcome{Status: Accepted, Seq: seq})
	}
}

// Unknown notes that there was no answer, or one that says that the outcome is
// not known: then with an event id, else with none.
func (a *Attempt) Unknown(id events.EventID) {
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	a.r.open--
	a.r.unknown++
	if id != "" {
		a.h.identify(a.r, id)
	}
}

// Refused notes that the server has refused the attempt, with a code. Where it is
// final, no attempt of the command may have an effect; else this one has none.
func (a *Attempt) Refused(code string, final bool) {
	a.h.mu.Lock()
	defer a.h.mu.Unlock()
	a.r.open--
	a.r.refusals++
	if final {
		a.r.refused = code
	}
}

// Observe notes an answer to the question what became of an event.
func (h *History) Observe(room events.RoomID, id events.EventID, o Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.observe(eventKey{room, id}, o)
}

// Unanswered lists the commands that were sent and neither acknowledged nor
// refused, in the order of their sending: a client sends them again.
func (h *History) Unanswered() []Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list(func(r *record) bool { return r.unanswered() })
}

// EventRef names an event and who asks for its outcome.
type EventRef struct {
	Room events.RoomID
	User events.UserID
	ID   events.EventID
	// Final says that a final outcome has been seen.
	Final bool
}

// Events lists the events whose id is known, in the order of their first sending.
func (h *History) Events() []EventRef {
	h.mu.Lock()
	defer h.mu.Unlock()
	var refs []EventRef
	for _, r := range h.sorted() {
		if r.id == "" {
			continue
		}
		seen := h.observed[eventKey{r.Room, r.id}]
		refs = append(refs, EventRef{r.Room, r.User, r.id, len(seen) > 0 && seen[len(seen)-1].Status != Pending})
	}
	return refs
}

// Acked counts the commands that were acknowledged.
func (h *History) Acked() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.acked
}

// Repeated counts the commands that were sent more than once.
func (h *History) Repeated() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.commands {
		if r.attempts > 1 {
			n++
		}
	}
	return n
}

// Len counts the commands.
func (h *History) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.commands)
}

func (r *record) unanswered() bool { return r.firstAck == never && r.refused == "" }

func (h *History) now() int64 { h.tick++; return h.tick }

func (h *History) identify(r *record, id events.EventID) {
	switch r.id {
	case "":
		r.id = id
		h.byID[eventKey{r.Room, id}] = r
	case id:
	default:
		r.otherID = id
	}
}

func (h *History) observe(k eventKey, o Outcome) {
	seen := h.observed[k]
	if n := len(seen); n > 0 && seen[n-1].Outcome == o {
		return // one is enough
	}
	h.observed[k] = append(seen, observation{o, h.now()})
}

func (h *History) list(keep func(*record) bool) []Command {
	var out []Command
	for _, r := range h.sorted() {
		if keep(r) {
			out = append(out, r.Command)
		}
	}
	return out
}

// sorted lists the records by their first sending.
func (h *History) sorted() []*record {
	return slices.SortedFunc(maps.Values(h.commands), func(a, b *record) int { return cmp.Compare(a.firstSent, b.firstSent) })
}
