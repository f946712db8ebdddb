package eventlog

import (
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/roomlog/roomlog/pkg/events"
)

// Record is an event as it stands in the log, whatever it holds.
type Record struct {
	Partition events.Partition
	Offset    events.Offset
	// Time is when the log appended the record, in milliseconds.
	Time time.Time
	events.Message
}

func recordOf(r *kgo.Record) Record {
	return Record{
		Partition: events.Partition(r.Partition), Offset: events.Offset(r.Offset), Time: r.Timestamp.UTC(),
		Message: events.Message{Key: r.Key, Value: r.Value, Headers: headersOf(r.Headers)},
	}
}

// A header of kgo's is one of ours under another name: this would not compile else.
var _ = events.Header(kgo.RecordHeader{})

// headersOf gives the headers as they are: a copy is 40 bytes for each of them, and a record
// has eight or nine.
func headersOf(headers []kgo.RecordHeader) []events.Header {
	return unsafe.Slice((*events.Header)(unsafe.Pointer(unsafe.SliceData(headers))), len(headers))
}
