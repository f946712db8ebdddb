package events

import "encoding/json"

// Limits of content, in bytes unless said otherwise.
const (
	MaxText        = 16 << 10
	MaxEvent       = 64 << 10 // the record's key, headers and value
	MaxMetadata    = 16 << 10
	MaxName        = 256
	MaxReason      = 1 << 10
	MaxAttachments = 20   // attachments of a message
	MaxMentions    = 1000 // people mentioned by a message
	MaxReactionKey = 64   // the key of a reaction
	MaxDepth       = 100  // nested objects and arrays in a record's value
)

// RoomContent is the content of [RoomCreated] and [RoomUpdated].
type RoomContent struct {
	Name     string          `json:"name,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"` // a JSON object
}

// MemberContent is the content of [MemberChanged].
type MemberContent struct {
	Reason string `json:"reason,omitempty"`
}

// RedactionContent is the content of [MessageRedacted].
type RedactionContent struct {
	Reason string `json:"reason,omitempty"`
}

// MessageContent is the content of [MessagePosted] and [MessageEdited].
type MessageContent struct {
	Text        string          `json:"text"`
	Format      string          `json:"format,omitempty"`
	ClientMsgID string          `json:"client_msg_id,omitempty"`
	Attachments []Attachment    `json:"attachments,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"` // a JSON object of the client's
}

// Attachment refers to something that is stored elsewhere.
type Attachment struct {
	URL       string `json:"url"`
	MediaType string `json:"media_type,omitempty"`
	Name      string `json:"name,omitempty"`
	Size      int64  `json:"size,omitempty"`   // bytes
	Digest    string `json:"digest,omitempty"` // algorithm:hex, for example sha256:…
}
