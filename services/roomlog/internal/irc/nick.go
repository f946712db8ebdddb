package irc

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
)

// UserPrefix begins the ids of people who spoke on IRC.
const UserPrefix = "irc:"

// UserID is the id of the person behind a nick: [UserPrefix] and the nick, with
// each byte that ids cannot hold, and the tilde itself, as "~" and two
// hexadecimal digits. Two nicks never have the same id; [Nick] gives it back. An
// error says that the nick is empty or the id would be too long.
func UserID(nick string) (events.UserID, error) {
	if nick == "" {
		return "", fmt.Errorf("%w: empty nick", events.ErrInvalidID)
	}
	var b strings.Builder
	b.WriteString(UserPrefix)
	for i := range len(nick) {
		if c := nick[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "~%02x", c)
		}
	}
	return events.ParseUserID(b.String())
}

// Nick is the nick behind an id that [UserID] made; false for any other id.
func Nick(u events.UserID) (string, bool) {
	escaped, ok := strings.CutPrefix(string(u), UserPrefix)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(escaped); i++ {
		if escaped[i] != '~' {
			b.WriteByte(escaped[i])
			continue
		}
		if i+3 > len(escaped) {
			return "", false
		}
		c, err := hex.DecodeString(escaped[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.Write(c)
		i += 2
	}
	nick := b.String()
	if again, err := UserID(nick); err != nil || again != u {
		return "", false
	}
	return nick, true
}

// plain reports whether a byte stands in an id as it is.
func plain(c byte) bool {
	if c == '~' {
		return false
	}
	_, err := events.ParseUserID(UserPrefix + string(rune(c)))
	return c < 0x80 && err == nil
}
