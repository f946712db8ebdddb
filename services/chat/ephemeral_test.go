package chat_test

import (
	"net/http"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

func TestTypingAndPresence(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	makeRoom(t, bob, "other", `{"kind":"public"}`)
	one, all := alice.Follow(eventsPath+"?after=2", false), alice.Follow(allPath, false)
	chosen := alice.Follow(allPath+"?types=message.posted", false)
	bob.Put("/v1/rooms/lobby/typing", `{"typing":true}`).Is(http.StatusNoContent)
	bob.Put("/v1/rooms/other/typing", `{"typing":true}`).Is(http.StatusNoContent)
	for _, s := range []*chattest.Stream{one, all} {
		f, _ := s.Any()
		for f.Event == "presence" { // alice's own
			f, _ = s.Any()
		}
		if f.ID != "" || f.Event != "typing" || f.Data != `{"room":"lobby","user":"bob","typing":true}` {
			t.Errorf("%+v", f)
		}
	}
	there := bob.Follow(allPath, false)
	f, _ := all.Any()
	if f.ID != "" || f.Event != "presence" || f.Data != `{"user":"bob","presence":"online"}` {
		t.Errorf("%+v", f)
	}
	var page struct {
		Items []struct{ User, Presence string }
		Next  *string
	}
	bob.Get("/v1/rooms/lobby/presence?limit=1").Is(http.StatusOK).Into(&page)
	if len(page.Items) != 1 || page.Items[0].User != "alice" || page.Items[0].Presence != "online" || page.Next == nil {
		t.Errorf("the first page has %+v", page)
	}
	page.Next = nil
	bob.Get("/v1/rooms/lobby/presence?after=alice").Is(http.StatusOK).Into(&page)
	if len(page.Items) != 1 || page.Items[0].User != "bob" || page.Next != nil {
		t.Errorf("the second page has %+v", page)
	}
	there.Close()
	sent := say(t, bob, 1)
	alice.Get(messages, chattest.At(sent.Position()))
	comes(t, chosen, "lobby/3")

	carol := w.As("carol")
	carol.Put("/v1/rooms/lobby/typing", `{"typing":true}`).Problem(http.StatusForbidden, "not_a_member")
	carol.Get("/v1/rooms/lobby/presence").Problem(http.StatusForbidden, "not_a_member")
	bob.Put("/v1/rooms/lobby/typing", `{}`).Problem(http.StatusBadRequest, "missing_field")
	bob.Get("/v1/rooms/none/presence").Problem(http.StatusNotFound, "room_not_found")
	if records := w.Log.Len(); records != 4 {
		t.Errorf("the log has %d records, none of them ephemeral", records)
	}
}
