package room

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/roomlog/roomlog/pkg/events"
)

// digestSize is in bytes.
const digestSize = 16

// NextDigest gives a room's digest after the event with that seq: the first 16
// bytes, in hex, of SHA-256("roomlog.room" | the digest before | seq | event id),
// where the digest before is 16 bytes (zeros for "", before the first event) and
// seq 8, big-endian. So two histories have one digest only where each seq has the
// same event.
func NextDigest(before string, seq events.Seq, id events.EventID) string {
	const domain = "roomlog.room"
	buf := make([]byte, len(domain)+digestSize, 128)
	last := buf[copy(buf, domain):]
	// What is no digest, which the fold never writes, comes to another one than a
	// fold from the beginning gives.
	if len(before) == hex.EncodedLen(digestSize) {
		if _, err := hex.Decode(last, []byte(before)); err != nil {
			clear(last)
		}
	}
	buf = binary.BigEndian.AppendUint64(buf, uint64(seq))
	buf = append(buf, id...)
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:digestSize])
}
