package events

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

type (
	// LogID tells one log from another: the broker's id of the topic.
	LogID [16]byte
	// LogEpoch counts how often a log has been laid out anew (with another
	// number of partitions). The first is 1.
	LogEpoch uint32
	// Partition is a partition of the log.
	Partition int32
	// Offset is a place in a partition.
	Offset int64
)

// MaxPartitions is the most partitions a log may have: a token must be able to
// name each of them within [MaxTokenLength]. They are numbered from 0.
const MaxPartitions = 90

// MaxOffset bounds the offsets in a token, for the same reason. A partition that
// takes a million events every second reaches it after 17 years.
const MaxOffset Offset = 1<<49 - 1

// MaxTokenLength is the longest token, in bytes.
const MaxTokenLength = 1024

const tokenVersion = 1

var (
	// ErrInvalidToken says that a string is not a position token.
	ErrInvalidToken = errors.New("invalid position token")
	// ErrAnotherLog says that two positions are of different logs.
	ErrAnotherLog = errors.New("position of another log")
)

// String gives the id in hex.
func (l LogID) String() string { return hex.EncodeToString(l[:]) }

// ParseLogID reads what [LogID.String] wrote.
func ParseLogID(s string) (LogID, error) {
	var l LogID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(l) {
		return l, fmt.Errorf("invalid log id %q", s)
	}
	return LogID(b), nil
}

// Position is where an event stands in the log.
type Position struct {
	Log       LogID
	Epoch     LogEpoch
	Partition Partition
	Offset    Offset
}

// Vector gives the token of someone who wants to see this event.
func (p Position) Vector() Vector {
	return Vector{Log: p.Log, Epoch: p.Epoch, entries: []entry{{p.Partition, p.Offset + 1}}}
}

// Token is Vector().Token().
func (p Position) Token() string { return p.Vector().Token() }

// Vector says how far each partition must have been folded before a reader sees
// what it has seen or written. It has no entry for a partition that does not
// matter. The zero Vector asks for nothing. A Vector is a value: its methods
// return new ones.
type Vector struct {
	Log     LogID
	Epoch   LogEpoch
	entries []entry // ascending by partition
}

type entry struct {
	partition Partition
	next      Offset // everything below has to be folded
}

// VectorOf gives the vector that names every partition, from 0 on.
func VectorOf(log LogID, epoch LogEpoch, next []Offset) Vector {
	v := Vector{Log: log, Epoch: epoch, entries: make([]entry, len(next))}
	for p, o := range next {
		v.entries[p] = entry{Partition(p), o}
	}
	return v
}

// IsZero reports whether the vector is of no log at all.
func (v Vector) IsZero() bool { return v.Log == LogID{} && len(v.entries) == 0 }

// Len is the number of partitions that the vector names.
func (v Vector) Len() int { return len(v.entries) }

// Next gives the offset below which everything of p has to be folded, and
// whether the vector names p.
func (v Vector) Next(p Partition) (Offset, bool) {
	if i, ok := v.find(p); ok {
		return v.entries[i].next, true
	}
	return 0, false
}

// All calls yield for each named partition, ascending.
func (v Vector) All(yield func(p Partition, next Offset) bool) {
	for _, e := range v.entries {
		if !yield(e.partition, e.next) {
			return
		}
	}
}

// With gives the vector that also asks for everything of p below next.
func (v Vector) With(p Partition, next Offset) Vector {
	i, ok := v.find(p)
	switch {
	case ok && v.entries[i].next >= next:
		return v
	case ok:
		v.entries = slices.Clone(v.entries)
		v.entries[i].next = next
	default:
		v.entries = slices.Insert(slices.Clone(v.entries), i, entry{p, next})
	}
	return v
}

// Merge gives the vector that asks for what either asks for. The zero Vector
// merges with any; two logs or epochs do not ([ErrAnotherLog]).
func (v Vector) Merge(w Vector) (Vector, error) {
	switch {
	case w.IsZero():
		return v, nil
	case v.IsZero():
		return w, nil
	case v.Log != w.Log || v.Epoch != w.Epoch:
		return Vector{}, fmt.Errorf("%w: %s/%d and %s/%d", ErrAnotherLog, v.Log, v.Epoch, w.Log, w.Epoch)
	}
	for p, next := range w.All {
		v = v.With(p, next)
	}
	return v, nil
}

// Without drops the entries for which folded, asked for the partition's
// checkpoint, answers that everything wanted is folded.
func (v Vector) Without(folded func(Partition) Offset) Vector {
	kept := make([]entry, 0, len(v.entries))
	for _, e := range v.entries {
		if folded(e.partition) < e.next {
			kept = append(kept, e)
		}
	}
	v.entries = kept
	return v
}

// Token writes the vector as an opaque, URL-safe string of at most
// [MaxTokenLength] bytes (a log has at most [MaxPartitions] partitions, and no
// offset above [MaxOffset]).
func (v Vector) Token() string {
	b := make([]byte, 0, 32+8*len(v.entries))
	b = append(b, tokenVersion)
	b = append(b, v.Log[:]...)
	b = binary.AppendUvarint(b, uint64(v.Epoch))
	b = binary.AppendUvarint(b, uint64(len(v.entries)))
	last := Partition(0)
	for _, e := range v.entries {
		b = binary.AppendUvarint(b, uint64(e.partition-last))
		b = binary.AppendUvarint(b, uint64(e.next))
		last = e.partition
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	var text [64]byte // of few partitions
	return string(base64.RawURLEncoding.AppendEncode(text[:0], b))
}

// ParseToken reads a token. Anything that Token did not write is
// [ErrInvalidToken].
func ParseToken(s string) (Vector, error) {
	if len(s) > MaxTokenLength {
		return Vector{}, fmt.Errorf("%w: %d bytes, the longest has %d", ErrInvalidToken, len(s), MaxTokenLength)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) < 1+16+1+1+4 {
		return Vector{}, fmt.Errorf("%w: not in the form of one", ErrInvalidToken)
	}
	body, sum := b[:len(b)-4], b[len(b)-4:]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(sum) || body[0] != tokenVersion {
		return Vector{}, fmt.Errorf("%w: checksum or version does not match", ErrInvalidToken)
	}
	v := Vector{Log: LogID(body[1:17])}
	r := uvarints{b: body[17:]}
	v.Epoch = LogEpoch(r.next(1<<32 - 1))
	n := r.next(MaxPartitions)
	p := Partition(0)
	for i := range n {
		d := Partition(r.next(MaxPartitions - 1))
		if p += d; i > 0 && d == 0 || p >= MaxPartitions {
			r.bad = true
		}
		v.entries = append(v.entries, entry{p, Offset(r.next(uint64(MaxOffset)))})
	}
	if r.bad || len(r.b) > 0 || v.Token() != s {
		return Vector{}, fmt.Errorf("%w: not in the form of one", ErrInvalidToken)
	}
	return v, nil
}

func (v Vector) find(p Partition) (int, bool) {
	return slices.BinarySearchFunc(v.entries, p, func(e entry, p Partition) int { return cmp.Compare(e.partition, p) })
}

// uvarints reads numbers until one is missing or too large.
type uvarints struct {
	b   []byte
	bad bool
}

func (r *uvarints) next(limit uint64) uint64 {
	u, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 || u > limit {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return u
}
