// Package problem is what the chat API tells a client that does not get what it
// asked for: a stable code and a sentence. It knows nothing of HTTP; package
// httpapi chooses the status.
package problem

import (
	"fmt"
	"time"

	"github.com/roomlog/roomlog/pkg/events/room"
)

// Code is stable and machine-readable. Beside the codes here there are those of
// the fold's rejections ([Rejected]).
type Code string

// Codes of requests that never become an event.
const (
	InvalidJSON          Code = "invalid_json"
	InvalidUTF8          Code = "invalid_utf8"
	InvalidCharacter     Code = "invalid_character"
	JSONTooDeep          Code = "json_too_deep"
	UnknownField         Code = "unknown_field"
	DuplicateField       Code = "duplicate_field"
	MissingField         Code = "missing_field"
	InvalidField         Code = "invalid_field"
	UnknownParameter     Code = "unknown_parameter"
	InvalidParameter     Code = "invalid_parameter"
	InvalidID            Code = "invalid_id"
	InvalidPrefer        Code = "invalid_prefer"
	InvalidKey           Code = "invalid_idempotency_key"
	InvalidPosition      Code = "invalid_position"
	InvalidCursor        Code = "invalid_cursor"
	TokenInURL           Code = "token_in_url"
	TokenMissing         Code = "token_missing"
	TokenInvalid         Code = "token_invalid"
	TokenExpired         Code = "token_expired"
	TokenRevoked         Code = "token_revoked"
	InsufficientScope    Code = "insufficient_scope"
	RefusedByHook        Code = "refused_by_hook"
	RouteNotFound        Code = "route_not_found"
	MethodNotAllowed     Code = "method_not_allowed"
	MemberNotFound       Code = "member_not_found"
	EventNotFound        Code = "event_not_found"
	OutcomeNotFound      Code = "outcome_not_found"
	PositionOfAnotherLog Code = "position_of_another_log"
	BodyTooLarge         Code = "body_too_large"
	UnsupportedMediaType Code = "unsupported_media_type"
	RateLimited          Code = "rate_limited"
	TooManyStreams       Code = "too_many_streams"
	TooManyRequests      Code = "too_many_requests"
)

// Codes of what is not the client's doing.
const (
	Internal             Code = "internal"
	LogUnavailable       Code = "log_unavailable"
	IssuerUnavailable    Code = "issuer_unavailable"
	HookUnavailable      Code = "hook_unavailable"
	ReadModelBehind      Code = "read_model_behind"
	ReadModelUnavailable Code = "read_model_unavailable"
	RoomBlocked          Code = "room_blocked"
)

// Error is a problem on its way to the client.
type Error struct {
	Code Code
	// Detail is a sentence for the client's developer; it holds no internals.
	Detail string
	// Field names what in the request it is about, where that is one thing.
	Field string
	// RetryAfter is how long to wait before another try; zero leaves it to the
	// status.
	RetryAfter time.Duration
	// Cause is for the log only.
	Cause error
}

// New makes a problem.
func New(c Code, detail string) *Error { return &Error{Code: c, Detail: detail} }

// In makes a problem about one field, parameter or header.
func In(c Code, field, detail string) *Error { return &Error{Code: c, Field: field, Detail: detail} }

// Caused makes a problem with a cause for the log.
func Caused(c Code, detail string, cause error) *Error {
	return &Error{Code: c, Detail: detail, Cause: cause}
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	if e.Cause != nil {
		return s + ": " + e.Cause.Error()
	}
	return s + ": " + e.Detail
}

func (e *Error) Unwrap() error { return e.Cause }

// Rejected is the problem of a command that the fold rejects.
func Rejected(c room.Code) *Error {
	detail, ok := rejections[c]
	if !ok {
		detail = "the command was rejected"
	}
	return New(Code(c), detail)
}

var rejections = map[room.Code]string{
	room.CodeRoomNotFound:   "there is no such room",
	room.CodeRoomIDTaken:    "the id belongs to another room",
	room.CodeRoomIDReserved: "ids that begin with d: or ~ cannot be chosen",
	room.CodeNotAMember:     "you are not a member of the room",
	room.CodeBanned:         "you are banned from the room",
	room.CodeUserBanned:     "the user is banned: lift the ban first",
	room.CodeUserJoined:     "the user is a member already, or may become one without asking",
	room.CodeUserUnknown:    "the user never had to do with the room",
	room.CodeForbidden:      "your role does not allow this",
	room.CodeKeyReused:      "the key has been used for another request",
	room.CodeExpired:        "the log took the command after its time: send it again",
	room.CodeTextTooLong:    "the text is longer than the room allows",
	room.CodeReplyNotFound:  "the message that this one answers is not in the room",
	room.CodeThreadNotFound: "the message whose thread this is about is not in the room",
	room.CodeThreadNested:   "the root of a thread is not itself in a thread",
	room.CodeRoomArchived:   "the room is archived: it is read only",
	room.CodeVersion:        "it has another version by now: read it again",
	room.CodeMessageUnknown: "there is no such message in the room",
	room.CodeRedacted:       "the message was redacted: it has no content any more",
	room.CodeSlowMode:       "the room is in slow mode: wait before the next message",
	room.CodeReactionsOff:   "the room takes no reactions",
	room.CodeThreadsOff:     "the room has no threads",
	room.CodeReactionKeys:   fmt.Sprintf("the message has reactions with %d different keys, which is the most", room.MaxReactionKeys),
	room.CodeDiscarded:      "an operator has discarded the event: it could not be judged",
	room.CodeInvalid:        "the command asks for something that cannot be",
}
