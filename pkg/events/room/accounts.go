package room

import "github.com/roomlog/roomlog/pkg/events"

// Revocation ends the tokens of a person that were issued before a moment, in Unix
// milliseconds.
type Revocation struct {
	User   events.UserID
	Before int64
}

// tokensRevoked takes no seq and needs no room. Who may send it is a matter of
// tokens, which only the API sees.
func (j judge) tokensRevoked(f events.TokensRevoked) (Changes, Verdict) {
	user, ok := j.event.Room.Account()
	if !ok || f.Before <= 0 {
		return reject(CodeInvalid)
	}
	return j.keep(Changes{Revocation: &Revocation{User: user, Before: min(f.Before, j.now)}})
}
