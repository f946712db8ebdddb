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

// data gives what a type's items have as data; of facts and content as the codec
// wrote them.
func (r *EventRow) data() (any, error) {
	if r.Redacted > 0 {
		return r.redacted()
	}
	switch r.Type {
	case events.TypeRoomCreated:
		var f events.RoomCreated
		var d RoomCreatedData
		err := r.unmarshal(&f, &d.RoomContent)
		d.Kind, d.Settings, d.With = f.Kind, f.Settings, f.With
		return d, err
	case events.TypeRoomUpdated:
		var f events.RoomUpdated
		var d RoomUpdatedData
		err := r.unmarshal(&f, &d.RoomContent)
		d.Version, d.Settings, d.Archived = f.Base+1, f.Settings, f.Archived
		return d, err
	case events.TypeRoomDeleted:
		return struct{}{}, nil
	case events.TypeRulesUpgraded:
		var f events.RulesUpgraded
		err := r.unmarshal(&f, nil)
		return RulesUpgradedData{f.Rules}, err
	case events.TypeMemberChanged:
		var f events.MemberChanged
		var d MemberChangedData
		err := r.unmarshal(&f, &d.MemberContent)
		d.User, d.Membership, d.Role = f.Target, f.Membership, f.Role
		if f.Until != 0 {
			d.Until = (*Time)(&f.Until)
		}
		return d, err
	case events.TypeMessagePosted:
		var d MessagePostedData
		f, err := r.posted()
		if err == nil && !r.sealed() {
			d.MessageContent, err = events.DecodeMessageContent([]byte(r.Content))
		}
		d.Kind, d.ReplyTo, d.ThreadRoot = f.Kind, f.ReplyTo, f.ThreadRoot
		d.Mentions, d.MentionsRoom, d.MentionsHere = f.Mentions, f.MentionsRoom, f.MentionsHere
		return d, err
	case events.TypeMessageEdited:
		var f events.MessageEdited
		var d MessageEditedData
		err := r.unmarshal(&f, &d.MessageContent)
		d.AboutData, d.Version = r.about(f.Target), f.Base+1
		d.Mentions, d.MentionsRoom, d.MentionsHere = f.Mentions, f.MentionsRoom, f.MentionsHere
		return d, err
	case events.TypeMessageRedacted:
		var f events.MessageRedacted
		var d MessageRedactedData
		err := r.unmarshal(&f, &d.RedactionContent)
		d.AboutData, d.From, d.To, d.Author = r.about(f.Target), f.From, f.To, f.Author
		return d, err
	case events.TypeMessagePinned, events.TypeMessageUnpinned:
		var f events.MessagePinned // both have a target and no more
		err := r.unmarshal(&f, nil)
		return r.about(f.Target), err
	case events.TypeReactionAdded, events.TypeReactionRemoved:
		var f events.ReactionAdded // both have the same fields
		err := r.unmarshal(&f, nil)
		return ReactionData{r.about(f.Target), f.Key}, err
	case events.TypeMarkMoved, events.TypePreferencesChanged, events.TypeTokensRevoked: // take no seq
	}
	return nil, fmt.Errorf("no data for type %q", r.Type)
}

func (r *EventRow) redacted() (any, error) {
	d := RedactedData{Redacted: true}
	if r.Type == events.TypeMessageEdited {
		var f events.MessageEdited
		err := r.unmarshal(&f, nil)
		d.AboutData = r.about(f.Target)
		return d, err
	}
	f, err := r.posted()
	d.Kind, d.ReplyTo, d.ThreadRoot = f.Kind, f.ReplyTo, f.ThreadRoot
	return d, err
}

func (r *EventRow) about(message events.EventID) AboutData { return AboutData{message, r.About} }

// unmarshal reads facts and, where there is a place for it, content.
func (r *EventRow) unmarshal(facts, content any) error {
	if err := json.Unmarshal([]byte(r.Facts), facts); err != nil {
		return err
	}
	if content == nil || r.sealed() {
		return nil
	}
	return json.Unmarshal([]byte(r.Content), content)
}

// posted reads the facts of a message.
func (r *EventRow) posted() (f events.MessagePosted, err error) {
	facts, err := events.DecodeFacts(events.TypeMessagePosted, []byte(r.Facts))
	if err != nil {
		return f, err
	}
	return facts.(events.MessagePosted), nil
}

// sealed says that the content is encrypted, and the key is not here: the event is
// shown without it.
func (r *EventRow) sealed() bool { return strings.HasPrefix(r.Content, `"`) }
