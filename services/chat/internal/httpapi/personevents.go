package httpapi

import (
	"context"
	"encoding/json"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/live"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// personEvents is what is asked for of all of the caller's rooms.
type personEvents struct {
	cursor *live.Cursor           // nil: from now on
	rooms  map[events.RoomID]bool // nil: all
	types  []events.Type          // none: all
	limit  int
	wait   time.Duration
}

// ListPersonEvents gives the events of all of the caller's rooms: as a page, waiting
// for one, or as a stream.
func (s *Server) ListPersonEvents(c echo.Context, p api.ListPersonEventsParams) error {
	req, err := s.readRequest(c, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	q, err := personQuery(p)
	if err != nil {
		return err
	}
	stream := wantsStream(c)
	if stream && q.wait > 0 {
		return problem.In(problem.InvalidParameter, "wait", "a stream follows anyway")
	}
	if err := s.enter(c, req.Who); err != nil {
		return err
	}
	sub := s.Hub.SubscribePerson(req.Who.Tenant, req.Who.User, q.rooms)
	exchangeOf(c).atEnd(sub.Close)
	track, at, err := s.Reads.FollowPerson(c.Request().Context(), req, q.cursor, q.rooms, q.types, sub)
	if err != nil {
		return err
	}
	if stream {
		s.run(c, req, at, track, sub)
		return nil
	}
	return s.pollPerson(c, req.Who, at, track, sub, q)
}

func personQuery(p api.ListPersonEventsParams) (q personEvents, err error) {
	if q.limit, err = pageLimit(p.Limit); err != nil {
		return q, err
	}
	if q.types, err = eventTypes(p.Types); err != nil {
		return q, err
	}
	if q.wait, err = pollWait(p.Wait); err != nil {
		return q, err
	}
	last, field := p.LastEventID, "Last-Event-ID"
	if last == nil && p.After != "" {
		last, field = &p.After, "after"
	}
	if last != nil {
		cursor, err := live.ParseCursor(*last)
		if err != nil {
			return q, invalidPersonCursor(field, err)
		}
		q.cursor = &cursor
	}
	if p.Rooms != nil {
		if len(*p.Rooms) > maxRooms {
			return q, problem.In(problem.InvalidParameter, "rooms", "name 1 to 200 rooms")
		}
		q.rooms = make(map[events.RoomID]bool, len(*p.Rooms))
		for _, name := range *p.Rooms {
			id, err := events.ParseRoomID(name)
			if err != nil {
				return q, problem.In(problem.InvalidID, "rooms", err.Error())
			}
			q.rooms[id] = true
		}
	}
	return q, nil
}

// maxRooms is how many rooms of theirs one may choose.
const maxRooms = 200

func invalidPersonCursor(field string, cause error) error {
	p := problem.In(problem.InvalidCursor, field, "this is not a cursor: send back the last `id`, a `cursor`, or the Roomlog-Position of GET /v1/rooms")
	p.Cause = cause
	return p
}

func (s *Server) pollPerson(c echo.Context, who auth.Identity, at events.Vector, track *live.PersonTrack, sub *live.Subscription, q personEvents) error {
	valid, stop := s.Revocations.While(c.Request().Context(), who)
	defer stop()
	ctx, cancel := context.WithTimeout(valid, q.wait)
	defer cancel()
	items, err := live.Poll(ctx, c.Request().Context(), track, sub, q.limit, s.Stop)
	if err == nil {
		err = s.Revocations.Check(c.Request().Context(), who)
	}
	if err != nil {
		return err
	}
	var cursor string
	if err := json.Unmarshal(track.Cursor(nil), &cursor); err != nil {
		return err
	}
	page := api.PersonEventPage{Items: items, Cursor: cursor}
	if len(items) == q.limit {
		page.Next = &cursor
	}
	return answer(c, at, page)
}
