package chat

import (
	"context"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// EventLog is a [Log] on brokers.
type EventLog struct {
	*eventlog.Publisher
	client *eventlog.Client
}

// OpenLog connects to a log.
func OpenLog(cfg eventlog.Config, l eventlog.Layout) (*EventLog, error) {
	client, err := eventlog.NewClient(cfg)
	if err != nil {
		return nil, err
	}
	publisher, err := eventlog.NewPublisher(cfg, l)
	if err != nil {
		client.Close()
		return nil, err
	}
	return &EventLog{Publisher: publisher, client: client}, nil
}

// Ends gives the end of each partition, by partition.
func (l *EventLog) Ends(ctx context.Context) ([]events.Offset, error) {
	return l.client.Ends(ctx, l.Layout())
}

// Ping reports whether a broker answers.
func (l *EventLog) Ping(ctx context.Context) error { return l.client.Ping(ctx) }

// Close waits for what is in flight and ends the connections.
func (l *EventLog) Close() error {
	err := l.Publisher.Close()
	l.client.Close()
	return err
}
