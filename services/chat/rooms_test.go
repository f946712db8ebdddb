package chat_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

const theLobby = "/v1/rooms/lobby"

// roomView is a room as an answer shows it.
type roomView struct {
	Room, Kind, Name, With string
	Settings               events.RoomSettings
	Metadata               map[string]any
	Archived               bool
	Seq, Version, Rules    int
	Members                int
}

func roomOf(a chattest.Answer) (r roomView) {
	a.Into(&r)
	return r
}

func TestRoomSettings(t *testing.T) {
	w := chattest.Start(t)
	alice := w.As("alice")
	body := `{"kind":"private","name":"All of it","metadata":{"n":1.50},"settings":{"max_message_length":100,"slow_mode":30,"history":"invited","read_marks":"shared",
	 "knocks":true,"reactions_off":true,"threads_off":true,"permissions":{"post":"member","react":"guest","invite":"moderator","pin":"owner","mention_room":"member","update":"moderator"}}}`
	made := alice.Put(theLobby, body, chattest.Wait).Is(http.StatusCreated)
	read := alice.Get(theLobby).Is(http.StatusOK)
	if string(made.Body) != string(read.Body) || made.Header.Get("ETag") != `"1"` || read.Header.Get("ETag") != `"1"` {
		t.Errorf("made %s %s, read %s %s", made.Header.Get("ETag"), made.Body, read.Header.Get("ETag"), read.Body)
	}
	want := events.RoomSettings{
		MaxMessageLength: 100, SlowMode: 30, History: events.HistoryInvited, ReadMarks: events.ReadMarksShared,
		Knocks: true, ReactionsOff: true, ThreadsOff: true,
		Permissions: events.Permissions{
			Post: events.RoleMember, React: events.RoleGuest, Invite: events.RoleModerator, Pin: events.RoleOwner,
			MentionRoom: events.RoleMember, Update: events.RoleModerator,
		},
	}
	r := roomOf(read)
	if r.Settings != want || r.Version != 1 || r.Rules != 3 || r.Archived || r.Members != 1 || r.Kind != "private" || !strings.Contains(string(read.Body), "1.50") {
		t.Errorf("%s", read.Body)
	}

	for body, field := range map[string]string{
		`{"max_message_length":16385}`:       "settings.max_message_length",
		`{"max_message_length":-1}`:          "settings.max_message_length",
		`{"slow_mode":21601}`:                "settings.slow_mode",
		`{"slow_mode":-1}`:                   "settings.slow_mode",
		`{"history":"none"}`:                 "settings.history",
		`{"read_marks":"public"}`:            "settings.read_marks",
		`{"permissions":{"pin":"everyone"}}`: "settings.permissions.pin",
		`{"permissions":{"delete":"guest"}}`: "settings.permissions.delete",
		`{"slow":1}`:                         "settings.slow",
		`{"knocks":"yes"}`:                   "settings.knocks",
	} {
		for _, bad := range []chattest.Answer{
			alice.Put("/v1/rooms/other", `{"kind":"public","settings":`+body+`}`).Is(http.StatusBadRequest),
			alice.Patch(theLobby, `{"settings":`+body+`}`).Is(http.StatusBadRequest),
			alice.Put("/v1/direct/bob", `{"settings":`+body+`}`).Is(http.StatusBadRequest),
		} {
			if bad.Field("field") != field {
				t.Errorf("%s: %s", body, bad.Body)
			}
		}
	}
}

// Two people ask for their room at once, many times: there is one room.
func TestDirectRoom(t *testing.T) {
	w := chattest.Start(t)
	alice, bob, eve := w.As("alice"), w.As("bob"), w.As("eve")
	alice.Put("/v1/direct/alice", nil).Problem(http.StatusBadRequest, "invalid_parameter")
	alice.Put("/v1/direct/a%20b", nil).Problem(http.StatusBadRequest, "invalid_id")

	var answers [8]chattest.Answer
	var g sync.WaitGroup
	for i := range answers {
		g.Go(func() {
			if i%2 == 0 {
				answers[i] = alice.Put("/v1/direct/bob", nil, chattest.Wait)
			} else {
				answers[i] = bob.Put("/v1/direct/alice", `{}`, chattest.Wait)
			}
		})
	}
	g.Wait()
	made, id := 0, answers[0].Text("room")
	for _, a := range answers {
		if a.Status == http.StatusCreated {
			made++
		} else {
			a.Is(http.StatusOK)
		}
		if a.Text("room") != id {
			t.Errorf("rooms %s and %s", id, a.Text("room"))
		}
	}
	if made != 1 {
		t.Errorf("it was made %d times", made)
	}
	path := "/v1/rooms/" + id
	for c, other := range map[*chattest.Client]string{alice: "bob", bob: "alice"} {
		r := roomOf(c.Get(path).Is(http.StatusOK))
		if r.Kind != "direct" || r.With != other || r.Members != 2 {
			t.Errorf("%+v", r)
		}
		var rooms struct{ Items []roomView }
		c.Get("/v1/rooms").Into(&rooms)
		if len(rooms.Items) != 1 || rooms.Items[0].With != other {
			t.Errorf("rooms %+v", rooms)
		}
	}
	if accepted := bob.Put("/v1/direct/alice", nil).Is(http.StatusAccepted); accepted.Text("room") != id {
		t.Errorf("%s", accepted.Body)
	}
	eve.Get(path).Problem(http.StatusNotFound, "room_not_found")
	eve.Put(path+"/members/eve", `{"membership":"join"}`, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
	eve.Put(path, `{"kind":"public"}`).Problem(http.StatusConflict, "room_id_taken")
	bob.Put(path+"/members/bob", `{"membership":"leave"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	bob.Put(path+"/members/eve", `{"membership":"invite"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	if shared := bob.Patch(path, `{"settings":{"read_marks":"shared"}}`, chattest.Wait).Is(http.StatusOK); roomOf(shared).Settings.ReadMarks != "shared" {
		t.Errorf("%s", shared.Body)
	}
}

func TestPatchRoom(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	patch := func(body string, headers ...chattest.Header) roomView {
		t.Helper()
		a := alice.Patch(theLobby, body, append(headers, chattest.Wait)...).Is(http.StatusOK)
		r := roomOf(a)
		if a.Header.Get("ETag") != fmt.Sprintf("%q", fmt.Sprint(r.Version)) {
			t.Errorf("version %d, ETag %s", r.Version, a.Header.Get("ETag"))
		}
		return r
	}
	if r := patch(`{"metadata":{"a":{"b":1,"c":2},"d":"<x>"},"settings":{"slow_mode":5,"permissions":{"pin":"owner"}}}`); r.Version != 2 || r.Name != "Lobby" ||
		r.Settings.SlowMode != 5 || fmt.Sprint(r.Metadata) != "map[a:map[b:1 c:2] d:<x>]" {
		t.Errorf("%+v", r)
	}
	r := patch(`{"metadata":{"a":{"b":null,"e":3}},"settings":{"slow_mode":null,"history":"joined"},"name":"The lobby"}`, chattest.IfMatch(2))
	if r.Version != 3 || r.Name != "The lobby" || r.Settings.SlowMode != 0 || r.Settings.History != "joined" || r.Settings.Permissions.Pin != "owner" ||
		fmt.Sprint(r.Metadata) != "map[a:map[c:2 e:3] d:<x>]" {
		t.Errorf("%+v", r)
	}
	alice.Patch(theLobby, `{"name":"x"}`, chattest.IfMatch(2)).Problem(http.StatusPreconditionFailed, "version_conflict")
	alice.Patch(theLobby, `{"name":"x"}`, chattest.IfMatch(4)).Problem(http.StatusPreconditionFailed, "version_conflict")
	alice.Patch(theLobby, `{"name":"x"}`, chattest.Header{Name: "If-Match", Value: "3"}).Problem(http.StatusBadRequest, "invalid_parameter")
	if r := patch(`{"metadata":null,"settings":null}`, chattest.Header{Name: "Content-Type", Value: "application/merge-patch+json"}); len(r.Metadata) != 0 || r.Settings != (events.RoomSettings{}) {
		t.Errorf("%+v", r)
	}
	for body, want := range map[string]struct{ code, field string }{
		`{"nme":null}`:               {"unknown_field", "nme"},
		`{"kind":"private"}`:         {"unknown_field", "kind"},
		`{"name":1}`:                 {"invalid_field", "name"},
		`{"archived":"yes"}`:         {"invalid_field", "archived"},
		`{"metadata":[]}`:            {"invalid_field", "metadata"},
		`{"settings":{"x":null}}`:    {"unknown_field", "settings.x"},
		`{"name":"a","name":"b"}`:    {"duplicate_field", "name"},
		`{"metadata":{"a":"\u0000"}`: {"invalid_character", "metadata.a"},
		`{"name":"` + strings.Repeat("n", events.MaxName+1) + `"}`:             {"invalid_field", "name"},
		`{"metadata":{"m":"` + strings.Repeat("m", events.MaxMetadata) + `"}}`: {"invalid_field", "metadata"},
	} {
		a := alice.Patch(theLobby, body).Problem(http.StatusBadRequest, want.code)
		if got, _ := a.Field("field").(string); got != want.field {
			t.Errorf("%.40s: %s", body, a.Body)
		}
	}
	// Metadata grow by patches up to the limit, not past it.
	half := strings.Repeat("m", events.MaxMetadata/2)
	patch(`{"metadata":{"one":"` + half + `"}}`)
	alice.Patch(theLobby, `{"metadata":{"two":"`+half+`"}}`).Problem(http.StatusBadRequest, "invalid_field")

	bob.Patch(theLobby, `{"name":"x"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	w.As("eve").Patch(theLobby, `{"name":"x"}`, chattest.Wait).Problem(http.StatusForbidden, "not_a_member")
	alice.Patch("/v1/rooms/nowhere", `{"name":"x"}`).Problem(http.StatusNotFound, "room_not_found")
}

// Who may change a room may not give themselves more.
func TestPermissionsAreTheOwners(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	alice.Patch(theLobby, `{"settings":{"permissions":{"update":"member"}}}`, chattest.Wait).Is(http.StatusOK)
	bob.Patch(theLobby, `{"name":"Bob's"}`, chattest.Wait).Is(http.StatusOK)
	bob.Patch(theLobby, `{"settings":{"permissions":{"pin":"guest"}}}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	alice.Patch(theLobby, `{"settings":{"permissions":{"post":"moderator"}}}`, chattest.Wait).Is(http.StatusOK)
	bob.Post(messages, `{"text":"hello"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
}

// Patches without a version that overtake each other are all there in the end.
func TestPatchesOvertake(t *testing.T) {
	_, alice := lobby(t)
	const writers = 4
	var g sync.WaitGroup
	for i := range writers {
		g.Go(func() {
			body := fmt.Sprintf(`{"metadata":{"k%d":true}}`, i)
			for {
				a := alice.Patch(theLobby, body, chattest.Wait)
				if a.Status == http.StatusOK {
					return
				}
				a.Problem(http.StatusPreconditionFailed, "version_conflict") // overtaken five times
			}
		})
	}
	g.Wait()
	if r := roomOf(alice.Get(theLobby)); len(r.Metadata) != writers || r.Version != writers+1 {
		t.Errorf("%+v", r)
	}
}

// A patch is laid on what the log has, though the tables do not have it yet: a
// version that they do not know is no conflict.
func TestPatchWaitsForTheReadModel(t *testing.T) {
	w, alice := lobby(t)
	w.Hold()
	accepted := alice.Patch(theLobby, `{"metadata":{"a":1}}`).Is(http.StatusAccepted)
	var second chattest.Answer
	var g sync.WaitGroup
	g.Go(func() { second = alice.Patch(theLobby, `{"metadata":{"b":2}}`, chattest.IfMatch(2), chattest.Wait) })
	g.Go(func() {
		alice.Patch(theLobby, `{"metadata":{"c":3}}`, chattest.Header{Name: "Prefer", Value: "wait=1"}).Problem(http.StatusServiceUnavailable, "read_model_behind")
		w.Resume()
	})
	g.Wait()
	if r := roomOf(second.Is(http.StatusOK)); fmt.Sprint(r.Metadata) != "map[a:1 b:2]" || r.Version != 3 {
		t.Errorf("first %s, then %s", accepted.Body, second.Body)
	}
}

func TestArchivedRoom(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	if r := roomOf(alice.Patch(theLobby, `{"archived":true}`, chattest.Wait).Is(http.StatusOK)); !r.Archived || r.Name != "Lobby" {
		t.Errorf("%+v", r)
	}
	bob.Post(messages, `{"text":"hello"}`, chattest.Wait).Problem(http.StatusConflict, "room_archived")
	w.As("carol").Put(theLobby+"/members/carol", `{"membership":"join"}`, chattest.Wait).Problem(http.StatusConflict, "room_archived")
	bob.Get(messages).Is(http.StatusOK)
	bob.Put(theLobby+"/read", `{"seq":1}`, chattest.Wait).Is(http.StatusOK)
	alice.Patch(theLobby, `{"archived":false}`, chattest.Wait).Is(http.StatusOK)
	bob.Post(messages, `{"text":"hello"}`, chattest.Wait).Is(http.StatusCreated)
	bob.Put(theLobby+"/members/bob", `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK)
}

func TestDeletedRoom(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	alice.Post(messages, `{"text":"secret"}`, chattest.Wait).Is(http.StatusCreated)
	bob.Delete(theLobby, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	gone := alice.Delete(theLobby, chattest.Wait).Is(http.StatusOK)
	if gone.Field("seq") != 4.0 || gone.Text("room") != "lobby" {
		t.Errorf("%s", gone.Body)
	}
	for _, c := range []*chattest.Client{alice, bob, w.As("eve")} {
		for _, path := range []string{theLobby, messages, theLobby + "/members", theLobby + "/members/alice", theLobby + "/events?after=0"} {
			c.Get(path).Problem(http.StatusNotFound, "room_not_found")
		}
		c.Post(messages, `{"text":"hello"}`, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
		c.Put(theLobby+"/members/eve", `{"membership":"join"}`, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
		c.Patch(theLobby, `{"name":"x"}`, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
		c.Delete(theLobby, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
		c.Put(theLobby, `{"kind":"public"}`, chattest.Wait).Problem(http.StatusConflict, "room_id_taken")
		var rooms struct{ Items []roomView }
		if c.Get("/v1/rooms").Into(&rooms); len(rooms.Items) != 0 {
			t.Errorf("rooms %+v", rooms)
		}
	}
	alice.Get(theLobby + "/outcomes/" + gone.Text("event_id")).Is(http.StatusOK)
}

// A room that was made under the first rules keeps them until its owner says
// otherwise.
func TestRulesUpgrade(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	made := events.RoomCreated{Command: events.Command{Sender: "alice"}, Kind: events.RoomPrivate, Rules: 1, Settings: events.RoomSettings{Knocks: true}}
	m, err := events.Encode(&events.Event{
		ID: "made", Type: made.EventType(), Tenant: "main", Room: "lobby", Time: time.Now(), Facts: made,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Log.Append(m, time.Now())
	until(t, func() bool { return alice.Get(theLobby).Status == http.StatusOK })
	if r := roomOf(alice.Get(theLobby)); r.Rules != 1 {
		t.Errorf("%+v", r)
	}
	knock := func() chattest.Answer {
		return bob.Put(theLobby+"/members/bob", `{"membership":"knock"}`, chattest.Wait)
	}
	knock().Problem(http.StatusBadRequest, "invalid_event")
	alice.Put(theLobby+"/rules", `{"rules":4}`).Problem(http.StatusBadRequest, "invalid_field")
	alice.Put(theLobby+"/rules", `{}`).Problem(http.StatusBadRequest, "missing_field")
	bob.Put(theLobby+"/rules", `{"rules":2}`, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
	if r := roomOf(alice.Put(theLobby+"/rules", `{"rules":2}`, chattest.Wait).Is(http.StatusOK)); r.Rules != 2 {
		t.Errorf("%+v", r)
	}
	knock().Is(http.StatusOK)
	alice.Put(theLobby+"/rules", `{"rules":1}`, chattest.Wait).Problem(http.StatusBadRequest, "invalid_event")

	alice.Patch(theLobby, `{"archived":true}`, chattest.Wait, version(1)).Is(http.StatusOK)
	carol := w.As("carol")
	carol.Put(theLobby+"/members/carol", `{"membership":"knock"}`, chattest.Wait).Problem(http.StatusConflict, "room_archived")
	alice.Put(theLobby+"/rules", `{"rules":3}`, chattest.Wait).Is(http.StatusOK)
	carol.Put(theLobby+"/members/carol", `{"membership":"knock"}`, chattest.Wait).Problem(http.StatusNotFound, "room_not_found")
}
