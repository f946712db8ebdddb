package standalone

import (
	"context"
	"log/slog"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

// told is how the projector tells the API what became visible.
type told struct {
	publisher  message.Publisher
	subscriber message.Subscriber
	encode     func(timeline.Commit) (*message.Message, error)
	listeners  *timeline.Listeners // nil: there may be others
}

// openTimeline takes a channel where nobody outside the process can be there to
// listen: with the log in the data directory, which this process has for itself.
// With brokers elsewhere it takes their topic.
func openTimeline(ctx context.Context, s *site.Site, logger *slog.Logger, open *closers) (told, error) {
	if s.Local() {
		channel := gochannel.NewGoChannel(gochannel.Config{
			// The projector's announcer has a queue of its own, so it may wait;
			// without waiting, order would be lost.
			BlockPublishUntilSubscriberAck: true,
			PreserveContext:                true, // where the commit itself is
		}, watermill.NewSlogLogger(logger))
		open.add(func(context.Context) error { return channel.Close() })
		return told{channel, channel, timeline.Carry, timeline.NewListeners()}, nil
	}
	if err := s.EnsureTimeline(ctx); err != nil {
		return told{}, err
	}
	publisher, err := eventlog.NewWatermillPublisher(s.Log.Config, timeline.Key)
	if err != nil {
		return told{}, err
	}
	open.add(func(context.Context) error { return publisher.Close() })
	subscriber, err := eventlog.NewSubscriber(eventlog.SubscriberConfig{
		Config: s.Log.Config, FromEnd: true, SkipDeleted: true,
	})
	if err != nil {
		return told{}, err
	}
	open.add(func(context.Context) error { return subscriber.Close() })
	return told{publisher, subscriber, timeline.NewMessage, nil}, nil
}
