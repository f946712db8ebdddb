package command

import (
	"context"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/limit"
)

// silent is a read model that never answers.
type silent struct{ readmodel.Store }

func (silent) Snapshot(ctx context.Context, _ func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	<-ctx.Done()
	return ctx.Err()
}

type judgements []string

func (*judgements) Published(string, time.Duration) {}
func (*judgements) Expired()                        {}
func (j *judgements) Judged(result string)          { *j = append(*j, result) }

// A client that hangs up says nothing of the database; one that does not answer
// in time is not asked again at once.
func TestHangingUpIsNotTheDatabasesFault(t *testing.T) {
	var seen judgements
	c := newCourtesy(Config{
		Store: silent{}, Now: time.Now, Observer: &seen, CourtesyTimeout: 20 * time.Millisecond,
		Unchecked: limit.New[auth.Account](limit.Policy{Rate: 1, Burst: 1}),
	})
	e := &events.Event{ID: "e", Tenant: "main", Room: "lobby", Facts: events.MessagePosted{Command: events.Command{Sender: "ann"}}}
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	if _, err := c.look(gone, &Command{}, e); err == nil {
		t.Error("the command goes on without its client")
	}
	if !c.breaker.Allows(time.Now()) {
		t.Fatal("the database is not asked because a client has hung up")
	}
	if _, err := c.look(t.Context(), &Command{}, e); err != nil {
		t.Errorf("a send fails with the database: %v", err)
	}
	if c.breaker.Allows(time.Now()) {
		t.Error("a database that does not answer is asked again at once")
	}
}

// That someone may post is known of texts as long as the room allows.
func TestTrustEndsAtTheRoomsLimit(t *testing.T) {
	c := newCourtesy(Config{Now: time.Now})
	who := poster{user: "ann"}
	c.posters.Add(who, trust{until: time.Now().Add(time.Hour), limit: 10})
	for _, tc := range []struct {
		facts events.Facts
		want  bool
	}{
		{events.MessagePosted{TextBytes: 10}, true},
		{events.MessagePosted{TextBytes: 11}, false},
		{events.MessagePosted{TextBytes: 1, ReplyTo: "x"}, false},
		{events.MemberChanged{}, false},
	} {
		if got := c.trusts(who, &events.Event{Time: time.Now(), Facts: tc.facts}); got != tc.want {
			t.Errorf("%+v: trusted %v", tc.facts, got)
		}
	}
}
