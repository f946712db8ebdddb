package decisions

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// Publish appends decisions to their topic and says where they stand. An error
// with [eventlog.ErrUnknownOutcome] says that some may be there: to decide the
// same again does no harm.
func Publish(ctx context.Context, cfg eventlog.Config, topic eventlog.Layout, all ...Decision) (positions []events.Position, err error) {
	messages := make([]events.Message, len(all))
	for i, d := range all {
		if messages[i], err = Encode(d); err != nil {
			return nil, err
		}
	}
	p, err := eventlog.NewPublisher(cfg, topic)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if positions, err = p.PublishBatch(ctx, messages); err != nil {
		return positions, fmt.Errorf("decide: %w", err)
	}
	return positions, nil
}
