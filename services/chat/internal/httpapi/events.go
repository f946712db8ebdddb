package httpapi

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// ListEvents replays a room: as a page, waiting for one, or as a stream.
func (s *Server) ListEvents(c echo.Context, roomName api.RoomID, p api.ListEventsParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	q, wait, err := eventsQuery(p)
	if err != nil {
		return err
	}
	stream := wantsStream(c)
	switch {
	case stream && wait > 0:
		return problem.In(problem.InvalidParameter, "wait", "a stream follows anyway")
	case stream:
		return s.stream(c, req, id, q)
	case wait > 0:
		return s.longPoll(c, req, id, q, wait)
	}
	page, at, err := s.Reads.Events(c.Request().Context(), req, id, q)
	if err != nil {
		return err
	}
	return answerEvents(c, at, page)
}

func eventsQuery(p api.ListEventsParams) (q query.EventsQuery, wait time.Duration, err error) {
	if q.Limit, err = pageLimit(p.Limit); err != nil {
		return q, 0, err
	}
	if p.After != nil {
		if *p.After < 0 || *p.After > maxSeq {
			return q, 0, invalidSeq("after", 0)
		}
		q.After = events.Seq(*p.After)
	}
	if p.LastEventID != nil {
		n, err := strconv.ParseInt(*p.LastEventID, 10, 64)
		if err != nil || n < 0 || n > maxSeq || strconv.FormatInt(n, 10) != *p.LastEventID {
			return q, 0, invalidSeq("Last-Event-ID", 0)
		}
		q.After = events.Seq(n)
	}
	if q.Types, err = eventTypes(p.Types); err != nil {
		return q, 0, err
	}
	wait, err = pollWait(p.Wait)
	return q, wait, err
}

// maxTypes is how many types one may choose.
const maxTypes = 20

// eventTypes reads which types of events are wanted; none: all.
func eventTypes(names []api.FollowedType) (types []events.Type, err error) {
	if len(names) > maxTypes {
		return nil, problem.In(problem.InvalidParameter, "types", fmt.Sprintf("name 1 to %d types", maxTypes))
	}
	for _, n := range names {
		if !n.Valid() {
			return nil, problem.In(problem.InvalidParameter, "types", "there is no such type of events")
		}
		types = append(types, events.Type(n))
	}
	return types, nil
}

func pollWait(seconds *int) (time.Duration, error) {
	if seconds == nil {
		return 0, nil
	}
	if *seconds < 1 || *seconds > maxWait {
		return 0, problem.In(problem.InvalidParameter, "wait", "wait is 1 to 30 seconds")
	}
	return time.Duration(*seconds) * time.Second, nil
}

func answerEvents(c echo.Context, at events.Vector, page query.EventPage) error {
	items, err := encodeAll(page.Items, (*readmodel.EventRow).Item)
	if err != nil {
		return err
	}
	return answer(c, at, api.EventPage{Items: items, Next: page.Next, Prev: page.Prev, Cursor: int64(page.Cursor)})
}

// longPoll answers when there is something to answer, or when the time is up.
func (s *Server) longPoll(c echo.Context, req query.Request, id events.RoomID, q query.EventsQuery, wait time.Duration) error {
	if err := s.enter(c, req.Who); err != nil {
		return err
	}
	valid, stop := s.Revocations.While(c.Request().Context(), req.Who)
	defer stop()
	ctx, cancel := context.WithTimeout(valid, wait)
	defer cancel()
	sub := s.Hub.Subscribe(readmodel.Key{Tenant: req.Who.Tenant, Room: id}, s.Gate.PartitionOf(req.Who.Tenant, id))
	defer sub.Close()
	for last := false; ; {
		if err := s.Revocations.Check(c.Request().Context(), req.Who); err != nil {
			return err
		}
		page, at, err := s.Reads.Events(c.Request().Context(), req, id, q)
		if err != nil {
			return err
		}
		if len(page.Items) > 0 || last {
			return answerEvents(c, at, page)
		}
		q.After = page.Cursor
		if page.Next == nil {
			last = !s.awaitNews(ctx, sub, page.Cursor) // what is answered is as of the end of the wait
		}
	}
}

// awaitNews waits until there is something behind a seq; false: no longer.
func (s *Server) awaitNews(ctx context.Context, sub *live.Subscription, seen events.Seq) bool {
	for {
		select {
		case <-sub.Ready():
			frames, stale := sub.Take()
			if len(stale) > 0 || slices.ContainsFunc(frames, func(f *live.Frame) bool { return f.Seq > seen }) {
				return true
			}
		case <-s.Stop:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// stream replays and follows as server-sent events.
func (s *Server) stream(c echo.Context, req query.Request, id events.RoomID, q query.EventsQuery) error {
	if err := s.enter(c, req.Who); err != nil {
		return err
	}
	sub := s.Hub.Subscribe(readmodel.Key{Tenant: req.Who.Tenant, Room: id}, s.Gate.PartitionOf(req.Who.Tenant, id))
	exchangeOf(c).atEnd(sub.Close)
	track, at, err := s.Reads.Follow(c.Request().Context(), req, id, q.Types)
	if err != nil {
		return err
	}
	track.Begin(q.After)
	s.run(c, req, at, track, sub)
	return nil
}
