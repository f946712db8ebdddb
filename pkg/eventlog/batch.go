package eventlog

import (
	"context"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

// batchRecords is how many records of a batch are in flight at a time.
const batchRecords = 1000

// PublishBatch appends events, those of one partition in their order, with many
// in flight. It stops at the first error: the answer then has the positions of
// the events before it, the error is as in [Publisher.Publish] for the first
// event without a position, and of the up to 1000 events after that one any may
// be in the log. Events of one batch must not be appended by anyone else at the
// same time if their order matters.
func (p *Publisher) PublishBatch(ctx context.Context, ms []events.Message) ([]events.Position, error) {
	positions := make([]events.Position, 0, len(ms))
	for some := range slices.Chunk(ms, batchRecords) {
		receipts := make([]*receipt, 0, len(some))
		var unsent error
		for _, m := range some {
			var r *receipt
			if r, unsent = p.send(patient(ctx), m); unsent != nil {
				break
			}
			receipts = append(receipts, r)
		}
		for _, r := range receipts {
			pos, err := p.wait(r)
			if err != nil {
				return positions, err
			}
			positions = append(positions, pos)
		}
		if unsent != nil {
			return positions, unsent
		}
	}
	return positions, nil
}
