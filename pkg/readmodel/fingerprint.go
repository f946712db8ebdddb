package readmodel

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/roomlog/roomlog/pkg/events"
)

// Fingerprint recognises a record: its event id, or a hash of it where it is no
// event.
func Fingerprint(m events.Message) string {
	if id := m.Header(events.HeaderID); id != "" {
		if _, err := events.ParseEventID(id); err == nil {
			return id
		}
	}
	sum := sha256.Sum256(append(append([]byte{}, m.Key...), m.Value...))
	return "sha256:" + hex.EncodeToString(sum[:16])
}
