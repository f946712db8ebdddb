package room

import "github.com/roomlog/roomlog/pkg/events"

// Discard is the verdict on an event that an operator has discarded, on a view
// with what is known of its id. It does not look at the facts, which not every
// program can read: by is what the decision says of the command. The prior, where
// the verdict binds, is what later events with the id are judged by.
func Discard(v *View, e *events.Event, by events.Command) (Verdict, Prior) {
	if p, ok := v.Priors[e.ID]; ok {
		return Verdict{Status: Duplicate, Seq: p.Seq, Code: p.Code, Of: p}, p
	}
	p := Prior{Type: e.Type, Sender: by.Sender, Digest: by.Digest, Code: CodeDiscarded}
	return Verdict{Status: Rejected, Code: CodeDiscarded}, p
}
