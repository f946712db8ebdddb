package eventlog

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/processors"
)

// breathEvery is after how many batches of a fetch others may go first: some 0.1 ms.
const breathEvery = 16

// breaths lets others go first while a client takes apart what it has fetched: where messages
// come one by one each is a batch of its own, and hundreds of them take milliseconds. It is
// for a client that has one fetch at a time, but for one on a connection that has ended.
type breaths struct{ batches atomic.Int64 }

var (
	_ kgo.HookBrokerRead     = (*breaths)(nil)
	_ kgo.HookFetchBatchRead = (*breaths)(nil)
)

// OnBrokerRead is called when an answer is there, before it is taken apart.
func (b *breaths) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key == kmsg.Fetch.Int16() {
		b.batches.Store(0)
	}
}

// OnFetchBatchRead is called behind each batch.
func (b *breaths) OnFetchBatchRead(kgo.BrokerMetadata, string, int32, kgo.FetchBatchMetrics) {
	if b.batches.Add(1)%breathEvery == 0 {
		processors.Breathe()
	}
}
