package readmodel

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
)

// RoomCreatedData is the data of a room.created item.
type RoomCreatedData struct {
	Kind     events.RoomKind     `json:"kind"`
	Settings events.RoomSettings `json:"settings"`
	With     events.UserID       `json:"with,omitempty"`
	events.RoomContent
}

// RoomUpdatedData is the data of a room.updated item. Version is the room's since.
type RoomUpdatedData struct {
	Version  int                 `json:"version"`
	Settings events.RoomSettings `json:"settings"`
	Archived bool                `json:"archived"`
	events.RoomContent
}

// RulesUpgradedData is the data of a room.rules_upgraded item.
type RulesUpgradedData struct {
	Rules int `json:"rules"`
}

// MemberChangedData is the data of a member.changed item.
type MemberChangedData struct {
	User       events.UserID     `json:"user"`
	Membership events.Membership `json:"membership"`
	Role       events.Role       `json:"role,omitempty"`
	Until      *Time             `json:"until,omitempty"`
	events.MemberContent
}

// MessagePostedData is the data of a message.posted item.
type MessagePostedData struct {
	Kind         string          `json:"type"`
	ReplyTo      events.EventID  `json:"reply_to,omitempty"`
	ThreadRoot   events.EventID  `json:"thread_root,omitempty"`
	Mentions     []events.UserID `json:"mentions,omitempty"`
	MentionsRoom bool            `json:"mentions_room,omitempty"`
	MentionsHere bool            `json:"mentions_here,omitempty"`
	events.MessageContent
}

// AboutData says which message an item is about: alone the data of
// message.pinned and message.unpinned items.
type AboutData struct {
	Message events.EventID `json:"message,omitempty"`
	Seq     events.Seq     `json:"message_seq,omitempty"`
}

// MessageEditedData is the data of a message.edited item: all of the message's
// content, as it is since. Version is the message's since.
type MessageEditedData struct {
	AboutData
	Version      int             `json:"version"`
	Mentions     []events.UserID `json:"mentions,omitempty"`
	MentionsRoom bool            `json:"mentions_room,omitempty"`
	MentionsHere bool            `json:"mentions_here,omitempty"`
	events.MessageContent
}

// MessageRedactedData is the data of a message.redacted item: of one message, or
// of those from one seq to another, and of those only the author's.
type MessageRedactedData struct {
	AboutData
	From   events.Seq    `json:"from,omitempty"`
	To     events.Seq    `json:"to,omitempty"`
	Author events.UserID `json:"author,omitempty"`
	events.RedactionContent
}

// ReactionData is the data of reaction.added and reaction.removed items.
type ReactionData struct {
	AboutData
	Key string `json:"key"`
}

// RedactedData is the data of a message.posted or message.edited item whose
// content was taken away: what the conversation's shape takes.
type RedactedData struct {
	Redacted bool `json:"redacted"` // true
	// Of a message.
	Kind       string         `json:"type,omitempty"`
	ReplyTo    events.EventID `json:"reply_to,omitempty"`
	ThreadRoot events.EventID `json:"thread_root,omitempty"`
	// Of an edit.
	AboutData
}

// DecodeFacts reads the event's facts, in the newest version of their shape. An
// error says that the row does not hold what the codec wrote, or that a newer
// program did: [events.ErrNewerVersion].
func (r *EventRow) DecodeFacts() (events.Facts, error) {
	facts, err := events.DecodeFacts(r.Type, r.Version, r.Facts)
	if err != nil {
		return nil, fmt.Errorf("facts of event %s: %w", r.ID, err)
	}
	return facts, nil
}

// data gives what a type's items have as data; of facts and content as the codec
// wrote them.
func (r *EventRow) data() (any, error) {
	facts, err := r.DecodeFacts()
	if err != nil {
		return nil, err
	}
	if r.Redacted > 0 {
		return r.redacted(facts), nil
	}
	switch f := facts.(type) {
	case events.RoomCreated:
		d := RoomCreatedData{Kind: f.Kind, Settings: f.Settings, With: f.With}
		err := r.content(&d.RoomContent)
		return d, err
	case events.RoomUpdated:
		d := RoomUpdatedData{Version: f.Base + 1, Settings: f.Settings, Archived: f.Archived}
		err := r.content(&d.RoomContent)
		return d, err
	case events.RoomDeleted:
		return struct{}{}, nil
	case events.RulesUpgraded:
		return RulesUpgradedData{f.Rules}, nil
	case events.MemberChanged:
		d := MemberChangedData{User: f.Target, Membership: f.Membership, Role: f.Role}
		if f.Until != 0 {
			d.Until = (*Time)(&f.Until)
		}
		err := r.content(&d.MemberContent)
		return d, err
	case events.MessagePosted:
		return r.posted(&f)
	case events.MessageEdited:
		d := MessageEditedData{AboutData: r.about(f.Target), Version: f.Base + 1}
		err := r.content(&d.MessageContent)
		d.Mentions, d.MentionsRoom, d.MentionsHere = f.Mentions, f.MentionsRoom, f.MentionsHere
		return d, err
	case events.MessageRedacted:
		d := MessageRedactedData{AboutData: r.about(f.Target), From: f.Range.From, To: f.Range.To, Author: f.Range.Author}
		err := r.content(&d.RedactionContent)
		return d, err
	case events.MessagePinned:
		return r.about(f.Target), nil
	case events.MessageUnpinned:
		return r.about(f.Target), nil
	case events.ReactionAdded:
		return ReactionData{r.about(f.Target), f.Key}, nil
	case events.ReactionRemoved:
		return ReactionData{r.about(f.Target), f.Key}, nil
	case events.MarkMoved, events.PreferencesChanged, events.TokensRevoked: // take no seq
	}
	return nil, fmt.Errorf("no data for type %q", r.Type)
}

// PostedData is what [EventRow.Item] has as data of a message.posted event that is not
// redacted, by itself: a page has many.
func (r *EventRow) PostedData() (MessagePostedData, error) {
	facts, err := events.DecodePosted(r.Version, r.Facts)
	if err != nil {
		return MessagePostedData{}, fmt.Errorf("facts of event %s: %w", r.ID, err)
	}
	return r.posted(&facts)
}

func (r *EventRow) posted(f *events.MessagePosted) (d MessagePostedData, err error) {
	d = MessagePostedData{
		Kind: f.Kind, ReplyTo: f.ReplyTo, ThreadRoot: f.ThreadRoot,
		Mentions: f.Mentions, MentionsRoom: f.MentionsRoom, MentionsHere: f.MentionsHere,
	}
	if !r.sealed() {
		d.MessageContent, err = events.DecodeMessageContent(r.Content)
	}
	return d, err
}

func (r *EventRow) redacted(facts events.Facts) RedactedData {
	d := RedactedData{Redacted: true}
	if f, ok := facts.(events.MessagePosted); ok {
		d.Kind, d.ReplyTo, d.ThreadRoot = f.Kind, f.ReplyTo, f.ThreadRoot
	}
	if f, ok := facts.(events.MessageEdited); ok {
		d.AboutData = r.about(f.Target)
	}
	return d
}

func (r *EventRow) about(message events.EventID) AboutData { return AboutData{message, r.About} }

// content reads the content, where it is not sealed.
func (r *EventRow) content(into any) error {
	if r.sealed() {
		return nil
	}
	return json.Unmarshal([]byte(r.Content), into)
}

// sealed says that the content is encrypted, and the key is not here: the event is
// shown without it.
func (r *EventRow) sealed() bool { return strings.HasPrefix(r.Content, `"`) }
