package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/events"
)

const (
	minRetry = 100 * time.Millisecond
	maxRetry = 2 * time.Second

	// missingPatience is how long a topic may be unknown before it counts as
	// deleted: a broker that has only just started does not know all topics.
	missingPatience = 5 * time.Second
)

// awaitTopic is checkTopic, and waits for brokers that are away.
func awaitTopic(ctx context.Context, cl *kgo.Client, l Layout) error {
	wait, since := minRetry, time.Now()
	for {
		err := checkTopic(ctx, cl, l)
		switch {
		case err == nil, errors.Is(err, ErrTopicReplaced) && !errors.Is(err, kerr.UnknownTopicOrPartition):
			return err
		case ctx.Err() != nil:
			return ended(ctx)
		case errors.Is(err, ErrTopicReplaced) && time.Since(since) > missingPatience:
			return err
		case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.SaslAuthenticationFailed):
			return err
		}
		select {
		case <-ctx.Done():
			return ended(ctx)
		case <-time.After(wait):
		}
		wait = min(2*wait, maxRetry)
	}
}

// checkTopic asks which topic has the log's name now.
func checkTopic(ctx context.Context, cl *kgo.Client, l Layout) error {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = new(l.Topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("look up topic %s: %w", l.Topic, err)
	}
	if len(resp.Topics) != 1 {
		return fmt.Errorf("look up topic %s: the broker answers for %d topics", l.Topic, len(resp.Topics))
	}
	found := resp.Topics[0]
	switch err := kerr.ErrorForCode(found.ErrorCode); {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		// Gone, or this broker has not heard of it yet.
		return fmt.Errorf("%w: %w: %w", ErrTopicReplaced, ErrUnknownTopic, err)
	case err != nil:
		return fmt.Errorf("look up topic %s: %w", l.Topic, err)
	case found.TopicID != [16]byte(l.Log):
		return replaced(l, found.TopicID)
	}
	return nil
}

func replaced(l Layout, id [16]byte) error {
	return fmt.Errorf("%w: %s was %s, is %s", ErrTopicReplaced, l.Topic, l.Log, events.LogID(id))
}
