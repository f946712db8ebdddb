package chat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// A room as it was is what its members saw when it was so.
func TestState(t *testing.T) {
	w, alice := lobby(t)
	const room = "/v1/rooms/lobby"
	type seen struct {
		Room    map[string]any
		Members []any
		Pins    []any
	}
	was := map[int64]seen{}
	look := func() int64 {
		var s seen
		var members, pins struct {
			Items []any `json:"items"`
		}
		decode(t, alice.Get(room, chattest.Wait).Is(http.StatusOK).Body, &s.Room)
		decode(t, alice.Get(room+"/members").Is(http.StatusOK).Body, &members)
		decode(t, alice.Get(room+"/pins").Is(http.StatusOK).Body, &pins)
		for _, m := range members.Items { // what is one's own is not the past's to show
			for _, own := range []string{"read_seq", "delivered_seq", "preferences"} {
				delete(m.(map[string]any), own)
			}
		}
		s.Members, s.Pins = members.Items, []any{}
		for _, p := range pins.Items {
			s.Pins = append(s.Pins, p.(map[string]any)["id"])
		}
		seq := int64(s.Room["seq"].(float64))
		was[seq] = s
		return seq
	}
	look()
	bob := join(t, w, "bob")
	look()
	first := alice.Post(room+"/messages", `{"text":"one"}`, chattest.Wait).Is(http.StatusCreated).Text("id")
	look()
	alice.Put(room+"/members/bob", `{"membership":"join","role":"moderator"}`, chattest.Wait).Is(http.StatusOK)
	look()
	alice.Patch(room, `{"name":"Renamed","settings":{"slow_mode":5},"metadata":{"a":1}}`, chattest.Wait).Is(http.StatusOK)
	look()
	second := bob.Post(room+"/messages", `{"text":"two"}`, chattest.Wait).Is(http.StatusCreated).Text("id")
	alice.Put(room+"/pins/"+first, "", chattest.Wait).Is(http.StatusOK)
	look()
	bob.Put(room+"/pins/"+second, "", chattest.Wait).Is(http.StatusOK)
	alice.Put(room+"/members/carol", `{"membership":"ban"}`, chattest.Wait).Is(http.StatusOK)
	alice.Put(room+"/members/dave", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK)
	alice.Delete(room+"/pins/"+first, chattest.Wait).Is(http.StatusOK)
	look()
	alice.Put(room+"/members/bob", `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK)
	last := look()

	for seq, want := range was {
		var got map[string]any
		decode(t, alice.Get(fmt.Sprintf("%s/state?seq=%d", room, seq)).Is(http.StatusOK).Body, &got)
		pins := []any{}
		for _, p := range got["pins"].([]any) {
			pins = append(pins, p.(map[string]any)["message"])
		}
		members := got["member_list"].([]any)
		for _, name := range []string{"pins", "member_list", "next"} {
			delete(got, name)
		}
		if !reflect.DeepEqual(got, want.Room) {
			t.Errorf("after %d the room was %v, not %v", seq, got, want.Room)
		}
		if !reflect.DeepEqual(members, want.Members) {
			t.Errorf("after %d the members were %v, not %v", seq, members, want.Members)
		}
		if len(pins) != len(want.Pins) { // pins are listed the other way round
			t.Errorf("after %d the pins were %v, not %v", seq, pins, want.Pins)
		}
	}
	now := alice.Get(room + "/state").Is(http.StatusOK)
	if now.Field("seq") != float64(last) {
		t.Errorf("now it is %s", now.Body)
	}
	page := alice.Get(room + "/state?limit=1").Is(http.StatusOK)
	next := alice.Get(room + "/state?limit=1&after=" + page.Text("next")).Is(http.StatusOK)
	if page.Text("next") != "alice" || next.Text("next") != "bob" {
		t.Errorf("pages of members: %s, %s", page.Body, next.Body)
	}
	before := alice.Get(room + "/state?at=2001-01-01T00:00:00Z").Is(http.StatusOK)
	if before.Field("seq") != 2.0 { // before the first message
		t.Errorf("before the first message: %s", before.Body)
	}

	bob.Get(room+"/state").Problem(http.StatusForbidden, "not_a_member")
	w.As("eve").Get(room+"/state").Problem(http.StatusForbidden, "not_a_member")
	alice.Get(fmt.Sprintf("%s/state?seq=%d", room, last+1)).Problem(http.StatusNotFound, "event_not_found")
	alice.Get(room+"/state?seq=0").Problem(http.StatusBadRequest, "invalid_parameter")
	alice.Get(room+"/state?seq=1&at=2026-01-01T00:00:00Z").Problem(http.StatusBadRequest, "invalid_parameter")
	alice.Get(room+"/state?after=%20").Problem(http.StatusBadRequest, "invalid_cursor")

	t.Run("from before one's time", func(t *testing.T) {
		alice.Put("/v1/rooms/den", `{"kind":"public","settings":{"history":"joined"}}`, chattest.Wait).Is(http.StatusCreated)
		alice.Post("/v1/rooms/den/messages", `{"text":"hidden"}`, chattest.Wait).Is(http.StatusCreated)
		bob.Put("/v1/rooms/den/members/bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
		bob.Get("/v1/rooms/den/state?seq=2").Problem(http.StatusNotFound, "event_not_found")
		bob.Get("/v1/rooms/den/state?seq=3").Is(http.StatusOK)
	})
}

func decode(t *testing.T, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}

// A ban that had ended by then is none, as in the list of members.
func TestStateHasNoBansThatHaveEnded(t *testing.T) {
	w, alice := lobby(t)
	const path = "/v1/rooms/lobby"
	until := w.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	alice.Put(path+"/members/bob", `{"membership":"ban","until":"`+until+`"}`, chattest.Wait).Is(http.StatusOK)
	standing := func(query string) string {
		var state struct {
			List []struct{ User, Membership string } `json:"member_list"`
		}
		alice.Get(path + "/state" + query).Is(http.StatusOK).Into(&state)
		return state.List[1].Membership
	}
	if got := standing(""); got != "ban" {
		t.Errorf("banned, bob is %q", got)
	}
	w.Pass(2 * time.Hour)
	alice.Post(path+"/messages", `{"text":"two hours later"}`, chattest.Wait).Is(http.StatusCreated)
	for query, want := range map[string]string{"": "leave", "?seq=3": "leave", "?seq=2": "ban"} {
		if got := standing(query); got != want {
			t.Errorf("%q: bob is %q, not %q", query, got, want)
		}
	}
}
