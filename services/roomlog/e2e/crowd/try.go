package crowd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
)

// answer is what commands are answered with: 202's, a message's or a member's.
type answer struct {
	EventID  events.EventID `json:"event_id"`
	ID       events.EventID `json:"id"`
	Position *string        `json:"position"`
	Seq      events.Seq     `json:"seq"`
}

// NotKnown stands among the codes of [Crowd.Problems] for answers that honestly
// say that the outcome is not known: 202 without a position.
const NotKnown = "(outcome not known)"

// try sends a command once, notes the answer, and reports whether there was one
// that needs no further sending.
func (p *person) try(ctx context.Context, c checker.Command) bool {
	request := requestOf(c)
	// A room's creation shows no event id where its verdict is waited for.
	waited := c.Kind != checker.Creation && p.rng.IntN(10) == 0
	if waited {
		request.Header.Set("Prefer", "wait=2")
	}
	server := p.crowd.server(p.rng.IntN(1 << 10))
	replica := p.client.At(server)
	attempt := p.crowd.history.Send(c)
	began := time.Now()
	// What was begun is finished: otherwise each end of the load would leave as
	// many unknown outcomes as there are people.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.crowd.cfg.Deadline)
	defer cancel()
	var a answer
	res, err := replica.JSON(bounded, request, &a)
	var problem *client.Problem
	switch {
	case err == nil:
		p.crowd.answered(time.Since(began), "")
		return p.told(attempt, c, res.Status, a)
	case errors.As(err, &problem):
		p.crowd.answered(time.Since(began), problem.Code)
		return p.refused(ctx, attempt, c, problem)
	}
	attempt.Unknown("")
	if bounded.Err() != nil {
		if p.crowd.cfg.Silent != nil {
			p.crowd.cfg.Silent(server)
		}
		p.crowd.odd(fmt.Errorf("%w: command %s of %s: %w", errNoAnswer, c.Key, c.User, err))
	}
	p.pause(ctx, retryPause)
	return false
}

// told notes an answer that is no problem.
func (p *person) told(attempt *checker.Attempt, c checker.Command, status int, a answer) bool {
	id := a.EventID
	if id == "" {
		id = a.ID
	}
	switch {
	case id == "":
		attempt.Unknown("")
		p.crowd.odd(fmt.Errorf("the answer %d to command %s of %s names no event", status, c.Key, c.User))
		return false
	case status == http.StatusAccepted && a.Position == nil:
		attempt.Unknown(id)
		p.crowd.answered(0, NotKnown)
		return false
	}
	attempt.Acked(id, a.Seq)
	p.crowd.pulse.beat(c.Room)
	return true
}

// refused notes a problem and reports whether it is the last word.
func (p *person) refused(ctx context.Context, attempt *checker.Attempt, c checker.Command, problem *client.Problem) bool {
	if problem.Malformed != "" || problem.Status == http.StatusInternalServerError {
		p.crowd.odd(problem)
	}
	switch problem.Code {
	case "log_unavailable", "rate_limited", "shutting_down", "expired":
		attempt.Refused(problem.Code, false)
		p.pause(ctx, retryPause)
		return false
	}
	if problem.Status >= http.StatusInternalServerError {
		attempt.Unknown("")
		p.pause(ctx, retryPause)
		return false
	}
	attempt.Refused(problem.Code, true)
	return true
}

func requestOf(c checker.Command) client.Request {
	room := "/v1/rooms/" + url.PathEscape(string(c.Room))
	r := client.Request{Method: http.MethodPut, Header: http.Header{"Idempotency-Key": {c.Key}}}
	switch c.Kind {
	case checker.Message:
		r.Method, r.Path, r.Body = http.MethodPost, room+"/messages", client.NewMessage{Text: c.Body}
	case checker.Membership:
		membership := events.MembershipJoin
		if isLeave(c) {
			membership = events.MembershipLeave
		}
		r.Path, r.Body = room+"/members/"+url.PathEscape(string(c.User)), map[string]any{"membership": membership}
	case checker.Creation:
		r.Path, r.Body = room, client.NewRoom{Kind: events.RoomPublic, Name: string(c.Room)}
	}
	return r
}
