package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// NewID is an id of its own: a UUIDv7 (RFC 9562) of the time, to a quarter of a
// microsecond, and of 62 random bits. Ids have to be told apart, not to be secret, and
// the log says in which order events are.
func NewID(now time.Time) string {
	var b [16]byte
	fraction := now.Nanosecond() % int(time.Millisecond) << 12 / int(time.Millisecond)
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16|7<<12|uint64(fraction))
	binary.BigEndian.PutUint64(b[8:], 1<<63|rand.Uint64()>>2)
	return uuid(b)
}

// IdempotentID is the id of the event that a command with a key makes: a UUIDv8
// (RFC 9562) of SHA-256 over tenant, room, user and key. The same command has
// the same id on any replica, for ever.
func IdempotentID(t Tenant, r RoomID, u UserID, key string) EventID {
	return EventID(uuid8("roomlog.event", string(t), string(r), string(u), key))
}

// Keyed tells the ids that [IdempotentID] makes from those of [NewID]: they are in no order.
func (id EventID) Keyed() bool { return len(id) > 14 && id[14] == '8' }

// IdempotentRoomID is the id of a room that a user makes under a key, where the
// server chooses the id.
func IdempotentRoomID(t Tenant, u UserID, key string) RoomID {
	return RoomID(uuid8("roomlog.room", string(t), string(u), key))
}

// DirectRoomID is the id of the one room of two people, in whichever order.
func DirectRoomID(t Tenant, a, b UserID) RoomID {
	if b < a {
		a, b = b, a
	}
	return DirectRoomPrefix + RoomID(uuid8("roomlog.direct", string(t), string(a), string(b)))
}

// Digest tells whether two requests under one key are the same: the kind of the
// command and its body. The body is compared as JSON: white space and the order
// of names do not matter; numbers count as they are written. An error says that
// body is not JSON. A digest stays in the log, so it never changes.
func Digest(command string, body []byte) (string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return "", errors.New("digest: something follows the JSON")
	}
	sum := hashOf("roomlog.command", command, string(appendCanonical(nil, v)))
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// appendCanonical writes a JSON value so that equal values, and no others, are
// written alike. Not json.Marshal: how that escapes has changed with Go.
func appendCanonical(b []byte, v any) []byte {
	text := func(kind byte, s string) {
		b = append(b, kind)
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	switch v := v.(type) {
	case nil:
		b = append(b, 'z')
	case bool:
		if v {
			return append(b, 't')
		}
		return append(b, 'f')
	case json.Number:
		text('n', v.String())
	case string:
		text('s', v)
	case []any:
		b = append(b, 'a')
		b = binary.AppendUvarint(b, uint64(len(v)))
		for _, e := range v {
			b = appendCanonical(b, e)
		}
	case map[string]any:
		b = append(b, 'o')
		b = binary.AppendUvarint(b, uint64(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			text('s', name)
			b = appendCanonical(b, v[name])
		}
	}
	return b
}

func uuid8(parts ...string) string {
	sum := hashOf(parts...)
	b := [16]byte(sum[:16])
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return uuid(b)
}

func uuid(b [16]byte) string {
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// hashOf hashes parts so that no two lists of parts are hashed alike.
func hashOf(parts ...string) [32]byte {
	h := sha256.New()
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return [32]byte(h.Sum(nil))
}
