package events

import (
	"errors"
	"fmt"
	"strings"
)

// MaxIDLength is the longest id of a tenant, room, user or event, in bytes.
const MaxIDLength = 128

// ErrInvalidID says that a string cannot be an id. Ids are 1 to [MaxIDLength]
// characters of A–Z a–z 0–9 . _ ~ - : @.
var ErrInvalidID = errors.New("invalid id")

type (
	// Tenant separates customers: no id, key or query crosses it.
	Tenant string
	// RoomID names a room within its tenant.
	RoomID string
	// UserID names a person or a service within its tenant.
	UserID string
	// EventID names an event within its room. Ids that roomlog makes are UUIDs.
	EventID string
	// Seq is a room's dense number of accepted, sequenced events: 1, 2, 3 …
	// Zero is "none".
	Seq int64
)

// DefaultTenant is the tenant of a token that names none.
const DefaultTenant Tenant = "main"

// Prefixes of room ids that clients cannot choose.
const (
	// DirectRoomPrefix begins the id of a room of two people.
	DirectRoomPrefix = "d:"
	// AccountPrefix begins the key of facts about a person rather than a room.
	AccountPrefix = "~"
)

// ParseTenant checks a tenant's name: an id without a colon, so that it is a URI
// reference too, as CloudEvents wants its source.
func ParseTenant(s string) (Tenant, error) {
	if strings.Contains(s, ":") {
		return Tenant(s), fmt.Errorf("%w: tenant has ':', allowed are A-Z a-z 0-9 . _ ~ - @", ErrInvalidID)
	}
	return Tenant(s), checkID("tenant", s)
}

// ParseRoomID checks a room id. Reserved prefixes are valid ids; whether a
// client may create such a room is the fold's to say. [AccountPrefix] and the
// longest user id make a room id too.
func ParseRoomID(s string) (RoomID, error) {
	if user, ok := strings.CutPrefix(s, AccountPrefix); ok && len(user) == MaxIDLength {
		return RoomID(s), checkID("user", user)
	}
	return RoomID(s), checkID("room", s)
}

// ParseUserID checks a user id.
func ParseUserID(s string) (UserID, error) { return UserID(s), checkID("user", s) }

// ParseEventID checks an event id.
func ParseEventID(s string) (EventID, error) { return EventID(s), checkID("event", s) }

// AccountRoom is in the place of a room where a fact is about a person.
func AccountRoom(u UserID) RoomID { return RoomID(AccountPrefix + string(u)) }

// Account gives the person where the id is that of an [AccountRoom].
func (r RoomID) Account() (UserID, bool) {
	user, ok := strings.CutPrefix(string(r), AccountPrefix)
	return UserID(user), ok && checkID("user", user) == nil
}

// Reserved reports whether the id has a prefix that clients cannot choose.
func (r RoomID) Reserved() bool {
	return strings.HasPrefix(string(r), DirectRoomPrefix) || strings.HasPrefix(string(r), AccountPrefix)
}

func checkID(what, s string) error {
	if s == "" || len(s) > MaxIDLength {
		return fmt.Errorf("%w: %s of %d characters, allowed are 1 to %d", ErrInvalidID, what, len(s), MaxIDLength)
	}
	if s == "." || s == ".." {
		return fmt.Errorf("%w: %s %q cannot stand in a URL", ErrInvalidID, what, s)
	}
	for i := range len(s) {
		if !idBytes[s[i]] {
			return fmt.Errorf("%w: %s has %q, allowed are A-Z a-z 0-9 . _ ~ - : @", ErrInvalidID, what, s[i])
		}
	}
	return nil
}

// idBytes says which bytes an id may have.
var idBytes = func() (may [256]bool) {
	for c := range may {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '.', c == '_', c == '~', c == '-', c == ':', c == '@':
			may[c] = true
		}
	}
	return may
}()
