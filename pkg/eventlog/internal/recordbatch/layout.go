// Package recordbatch knows where things stand in a batch of records of Kafka's format 2
// (https://kafka.apache.org/documentation/#recordbatch).
package recordbatch

import (
	"encoding/binary"
	"hash/crc32"
)

// Places in a batch. AtRecords is also the size of what stands before its records.
const (
	AtLength     = 8
	AtMagic      = 16
	AtCRC        = 17
	AtAttributes = 21
	AtFirstTime  = 27
	AtMaxTime    = 35
	AtRecords    = 61
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Length is what a batch of so many bytes says of its length: what stands behind that.
func Length(size int) uint32 { return uint32(size - AtMagic + 4) }

// Checksum is that of a batch, which has AtRecords bytes at least.
func Checksum(batch []byte) uint32 { return crc32.Checksum(batch[AtAttributes:], castagnoli) }

// Seal writes length and checksum.
func Seal(batch []byte) {
	binary.BigEndian.PutUint32(batch[AtLength:], Length(len(batch)))
	binary.BigEndian.PutUint32(batch[AtCRC:], Checksum(batch))
}
