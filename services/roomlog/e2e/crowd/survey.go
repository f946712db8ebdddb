package crowd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
)

// pageSize is the largest page that the API gives.
const pageSize = 200

// askers is how many outcomes are asked for at the same time.
const askers = 8

// Survey reads what has come since the last survey, with the position of all that
// anyone was acknowledged; asks for the outcome of every command that is not
// there and of a sample of those that are; and checks everything together. The
// error says that something could not be read.
func (c *Crowd) Survey(ctx context.Context, sample int) ([]checker.Violation, error) {
	if err := c.read(ctx, c.state, c.Owner(c.rng.IntN(8))); err != nil {
		return nil, err
	}
	if err := c.askOutcomes(ctx, sample); err != nil {
		return nil, err
	}
	return checker.Check(c.history, c.state), nil
}

// SurveyAfresh is Survey that reads everything from the first event on, pages
// backwards as well, and what export returns for each room; nil: none.
func (c *Crowd) SurveyAfresh(
	ctx context.Context, sample int, export func(events.RoomID) ([]checker.Event, error),
) ([]checker.Violation, error) {
	fresh, reader := checker.State{}, c.Owner(c.rng.IntN(8))
	if err := c.read(ctx, fresh, reader); err != nil {
		return nil, err
	}
	for _, room := range c.rooms {
		r := fresh.Room(room)
		var err error
		if r.Backwards, err = backwards(ctx, reader, room); err != nil {
			return nil, fmt.Errorf("read room %s backwards: %w", room, err)
		}
		if export != nil {
			if r.Exported, err = export(room); err != nil {
				return nil, fmt.Errorf("export room %s: %w", room, err)
			}
		}
		if old := c.state.Room(room).Events; len(old) > len(r.Events) || !slices.Equal(old, r.Events[:len(old)]) {
			return nil, fmt.Errorf("room %s: what was read once is no longer what is there", room)
		}
	}
	c.state = fresh
	if err := c.askOutcomes(ctx, sample); err != nil {
		return nil, err
	}
	return checker.Check(c.history, c.state), nil
}

// read extends a state by what is new.
func (c *Crowd) read(ctx context.Context, s checker.State, reader *client.Client) error {
	position, err := c.position()
	if err != nil {
		return err
	}
	reader.SetPosition(position)
	for _, room := range c.rooms {
		if err := readRoom(ctx, reader, room, s.Room(room)); err != nil {
			return fmt.Errorf("read room %s: %w", room, err)
		}
	}
	return nil
}

// position is the token of someone who has seen what anyone has.
func (c *Crowd) position() (string, error) {
	var all events.Vector
	for _, p := range c.people {
		token := p.client.Position()
		if token == "" {
			continue
		}
		v, err := events.ParseToken(token)
		if err == nil {
			all, err = all.Merge(v)
		}
		if err != nil {
			return "", fmt.Errorf("position of %s: %w", p.user, err)
		}
	}
	if all.IsZero() {
		return "", nil
	}
	return all.Token(), nil
}

func readRoom(ctx context.Context, reader *client.Client, room events.RoomID, r *checker.Room) error {
	for {
		var page client.Page[client.Event]
		err := patiently(ctx, func() (err error) {
			page, err = reader.Events(ctx, room, events.Seq(len(r.Events)), pageSize)
			return err
		})
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		for _, e := range page.Items {
			event, err := eventOf(e)
			if err != nil {
				return err
			}
			r.Events = append(r.Events, event)
		}
		if len(page.Items) == 0 {
			break
		}
	}
	for {
		last := events.Seq(0)
		if n := len(r.Messages); n > 0 {
			last = r.Messages[n-1].Seq
		}
		page, err := messages(ctx, reader, room, "after", last)
		if err != nil {
			return fmt.Errorf("pages: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		r.Messages = append(r.Messages, page...)
	}
}

// backwards pages from the newest message to the first.
func backwards(ctx context.Context, reader *client.Client, room events.RoomID) ([]checker.Posted, error) {
	all := []checker.Posted{}
	page, err := messages(ctx, reader, room, "", 0)
	for ; err == nil && len(page) > 0; page, err = messages(ctx, reader, room, "before", page[0].Seq) {
		slices.Reverse(page)
		all = append(all, page...)
		slices.Reverse(page)
	}
	slices.Reverse(all)
	return all, err
}

func messages(ctx context.Context, reader *client.Client, room events.RoomID, side string, seq events.Seq) ([]checker.Posted, error) {
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if side != "" {
		q.Set(side, strconv.FormatInt(int64(seq), 10))
	}
	var page client.Page[client.Message]
	err := patiently(ctx, func() (err error) {
		page, err = reader.Messages(ctx, room, q)
		return err
	})
	out := make([]checker.Posted, len(page.Items))
	for i, m := range page.Items {
		out[i] = checker.Posted{Seq: m.Seq, ID: m.ID, Sender: m.Sender, Text: m.Text}
	}
	return out, err
}

// eventOf keeps all that an event shows, in one form.
func eventOf(e client.Event) (checker.Event, error) {
	var data map[string]any
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return checker.Event{}, fmt.Errorf("data of event %s: %w", e.ID, err)
	}
	out := checker.Event{Seq: e.Seq, Type: e.Type, ID: e.ID, Sender: e.Sender}
	if e.Type == events.TypeMessagePosted {
		out.Text, _ = data["text"].(string)
		delete(data, "text") // it is long, and compared anyway
	}
	rest, err := json.Marshal([]any{e.Room, e.Time.UTC().Format(time.RFC3339Nano), data})
	out.Rest = string(rest)
	return out, err
}

// askOutcomes asks the authors' way for outcomes.
func (c *Crowd) askOutcomes(ctx context.Context, sample int) error {
	there := map[events.EventID]bool{}
	for _, r := range c.state {
		for _, e := range r.Events {
			there[e.ID] = true
		}
	}
	var ask, others []checker.EventRef
	for _, ref := range c.history.Events() {
		if !there[ref.ID] && !ref.Final {
			ask = append(ask, ref)
		} else {
			others = append(others, ref)
		}
	}
	c.rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	ask = append(ask, others[:min(sample, len(others))]...)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askers)
	clients := map[events.UserID]*client.Client{c.user(owner): c.Owner(c.rng.IntN(8))}
	for _, p := range c.people {
		clients[p.user] = p.client.At(c.server(c.rng.IntN(8)))
	}
	for _, ref := range ask {
		g.Go(func() error { return c.askOutcome(ctx, clients[ref.User], ref) })
	}
	return g.Wait()
}

func (c *Crowd) askOutcome(ctx context.Context, asker *client.Client, ref checker.EventRef) error {
	var o client.Outcome
	err := patiently(ctx, func() (err error) {
		o, err = asker.Outcome(ctx, ref.Room, ref.ID)
		return err
	})
	if client.CodeOf(err) == "outcome_not_found" {
		if ref.Final { // it had one: the check says that this is not right
			c.history.Observe(ref.Room, ref.ID, checker.Outcome{Status: checker.Pending})
		}
		return nil // an acknowledged one is lost then: the check says so
	}
	if err != nil {
		return fmt.Errorf("outcome of %s: %w", ref.ID, err)
	}
	c.history.Observe(ref.Room, ref.ID, checker.Outcome{Status: checker.Status(o.Status), Seq: o.Seq, Code: o.Code})
	return nil
}

// patiently asks again while the server says that it may know later. When ctx
// ends, the error has what it said last.
func patiently(ctx context.Context, ask func() error) error {
	var last *client.Problem
	for {
		err := ask()
		var problem *client.Problem
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && last != nil:
			return fmt.Errorf("%w; before: %w", err, last)
		case !errors.As(err, &problem) || !problem.Retryable || ctx.Err() != nil:
			return err
		}
		last = problem
		t := time.NewTimer(retryPause)
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
}
