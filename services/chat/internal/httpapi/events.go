package httpapi

import (
	"context"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

const eventStream = "text/event-stream"

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
	stream := accepts(c.Request().Header.Get(echo.HeaderAccept), eventStream)
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
	if p.LastEventID != "" {
		n, err := strconv.ParseInt(p.LastEventID, 10, 64)
		if err != nil || n < 0 || n > maxSeq {
			return q, 0, problem.In(problem.InvalidParameter, "Last-Event-ID", "this is the seq of an event")
		}
		q.After = events.Seq(n)
	}
	if p.Types != nil {
		for _, t := range *p.Types {
			if !t.Valid() {
				return q, 0, problem.In(problem.InvalidParameter, "types", "there is no such type of events")
			}
			q.Types = append(q.Types, events.Type(t))
		}
	}
	if p.Wait != nil {
		if *p.Wait < 1 || *p.Wait > maxWait {
			return q, 0, problem.In(problem.InvalidParameter, "wait", "wait is 1 to 30 seconds")
		}
		wait = time.Duration(*p.Wait) * time.Second
	}
	return q, wait, nil
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
	if !s.streams.enter(req.Who) {
		return tooManyStreams()
	}
	defer s.streams.leave(req.Who)
	ctx, cancel := context.WithTimeout(c.Request().Context(), wait)
	defer cancel()
	sub := s.Hub.Subscribe(readmodel.Key{Tenant: req.Who.Tenant, Room: id}, s.Gate.PartitionOf(req.Who.Tenant, id))
	defer sub.Close()
	for last := false; ; {
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
		case f := <-sub.Frames():
			if f.Seq > seen {
				return true
			}
		case <-sub.Stale():
			return true
		case <-s.Stop:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// stream replays and follows as server-sent events.
func (s *Server) stream(c echo.Context, req query.Request, id events.RoomID, q query.EventsQuery) error {
	if !s.streams.enter(req.Who) {
		return tooManyStreams()
	}
	defer s.streams.leave(req.Who)
	sub := s.Hub.Subscribe(readmodel.Key{Tenant: req.Who.Tenant, Room: id}, s.Gate.PartitionOf(req.Who.Tenant, id))
	defer sub.Close()
	f, at, err := s.Reads.Follow(c.Request().Context(), req, id, q.Types)
	if err != nil {
		return err
	}
	session := live.Session{
		User: req.Who.User, Cursor: q.After, Horizon: f.Horizon, Read: f.Read, Sink: s.openSink(c, at),
		Expires: req.Who.Expires, Stop: s.Stop,
	}
	if len(q.Types) > 0 {
		session.Wanted = func(t events.Type) bool { return slices.Contains(q.Types, t) }
	}
	s.Metrics.StreamOpened()
	err = session.Run(c.Request().Context(), sub)
	s.Metrics.StreamClosed(streamEnd(err))
	if err != nil {
		s.Logger.Debug("stream broke off", "request_id", requestID(c), "room_id", id, "error", err)
	}
	return nil
}

func streamEnd(err error) string {
	if err != nil {
		return "broken"
	}
	return "ended"
}

func tooManyStreams() error {
	return problem.New(problem.TooManyStreams, "you have too many streams and long polls open")
}

// accepts reports whether an Accept header names the type.
func accepts(header, want string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if kind, _, err := mime.ParseMediaType(strings.TrimSpace(part)); err == nil && kind == want {
			return true
		}
	}
	return false
}
