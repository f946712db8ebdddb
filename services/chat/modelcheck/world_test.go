package modelcheck_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// world is one service for all histories: each has a tenant of its own.
type world struct {
	*chattest.World
	handler   http.Handler
	histories atomic.Int64
	requests  atomic.Int64
	streams   *http.Client
}

// plenty is more than anyone asks for.
const plenty = 1 << 30

func start(t *testing.T) *world {
	w := chattest.Start(t, unlimited)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &world{World: w, handler: w.Service.Handler(), streams: &http.Client{Transport: transport}}
}

func unlimited(c *chat.Config) {
	for _, limit := range []*int{
		&c.Rate, &c.Burst, &c.ReadRate, &c.ReadBurst, &c.RoomRate, &c.RoomBurst, &c.UncheckedRate, &c.UncheckedBurst,
	} {
		*limit = plenty
	}
}

// do sends a request to the API's handler, without a network between.
func (w *world) do(token, method, path, body string, headers map[string]string) answer {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, newRequest(token, method, path, body, headers))
	return answered(rec.Code, rec.Header(), rec.Body.Bytes())
}

func newRequest(token, method, path, body string, headers map[string]string) *http.Request {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		req.Body = http.NoBody
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for name, v := range headers {
		req.Header.Set(name, v)
	}
	return req
}

func answered(status int, h http.Header, body []byte) answer {
	a := answer{status: status, position: h.Get("Roomlog-Position"), body: body}
	if a.status >= http.StatusBadRequest {
		var problem struct{ Code string }
		if err := json.Unmarshal(a.body, &problem); err == nil {
			a.code = problem.Code
		}
	}
	return a
}

// scene is what a history is played in: a tenant's rooms, and its people's tokens.
type scene struct {
	*world
	tenant string
	began  time.Time
	tokens map[string]string
	rooms  [3]string
	// sent are the messages that were sent to each room, by id.
	sent      [3][]string
	followers map[string]*follower
	batches   [][]*request // what was sent, in the order in which it was, or at once
}

func (w *world) scene() *scene {
	s := &scene{world: w, tenant: fmt.Sprintf("h%d", w.histories.Add(1)), began: w.Now(), tokens: map[string]string{}, followers: map[string]*follower{}}
	for _, u := range people {
		s.tokens[u] = chattest.Token(u, func(c jwt.MapClaims) { c["tenant"] = s.tenant })
	}
	s.rooms = [3]string{rooms[0], rooms[1], string(events.DirectRoomID(events.Tenant(s.tenant), events.UserID(people[0]), events.UserID(people[1])))}
	return s
}

func (s *scene) partition(room int) events.Partition {
	return eventlog.PartitionOf(events.Key(events.Tenant(s.tenant), events.RoomID(s.rooms[room])), chattest.Partitions)
}

// request names the messages that a command is about.
func (s *scene) request(c command) *request {
	r := &request{command: c, place: place{offset: -1}}
	name := func(back int) string {
		sent := s.sent[c.room]
		switch {
		case back == 0:
			return ""
		case back > len(sent):
			return "nothing"
		}
		return sent[len(sent)-back]
	}
	r.target, r.answered, r.root = name(c.on), name(c.reply), name(c.thread)
	if c.until {
		r.ends = s.began.Add(time.Hour).UnixMilli()
	}
	r.fill(s.rooms[c.room])
	return r
}

// send sends a request and finds where the log has it.
func (s *scene) send(r *request) error {
	trace := fmt.Sprintf("00-%032x-%016x-01", s.requests.Add(1), 1)
	headers := map[string]string{"Traceparent": trace}
	if r.key != "" && !r.client {
		headers["Idempotency-Key"] = r.key
	}
	if r.wait {
		headers["Prefer"] = "wait=20"
	}
	if r.version > 0 {
		headers["If-Match"] = fmt.Sprintf("%q", fmt.Sprint(r.version))
	}
	r.at = s.Now()
	r.answer = s.do(s.tokens[r.by], r.method, r.path, r.body, headers)
	if r.position == "" {
		return nil
	}
	found, err := s.find(r.room, r.position)
	if err != nil {
		return fmt.Errorf("%s: %w", r, err)
	}
	if (r.do == edit || r.do == update) && found.trace != trace {
		return nil // it is where the message or the room was read that is not theirs to change
	}
	r.place = found
	return nil
}

// find finds the event in a room's partition that a position is of.
func (s *scene) find(room int, position string) (place, error) {
	p := s.partition(room)
	v, err := events.ParseToken(position)
	if err != nil {
		return place{}, err
	}
	next, ok := v.Next(p)
	if !ok || v.Len() != 1 {
		return place{}, fmt.Errorf("the position %s is of another partition", position)
	}
	record := s.Log.Records(p)[next-1]
	e, err := events.Decode(record.Message)
	return place{offset: int64(next - 1), logged: record.Time.UnixMilli(), sentAt: e.Time.UnixMilli(), id: string(e.ID), trace: e.TraceParent}, err
}

// read reads something as a person.
func (s *scene) read(by, path string, into any) (answer, error) {
	a := s.do(s.tokens[by], http.MethodGet, path, "", nil)
	if a.status != http.StatusOK || into == nil {
		return a, nil
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return a, fmt.Errorf("GET %s: %w", path, err)
	}
	return a, nil
}
