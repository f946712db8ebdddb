package eventlog

import (
	"time"

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
	out := Record{
		Partition: events.Partition(r.Partition), Offset: events.Offset(r.Offset), Time: r.Timestamp.UTC(),
		Message: events.Message{Key: r.Key, Value: r.Value},
	}
	if len(r.Headers) > 0 {
		out.Headers = make([]events.Header, len(r.Headers))
		for i, h := range r.Headers {
			out.Headers[i] = events.Header{Key: h.Key, Value: h.Value}
		}
	}
	return out
}
