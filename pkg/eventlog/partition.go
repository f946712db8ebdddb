package eventlog

import "github.com/roomlog/roomlog/pkg/events"

// PartitionOf is the partition of a key: (murmur2(key) & 0x7fffffff) mod
// partitions, as Kafka's Java client has it. [Publisher] uses this and nothing
// else.
func PartitionOf[K string | []byte](key K, partitions int) events.Partition {
	return events.Partition(int32(murmur2(key)&0x7fffffff) % int32(partitions))
}

// murmur2 is org.apache.kafka.common.utils.Utils.murmur2.
func murmur2[K string | []byte](b K) uint32 {
	const (
		seed uint32 = 0x9747b28c
		m    uint32 = 0x5bd1e995
		r           = 24
	)
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		k *= m
		k ^= k >> r
		k *= m
		h *= m
		h ^= k
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(b[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	h ^= h >> 15
	return h
}
