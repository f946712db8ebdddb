package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

const (
	// maxReadRooms is how many read marks one request may move.
	maxReadRooms = 200
	// readAtOnce is how many of them it moves at a time.
	readAtOnce = 16
)

// readAllRequest is the body of PutReadAll.
type readAllRequest struct{ api.ReadAllRequest }

func (b *readAllRequest) check() error {
	if n := len(b.Rooms); n < 1 || n > maxReadRooms {
		return invalidField("rooms", fmt.Sprintf("these are 1 to %d rooms", maxReadRooms))
	}
	for id, seq := range b.Rooms {
		if _, err := events.ParseRoomID(id); err != nil {
			return badID(fmt.Sprintf("rooms.%.128s", id), err)
		}
		if checkMark(seq) != nil {
			return invalidField("rooms."+id, "this is a seq, or 0 for the beginning")
		}
	}
	return nil
}

// PutReadAll moves the read marks of many rooms. Each is a command of its own, with
// an outcome of its own: there is no order among rooms, and so nothing that could
// move them all or none.
func (s *Server) PutReadAll(c echo.Context, p api.PutReadAllParams) error {
	var cmd command.Command
	if err := s.begin(c, &cmd, headers{prefer: p.Prefer, position: p.RoomlogPosition}); err != nil {
		return err
	}
	var body readAllRequest
	if _, err := readBody(c, &body.ReadAllRequest, "rooms"); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	rooms := slices.Sorted(maps.Keys(body.Rooms))
	marks := make([]readAll, len(rooms))
	g, ctx := errgroup.WithContext(c.Request().Context())
	g.SetLimit(readAtOnce)
	for i, id := range rooms {
		one := cmd
		one.Room = events.RoomID(id)
		one.Facts = func(by events.Command) events.Facts {
			return events.MarkMoved{Command: by, Mark: events.MarkRead, Seq: events.Seq(body.Rooms[id])}
		}
		g.Go(func() (err error) {
			marks[i], err = s.readOne(ctx, one, i == 0)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.answerReadAll(c, &cmd, marks)
}

// readAll is one mark of many.
type readAll struct {
	api.ReadAllItem
	at *events.Position
}

// readOne moves one mark. The request has taken from the limit of commands for the
// first.
func (s *Server) readOne(ctx context.Context, cmd command.Command, first bool) (out readAll, err error) {
	out.Room = string(cmd.Room)
	var marks api.Marks
	cmd.Load = func(_ context.Context, _ readmodel.Reader, st query.Standing, _ command.Receipt) error {
		marks = encodeMarks(st.Own())
		return joined(st)
	}
	var r command.Receipt
	if !first {
		err = s.Limits.Commands.Take(cmd.Who.Account(), s.Now()).Err()
	}
	if err == nil {
		r, err = s.Commands.Do(ctx, &cmd)
	}
	if out.at = r.Position; r.Position != nil {
		token := r.Token.Token()
		out.Position = &token
	}
	out.EventID = string(r.Event)
	if r.Outcome != nil {
		out.ReadSeq = &marks.ReadSeq
	}
	if refused, ok := errors.AsType[*problem.Error](err); ok {
		out.Code, out.Detail = string(refused.Code), refused.Detail
		return out, nil
	}
	return out, err
}

// answerReadAll answers 200 where each was waited for and has a verdict.
func (s *Server) answerReadAll(c echo.Context, cmd *command.Command, marks []readAll) error {
	known := cmd.Wait > 0
	items := make([]api.ReadAllItem, len(marks))
	at := s.Gate.Trim(cmd.Position)
	for i, m := range marks {
		items[i] = m.ReadAllItem
		if m.at != nil {
			at = s.Gate.Join(at, m.at.Partition, m.at.Offset+1)
		}
		known = known && (m.ReadSeq != nil || m.Code != "")
	}
	c.Response().Header().Set(position.Header, at.Token())
	status := http.StatusAccepted
	if known {
		status = http.StatusOK
		applied(c, cmd)
	}
	return writeJSON(c, status, echo.MIMEApplicationJSON, api.ReadAllResult{Items: items})
}
