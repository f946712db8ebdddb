package decisions

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// Publish appends decisions to the topic, which it makes where it is missing, and
// gives their offsets. An error with [eventlog.ErrUnknownOutcome] says that some
// may be there: to decide the same again does no harm.
func Publish(ctx context.Context, cfg eventlog.Config, spec eventlog.TopicSpec, all ...Decision) (offsets []events.Offset, err error) {
	messages := make([]events.Message, len(all))
	for i, d := range all {
		if messages[i], err = Encode(d); err != nil {
			return nil, err
		}
	}
	layout, err := eventlog.EnsureTopic(ctx, cfg, spec)
	if err != nil {
		return nil, fmt.Errorf("the decisions topic: %w", err)
	}
	p, err := eventlog.NewPublisher(cfg, layout)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	positions, err := p.PublishBatch(ctx, messages)
	for _, at := range positions {
		offsets = append(offsets, at.Offset)
	}
	if err != nil {
		return offsets, fmt.Errorf("decide: %w", err)
	}
	return offsets, nil
}
