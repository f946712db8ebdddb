package chat_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/auth/authtest"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
	"github.com/roomlog/roomlog/services/chat/internal/reference"
)

// stage is an API with the rooms that the examples speak of.
type stage struct {
	w      *chattest.World
	tenant events.Tenant
	words  *strings.Replacer
	// more and body are what the request has in the place of what stands there.
	more []header
	body string
	// given: something here is out of the ordinary. changed: a command was accepted.
	given, changed bool
}

// stage gives one where a request can be sent: the last one, where nothing was
// changed there, else other rooms in another tenant; or an API of its own, prepared.
func (x *examples) stage(t *testing.T, rq *reference.Request) *stage {
	t.Helper()
	if rq.Given != "" {
		prepare, ok := given[rq.Given]
		if !ok {
			t.Fatalf("nobody has prepared that %s", rq.Given)
		}
		p := prepare(t)
		p.given = true
		return p
	}
	if x.last == nil || x.last.changed {
		x.stages++
		x.last = furnish(x.w, events.Tenant(fmt.Sprintf("t%d", x.stages)))
	}
	return x.last
}

// usual gives an API of the stage's own.
func usual(t *testing.T, change ...func(*chat.Config)) *stage {
	t.Helper()
	return furnish(chattest.Start(t, change...), events.DefaultTenant)
}

// Ids that examples name.
const (
	hello   = "0197a1b2-0000-7000-8000-000000000001"
	reply   = "0197a1b2-0000-7000-8000-000000000002"
	oops    = "0197a1b2-0000-7000-8000-000000000003"
	edit    = "0197a1b2-0000-7000-8000-000000000004"
	refused = "0197a1b2-0000-7000-8000-000000000005"
	quietly = "0197a1b2-0000-7000-8000-000000000006"
)

// furnish makes the rooms of alice: the lobby, where bob is too, a quiet one, an old
// one, and one with carol.
func furnish(w *chattest.World, tenant events.Tenant) *stage {
	p := &stage{w: w, tenant: tenant}
	alice, bob := events.Command{Sender: "alice"}, events.Command{Sender: "bob"}
	in := func(more ...roomtest.Option) *roomtest.Room {
		return roomtest.NewRoom(w.T, "alice", append(more, roomtest.Tenant(tenant))...)
	}
	write := func(r *roomtest.Room, id events.EventID, f events.Facts, content any) {
		c, err := json.Marshal(content)
		if err != nil {
			w.T.Fatal(err)
		}
		r.Send(&events.Event{ID: id, Type: f.EventType(), Tenant: tenant, Room: r.ID, Time: roomtest.Epoch, Facts: f, Content: c})
	}
	text := events.MessagePosted{Command: alice, Kind: "text", TextBytes: 2}

	lobby := in()
	lobby.Join("bob")
	write(lobby, hello, text, events.MessageContent{Text: "Helo"})
	write(lobby, reply, events.MessagePosted{Command: bob, Kind: "text", TextBytes: 2, ThreadRoot: hello}, events.MessageContent{Text: "Hi"})
	write(lobby, edit, events.MessageEdited{Command: alice, Target: hello, Base: 1, TextBytes: 5}, events.MessageContent{Text: "Hello"})
	lobby.Append(events.ReactionAdded{Command: bob, Target: hello, Key: "👍"}, struct{}{})
	lobby.Append(events.MessagePinned{Command: alice, Target: hello}, struct{}{})
	write(lobby, oops, events.MessagePosted{Command: bob, Kind: "text", TextBytes: 4}, events.MessageContent{Text: "oops"})
	lobby.Append(events.MessageRedacted{Command: bob, Target: oops}, events.RedactionContent{})
	lobby.Ban("alice", "mallory")
	write(lobby, refused, events.RoomUpdated{Command: bob, Base: 1}, events.RoomContent{Name: "Mine"})

	quiet := in(roomtest.ID("quiet"), roomtest.Settings(events.RoomSettings{MaxMessageLength: 10, SlowMode: 3600, ReactionsOff: true, ThreadsOff: true}))
	quiet.Join("bob")
	write(quiet, quietly, text, events.MessageContent{Text: "Hi"})
	old := in(roomtest.ID("old"))
	old.Append(events.RoomUpdated{Command: alice, Base: 1, Archived: true}, events.RoomContent{Name: "old"})
	both := in(roomtest.ID(events.DirectRoomID(tenant, "alice", "carol")), func(_ *roomtest.Room, f *events.RoomCreated) {
		f.Kind, f.With = events.RoomDirect, "carol"
	})

	list := func(hs ...header) chattest.Answer {
		return w.As("alice", claim("tenant", string(tenant))).Get("/v1/rooms", hs...).Is(http.StatusOK)
	}
	start := list().Position()
	for _, r := range []*roomtest.Room{both, old, quiet, lobby} {
		for _, record := range r.Records() {
			w.Log.Append(record.Message, record.LogTime)
		}
	}
	p.words = strings.NewReplacer("{start}", start, "{position}", p.position(), "{etag}", list(chattest.At(p.position())).Header.Get("ETag"),
		"{elsewhere}", events.VectorOf(events.LogID{9}, 1, []events.Offset{1}).Token())
	return p
}

// position is the log's end.
func (p *stage) position() string {
	l := p.w.Log.Layout()
	ends, err := p.w.Log.Ends(p.w.T.Context())
	if err != nil {
		p.w.T.Fatal(err)
	}
	return events.VectorOf(l.Log, l.Epoch, ends).Token()
}

func (p *stage) fill(s string) string { return p.words.Replace(s) }

func (p *stage) token(claims map[string]any) string {
	return chattest.Token("", func(c jwt.MapClaims) {
		c["tenant"] = string(p.tenant)
		maps.Copy(c, claims)
	})
}

// as is a client for somebody here, whose requests are part of what is given.
func (p *stage) as(user string) *chattest.Client { return p.w.As(user) }

// send sends a request, where something is given until it shows.
func (p *stage) send(t *testing.T, method, path string, body any, headers []header, status string) (a chattest.Answer) {
	t.Helper()
	if p.body != "" {
		body = p.body
	}
	tries := 1
	if p.given {
		tries = 5
	}
	c := p.w.As("").In(t)
	for range tries {
		stream := slices.ContainsFunc(headers, func(x header) bool { return x.Value == "text/event-stream" })
		if stream {
			a = follow(c, path, headers)
		} else {
			a = c.Do(method, path, body, append(headers, p.more...)...)
		}
		p.changed = p.changed || a.Status < 300 && method != http.MethodGet
		if fmt.Sprint(a.Status) == status {
			break
		}
	}
	return a
}

// follow reads the first event of a stream, as it is sent.
func follow(c *chattest.Client, path string, headers []header) chattest.Answer {
	s, a := c.TryFollow(path, headers...)
	if s == nil {
		return a
	}
	defer s.Close()
	s.Read()
	f, _ := s.Next()
	a.Status, a.Header = http.StatusOK, s.Header
	a.Body = fmt.Appendf(nil, "id: %s\nevent: %s\ndata: %s\n\n", f.ID, f.Event, f.Data)
	return a
}

// given has what is out of the ordinary, in the words of the description.
var given = map[string]func(*testing.T) *stage{
	"the text is the byte ff, which is not UTF-8": func(t *testing.T) *stage {
		p := usual(t)
		p.body = "{\"text\":\"\xff\"}"
		return p
	},
	"the text is longer than 64 KiB": func(t *testing.T) *stage {
		p := usual(t)
		p.body = `{"text":"` + strings.Repeat("x", 64<<10) + `"}`
		return p
	},
	"the hook answers refuse: no links here": func(t *testing.T) *stage {
		return asking(t, http.StatusOK, `{"action":"refuse","reason":"no links here"}`)
	},
	"the hook does not answer": func(t *testing.T) *stage { return asking(t, http.StatusBadGateway, "") },
	"the issuer of the token does not answer": func(t *testing.T) *stage {
		i := authtest.NewIssuer(t)
		k := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
		i.SetFault(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		p := usual(t, func(c *chat.Config) { c.JWKS = []chat.Issuer{{URL: i.URL, Tenants: []string{"main"}}} })
		p.more = []header{bearer(i.Sign("k", "EdDSA", k, nil))}
		return p
	},
	"alice has had her tokens refused": func(t *testing.T) *stage {
		p := usual(t)
		p.as("alice").Put(tokensOf("alice"), revocation(), chattest.Wait).Is(http.StatusOK)
		return p
	},
	"the log took the command a minute too late": func(t *testing.T) *stage {
		p := usual(t)
		p.w.Log.SetAhead(time.Minute)
		return p
	},
	"nothing could judge the event, and an operator discarded it": func(t *testing.T) *stage {
		p := usual(t)
		p.w.Discard(func(*events.Event) bool { return true })
		return p
	},
	"the log does not answer": func(t *testing.T) *stage {
		p := usual(t)
		p.w.Log.SetFault(func(context.Context, events.Message, func()) error { return errAway })
		return p
	},
	"something is broken in the server": func(t *testing.T) *stage {
		p := usual(t)
		p.w.Log.SetFault(func(context.Context, events.Message, func()) error { panic("broken") })
		return p
	},
	"the database does not answer": func(t *testing.T) *stage {
		p := usual(t)
		p.w.Store.SetAway(errAway)
		return p
	},
	"the tables are behind the log": func(t *testing.T) *stage {
		p := usual(t)
		p.w.Hold()
		t.Cleanup(p.w.Resume)
		p.as("alice").Post(messages, `{"text":"Hello"}`).Is(http.StatusAccepted)
		p.words = strings.NewReplacer("{position}", p.position())
		return p
	},
	"an event of the room waits for an operator": func(t *testing.T) *stage {
		p := usual(t)
		p.w.Park(func(*events.Event) bool { return true })
		p.as("alice").Post(messages, `{"text":"Hello"}`).Is(http.StatusAccepted)
		p.words = strings.NewReplacer("{position}", p.position())
		return p
	},
	"the key was used for another text": func(t *testing.T) *stage {
		p := usual(t)
		p.as("alice").Post(messages, `{"text":"Hello, world"}`, chattest.Key("7c9e6679"), chattest.Wait).Is(http.StatusCreated)
		return p
	},
	"the message has reactions with 50 keys": func(t *testing.T) *stage {
		p := usual(t)
		for i := range 49 { // one is there
			p.as("alice").Put(messages+"/"+hello+"/reactions/"+fmt.Sprint(i), nil).Is(http.StatusAccepted)
		}
		return p
	},
	"one command a second is allowed, and the one of this second was sent": func(t *testing.T) *stage {
		p := usual(t, func(c *chat.Config) { c.Rate, c.Burst = 1, 1 })
		p.as("alice").Post(messages, `{"text":"Hello"}`).Is(http.StatusAccepted)
		return p
	},
	"alice may have one request under way, and has a stream": func(t *testing.T) *stage {
		p := usual(t, func(c *chat.Config) { c.MaxRequests = 1 })
		p.as("alice").Follow(eventsPath, false)
		return p
	},
	"bob has a stream": func(t *testing.T) *stage {
		p := usual(t)
		p.as("bob").Follow(eventsPath, false)
		until(t, func() bool {
			return strings.Contains(string(p.as("alice").Get("/v1/rooms/lobby/presence").Body), "online")
		})
		return p
	},
	"alice may have one stream, and has it": func(t *testing.T) *stage {
		p := usual(t, func(c *chat.Config) { c.MaxStreams = 1 })
		p.as("alice").Follow(eventsPath, false)
		return p
	},
	"bob has just said something": func(t *testing.T) *stage {
		p := usual(t)
		p.as("bob").Post("/v1/rooms/quiet/messages", `{"text":"Hello"}`, chattest.Wait).Is(http.StatusCreated)
		return p
	},
}

// asking gives a stage with a hook that gives this answer.
func asking(t *testing.T, status int, answer string) *stage {
	t.Helper()
	s := startHook(t)
	s.says(status, answer)
	return usual(t, s.use("refuse"))
}
