package eventlog

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/eventlog/internal/recordbatch"
	"github.com/roomlog/roomlog/pkg/events"
)

// recordBatch is a batch of a partition's records that gathers, in Kafka's format 2
// (https://kafka.apache.org/documentation/#recordbatch).
type recordBatch struct {
	partition events.Partition
	sendings  []*sending // whose records they are, in order
	records   []byte
	record    []byte // the last one, without its length
	zipped    bytes.Buffer
	encoded   []byte
}

var recordBatches = sync.Pool{New: func() any { return new(recordBatch) }}

func newRecordBatch(p events.Partition) *recordBatch {
	b := recordBatches.Get().(*recordBatch)
	b.partition = p
	return b
}

// release gives its memory to the next one.
func (b *recordBatch) release() {
	clear(b.sendings)
	b.sendings, b.records = b.sendings[:0], b.records[:0]
	recordBatches.Put(b)
}

func hasPartition(batches []*recordBatch, p events.Partition) bool {
	return slices.ContainsFunc(batches, func(b *recordBatch) bool { return b.partition == p })
}

// add encodes an event behind the others; false: there is no room for it.
func (b *recordBatch) add(s *sending) bool {
	b.record = appendRecord(b.record[:0], len(b.sendings), s.event)
	if len(b.records)+binary.MaxVarintLen32+len(b.record) > maxPublishRequest {
		return false
	}
	b.records = append(binary.AppendVarint(b.records, int64(len(b.record))), b.record...)
	b.sendings = append(b.sendings, s)
	return true
}

// appendRecord encodes the n-th record of a batch, without its length.
func appendRecord(b []byte, n int, m events.Message) []byte {
	b = append(b, 0)                     // attributes
	b = binary.AppendVarint(b, 0)        // all have the batch's time
	b = binary.AppendVarint(b, int64(n)) // of the batch's offset
	b = appendBytes(b, m.Key)
	b = appendBytes(b, m.Value)
	b = binary.AppendVarint(b, int64(len(m.Headers)))
	for _, h := range m.Headers {
		b = append(binary.AppendVarint(b, int64(len(h.Key))), h.Key...)
		b = appendBytes(b, h.Value)
	}
	return b
}

// appendBytes appends bytes behind their length, which is -1 for nil.
func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

// encode gives the batch as it is sent. That is good until release.
func (b *recordBatch) encode(zip kgo.Compressor) []byte {
	b.zipped.Reset()
	records, codec := zip.Compress(&b.zipped, b.records)
	now := clientTime().UnixMilli()
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2,
		Attributes: int16(codec), LastOffsetDelta: int32(len(b.sendings) - 1),
		FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, // it is not sent again
		NumRecords: int32(len(b.sendings)), Records: records,
	}
	b.encoded = batch.AppendTo(b.encoded[:0])
	recordbatch.Seal(b.encoded)
	return b.encoded
}
