package events

// MessagePosted is a message to a room.
type MessagePosted struct {
	Command
	// Kind is the message's type: "text", "notice", "action", or a client's own.
	Kind string `json:"kind"`
	// TextBytes is the length of the text.
	TextBytes int `json:"text_bytes"`
	// ReplyTo is the message that this one answers.
	ReplyTo EventID `json:"reply_to,omitempty"`
	// ThreadRoot is the message whose thread this one belongs to.
	ThreadRoot EventID `json:"thread_root,omitempty"`
	// Mentions are the people whom the message concerns, those among them who were
	// there where it says so.
	Mentions    []UserID `json:"mentions,omitempty"`
	Attachments int      `json:"attachments,omitempty"`
	// MentionsRoom says that the message concerns every member.
	MentionsRoom bool `json:"mentions_room,omitempty"`
	// MentionsHere says that it concerns the members who were there when it was sent:
	// the API has written who that was into Mentions.
	MentionsHere bool `json:"mentions_here,omitempty"`
}

// EventType is [TypeMessagePosted].
func (MessagePosted) EventType() Type { return TypeMessagePosted }

// MessageEdited gives a message another content: all of it, as it is afterwards.
type MessageEdited struct {
	Command
	Target EventID `json:"target"`
	// Base is the version that was changed; where that is not the present one,
	// nothing changes.
	Base         int      `json:"base"`
	TextBytes    int      `json:"text_bytes"`
	Mentions     []UserID `json:"mentions,omitempty"`
	Attachments  int      `json:"attachments,omitempty"`
	MentionsRoom bool     `json:"mentions_room,omitempty"`
	MentionsHere bool     `json:"mentions_here,omitempty"`
}

// EventType is [TypeMessageEdited].
func (MessageEdited) EventType() Type { return TypeMessageEdited }

// MessageRedacted takes content away: that of the message Target, or that of the
// messages in Range. One of the two is set.
type MessageRedacted struct {
	Command
	Target EventID      `json:"target,omitempty"`
	Range  MessageRange `json:"range,omitzero"`
}

// MessageRange are the messages with a seq from From to To, and of those only the
// ones by Author, where that is set. To at or past the event itself means all
// before it.
type MessageRange struct {
	From   Seq    `json:"from"`
	To     Seq    `json:"to"`
	Author UserID `json:"author,omitempty"`
}

// EventType is [TypeMessageRedacted].
func (MessageRedacted) EventType() Type { return TypeMessageRedacted }

// MessagePinned puts a message on the room's list of pins.
type MessagePinned struct {
	Command
	Target EventID `json:"target"`
}

// EventType is [TypeMessagePinned].
func (MessagePinned) EventType() Type { return TypeMessagePinned }

// MessageUnpinned takes it off.
type MessageUnpinned struct {
	Command
	Target EventID `json:"target"`
}

// EventType is [TypeMessageUnpinned].
func (MessageUnpinned) EventType() Type { return TypeMessageUnpinned }

// ReactionAdded is a person's reaction to a message: one per person, message and
// key.
type ReactionAdded struct {
	Command
	Target EventID `json:"target"`
	// Key is an emoji or a name of the client's, at most [MaxReactionKey] bytes.
	Key string `json:"key"`
}

// EventType is [TypeReactionAdded].
func (ReactionAdded) EventType() Type { return TypeReactionAdded }

// ReactionRemoved takes the sender's reaction back.
type ReactionRemoved struct {
	Command
	Target EventID `json:"target"`
	Key    string  `json:"key"`
}

// EventType is [TypeReactionRemoved].
func (ReactionRemoved) EventType() Type { return TypeReactionRemoved }
