package eventlog

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/roomlog/roomlog/pkg/events"
)

// A record that is told of a second time ends the process: the channel may be another
// record's by then.
func TestSettledOnce(t *testing.T) {
	told := make(chan bool, 2)
	s := newSending(t.Context(), told, events.Message{}, nil)
	s.settle(0, 0, nil)
	defer func() {
		if recover() == nil || len(told) != 1 {
			t.Errorf("told %d times", len(told))
		}
	}()
	s.settle(0, 0, sarama.ErrRequestTimedOut)
}
