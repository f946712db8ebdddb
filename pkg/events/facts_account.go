package events

// TokensRevoked ends the tokens of the person in whose [AccountRoom] it stands: those
// that were issued before a moment. The sender is the person, or a service.
type TokensRevoked struct {
	Command
	// Before is the moment, in Unix milliseconds. One that is later than the event
	// means the event's time. The latest moment of all such events counts.
	Before int64 `json:"before"`
}

// EventType is [TypeTokensRevoked].
func (TokensRevoked) EventType() Type { return TypeTokensRevoked }
