package chat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// What stands in a room, each to be looked for in answers.
const (
	named     = "the-name-of-the-room"
	before    = "said-before-anybody-came"
	inside    = "said-among-members"
	redacted  = "said-and-taken-back"
	elsewhere = "a-room-of-somebody-else"
)

// roomKind is a table of the matrix.
type roomKind struct {
	name     string
	of       events.RoomKind
	settings events.RoomSettings
	// without are the callers that there are none of, or who have nothing to do with
	// what the table is about.
	without []string
	// about are the routes, empty: all.
	about []string
}

func roomKinds() []roomKind {
	return []roomKind{
		{name: "public room", of: events.RoomPublic, without: []string{"knocking"}},
		{name: "private room, with knocks", of: events.RoomPrivate, settings: events.RoomSettings{Knocks: true}},
		{
			name: "private room, with history joined", of: events.RoomPrivate, settings: events.RoomSettings{Knocks: true, History: events.HistoryJoined},
			without: []string{"no token", "expired token", "without the scope", "other tenant", "stranger", "knocking"},
			about:   []string{"messages", "threads", "pins", "events", "state", "outcomes", "redactions", "read"},
		},
	}
}

func (k roomKind) callers() []caller {
	return slices.DeleteFunc(callers(), func(c caller) bool { return slices.Contains(k.without, c.name) })
}

func (k roomKind) requests() []request {
	return slices.DeleteFunc(slices.Clone(requests), func(r request) bool {
		return len(k.about) > 0 && !slices.ContainsFunc(k.about, func(part string) bool { return strings.Contains(r.route, "/"+part) })
	})
}

// scene is a room that a caller asks for.
type scene struct {
	kind   roomKind
	caller caller
	log    *roomtest.Room
	// ids are of the room, of people and of messages, as requests name them.
	ids map[string]string
}

func (in *scene) user(name string) events.UserID { return events.UserID(in.ids[name]) }

// scene makes a room with everything in it, and everyone.
func (m *matrix) scene(kind roomKind, c caller) *scene {
	m.scenes++
	id := fmt.Sprintf("r%d", m.scenes)
	in := &scene{kind: kind, caller: c, ids: map[string]string{"room": id, "user": id + ".bystander", "key": "x", "new": id + ".new"}}
	for _, name := range []string{"owner", "self", "bystander", "invitee", "applicant", "outcast", "newcomer"} {
		in.ids[name] = id + "." + name
	}
	if c.enter == nil {
		in.ids["self"] = in.ids["owner"]
	}
	in.log = roomtest.NewRoom(m.w.T, in.user("owner"), roomtest.ID(events.RoomID(id)), func(_ *roomtest.Room, f *events.RoomCreated) {
		f.Kind, f.Settings = kind.of, kind.settings
	})
	in.write()
	in.ids["start"] = m.client.Get("/v1/rooms", bearer(chattest.Token(in.ids["self"]))).Is(http.StatusOK).Position()
	m.record(in.log)
	last := "/v1/rooms/" + id + "/messages/" + in.ids["last"]
	a := m.client.Get(last, bearer(chattest.Token(in.ids["owner"])), chattest.At(m.at)).Is(http.StatusOK)
	if n := len(in.log.Records()); a.Field("seq") != float64(n) {
		m.w.T.Fatalf("%s, %s: not all of %d events were accepted: %s", kind.name, c.name, n, a.Body)
	}
	return in
}

// record puts a room into the log.
func (m *matrix) record(r *roomtest.Room) {
	for _, record := range r.Records() {
		m.at = m.w.Log.Append(record.Message, record.LogTime).Token()
	}
}

// write writes the room's history: first what was before anyone came.
func (in *scene) write() {
	by := events.Command{Sender: in.user("owner")}
	in.log.Append(events.RoomUpdated{Command: by, Base: 1, Settings: in.kind.settings},
		events.RoomContent{Name: named, Metadata: json.RawMessage(`{"topic":"` + inside + `"}`)})
	old := in.log.Post(by.Sender, before).ID
	in.log.Append(events.MessagePosted{Command: by, Kind: "text", TextBytes: len(before), ThreadRoot: old}, events.MessageContent{Text: before})
	in.log.Append(events.MessageEdited{Command: by, Target: old, Base: 1, TextBytes: len(before)}, events.MessageContent{Text: before})
	in.log.Append(events.ReactionAdded{Command: by, Target: old, Key: in.ids["key"]}, struct{}{})
	in.log.Append(events.MessagePinned{Command: by, Target: old}, struct{}{})
	back := in.log.Post(by.Sender, redacted).ID
	in.log.Append(events.MessageRedacted{Command: by, Target: back}, events.RedactionContent{Reason: before})
	in.log.Append(events.MemberChanged{Command: by, Target: in.user("outcast"), Membership: events.MembershipBan}, events.MemberContent{Reason: before})
	in.log.Invite(by.Sender, in.user("invitee"))
	in.admit(in.ids["bystander"])
	if in.kind.settings.Knocks {
		in.log.Member(in.user("applicant"), in.user("applicant"), events.MembershipKnock)
	}
	if in.caller.enter != nil {
		in.caller.enter(in)
	}
	in.ids["event_id"], in.ids["last"] = string(old), string(in.log.Post(by.Sender, inside).ID)
	for _, mine := range []string{"own", "did"} { // who has said nothing tries what others said
		if in.ids[mine] == "" {
			in.ids[mine] = in.ids["last"]
		}
	}
}

// admit lets somebody in.
func (in *scene) admit(name string) {
	in.log.Invite(in.user("owner"), events.UserID(name))
	in.log.Join(events.UserID(name))
}
