package httpapi

import (
	"context"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

type tokensRequest struct{ api.TokensRequest }

func (b *tokensRequest) into() (any, string) { return &b.TokensRequest, "revoked_before" }
func (b *tokensRequest) key() string         { return "" }

func (b *tokensRequest) check() error {
	if b.RevokedBefore.UnixMilli() <= 0 {
		return invalidField("revoked_before", "this is a time after 1970")
	}
	return nil
}

// PutTokens revokes the tokens of a person.
func (s *Server) PutTokens(c echo.Context, user api.ID, p api.PutTokensParams) error {
	whose, err := userID(user)
	if err != nil {
		return err
	}
	var cmd command.Command
	if err := s.begin(c, &cmd, headers{prefer: p.Prefer, position: p.RoomlogPosition}); err != nil {
		return err
	}
	if cmd.Who.User != whose && (cmd.Who.Actor != "" || !cmd.Who.May(auth.Service)) {
		return problem.New(problem.InsufficientScope, `only a token with the scope "service", in its own name, revokes the tokens of others`)
	}
	cmd.Room = events.AccountRoom(whose)
	var body tokensRequest
	if err := readCommand(c, &cmd, "PUT tokens", &body); err != nil {
		return err
	}
	cmd.Facts = func(by events.Command) events.Facts {
		return events.TokensRevoked{Command: by, Before: body.RevokedBefore.UnixMilli()}
	}
	var row readmodel.RevocationRow
	cmd.Load = func(ctx context.Context, r readmodel.Reader, _ query.Standing, _ command.Receipt) (err error) {
		var ok bool
		if row, ok, err = r.Revocation(ctx, cmd.Who.Tenant, whose); err == nil && !ok {
			err = fmt.Errorf("the tokens of %s are not revoked", whose)
		}
		return err
	}
	return s.finish(c, &cmd, func(command.Receipt) (int, any) {
		s.Revocations.Revoke(row) // whatever the timeline says, and when
		return http.StatusOK, api.Tokens{User: string(whose), RevokedBefore: readmodel.Time(row.Before)}
	})
}
