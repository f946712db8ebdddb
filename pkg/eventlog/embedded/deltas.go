package embedded

import (
	"encoding/binary"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/roomlog/roomlog/pkg/eventlog/internal/recordbatch"
)

var errRecord = errors.New("record batch is cut off")

var decompressor = kgo.DefaultDecompressor()

// dropDeltas gives a batch in which no record has a time of its own: all have
// the batch's. The records are not compressed any more. It is the slow path for
// batches that were gathered over more than one tick of their producer's clock;
// roomlog's own publisher makes few of those.
func dropDeltas(batch []byte) ([]byte, error) {
	attributes := binary.BigEndian.Uint16(batch[recordbatch.AtAttributes:])
	src, err := decompressor.Decompress(batch[recordbatch.AtRecords:], kgo.CompressionCodecType(attributes&0x07))
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, recordbatch.AtRecords+len(src))
	out = append(out, batch[:recordbatch.AtRecords]...)
	binary.BigEndian.PutUint16(out[recordbatch.AtAttributes:], attributes&^0x07)
	for len(src) > 0 {
		length, n := binary.Varint(src)
		if n <= 0 || length < 2 || length > int64(len(src)-n) {
			return nil, errRecord
		}
		record := src[n : n+int(length)]
		src = src[n+int(length):]
		_, delta := binary.Varint(record[1:]) // after one byte of attributes
		if delta <= 0 {
			return nil, errRecord
		}
		out = binary.AppendVarint(out, length-int64(delta)+1)
		out = append(out, record[0], 0)
		out = append(out, record[1+delta:]...)
	}
	recordbatch.Seal(out)
	return out, nil
}
