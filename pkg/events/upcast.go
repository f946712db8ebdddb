package events

// Shapes that were followed by another, as logs hold them for ever, each with the
// way to the next version. An upcaster is pure and takes whatever reads: what the
// fold rejected as malformed in the old shape it rejects in the new one.

// messageRedacted1 is [MessageRedacted] as it was first: Target, or From, To and
// perhaps Author.
type messageRedacted1 struct {
	Command
	Target EventID `json:"target,omitempty"`
	From   Seq     `json:"from,omitempty"`
	To     Seq     `json:"to,omitempty"`
	Author UserID  `json:"author,omitempty"`
}

func (f messageRedacted1) next() MessageRedacted {
	return MessageRedacted{Command: f.Command, Target: f.Target, Range: MessageRange{From: f.From, To: f.To, Author: f.Author}}
}
