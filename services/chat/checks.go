package chat

import (
	"context"
	"errors"
	"slices"

	"github.com/roomlog/roomlog/pkg/admin"
	"github.com/roomlog/roomlog/pkg/events"
)

// Checks tell whether the API can do its work. Without the log it cannot take
// anything; without the database sends go on and reads fail; without the timeline
// streams are slower; with a log whose clock is ahead commands may expire; without
// an issuer of tokens its keys stay as they are. A replica that has never seen the
// database does not know which tokens are revoked, and takes none.
func (s *Service) Checks() []admin.Check {
	return []admin.Check{
		{Name: "log", Required: true, Run: s.checkLog},
		{Name: "database", Run: func(ctx context.Context) (any, error) { return nil, s.deps.Store.Ping(ctx) }},
		{Name: "timeline", Run: s.checkTimeline},
		{Name: "issuers", Run: func(context.Context) (any, error) { return s.auth.Issuers() }},
		{Name: "revocations", Required: true, Run: func(context.Context) (any, error) { return nil, s.revoked.Known() }},
		{Name: "clock", Run: func(context.Context) (any, error) { return nil, s.clock.Check() }},
		{Name: "serving", Required: true, Run: s.checkServing},
	}
}

// checkLog asks whether a broker answers, not whether all do: while one is away,
// what the others lead goes on.
func (s *Service) checkLog(ctx context.Context) (any, error) {
	layout := s.deps.Log.Layout()
	return struct {
		Topic      string `json:"topic"`
		Log        string `json:"log"`
		Partitions int    `json:"partitions"`
	}{layout.Topic, layout.Log.String(), layout.Partitions}, s.deps.Log.Ping(ctx)
}

func (s *Service) checkTimeline(context.Context) (any, error) {
	silent, known, err := s.follower.Silent()
	slices.Sort(silent)
	detail := struct {
		Known     int                `json:"partitions_heard_of"`
		Silent    []events.Partition `json:"silent,omitempty"`
		Followers int                `json:"followers"`
	}{known, silent, s.hub.Followers()}
	switch {
	case err != nil:
		return detail, err
	case known == 0:
		return detail, errors.New("no projector has told of a commit yet")
	case len(silent) > 0:
		return detail, errors.New("some partitions' projectors say nothing: streams are fed from the database")
	}
	return detail, nil
}

func (s *Service) checkServing(context.Context) (any, error) {
	select {
	case <-s.stop:
		return nil, errors.New("stopping")
	default:
		return nil, nil
	}
}
