package httpapi

import (
	"encoding/json"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// GetState gives a room as it was.
func (s *Server) GetState(c echo.Context, roomName api.RoomID, p api.GetStateParams) error {
	req, id, err := s.beginRead(c, roomName, p.RoomlogPosition, p.Prefer)
	if err != nil {
		return err
	}
	q := query.StateQuery{}
	if q.Limit, err = pageLimit(p.Limit); err != nil {
		return err
	}
	if q.After, err = memberCursor(p.After); err != nil {
		return err
	}
	switch {
	case p.Seq != nil && p.At != nil:
		return problem.In(problem.InvalidParameter, "at", "seq and at exclude each other")
	case p.Seq != nil && (*p.Seq < 1 || *p.Seq > maxSeq):
		return invalidSeq("seq", 1)
	case p.Seq != nil:
		q.Seq = events.Seq(*p.Seq)
	case p.At != nil:
		q.SentAt = p.At.UnixMilli()
	}
	state, at, err := s.Reads.State(c.Request().Context(), req, id, q)
	if err != nil {
		return err
	}
	return answer(c, at, encodeState(&state))
}

func encodeState(s *query.State) api.RoomState {
	r := encodeRoom(s.Room)
	out := api.RoomState{
		Room: r.Room, Kind: r.Kind, Name: r.Name, Members: r.Members, CreatedAt: r.CreatedAt, Settings: s.Settings,
		Metadata: r.Metadata, Archived: s.Archived, Seq: r.Seq, Version: r.Version, Rules: r.Rules,
		MemberList: make([]api.Member, len(s.Members.Items)), Next: s.Members.Next, Pins: make([]api.Pinned, len(s.Pins)),
	}
	for i, m := range s.Members.Items {
		out.MemberList[i] = api.Member{
			User: string(m.User), Membership: m.Membership, Role: m.Role, SinceSeq: int64(m.Since), Until: readmodel.Time(m.Until),
		}
	}
	for i, row := range s.Pins {
		var f events.MessagePinned
		_ = json.Unmarshal([]byte(row.Facts), &f) // the codec wrote it
		out.Pins[i] = api.Pinned{Message: string(f.Target), MessageSeq: int64(row.About), Seq: int64(row.Seq)}
	}
	return out
}
