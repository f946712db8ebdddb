package chat_test

import (
	"net/http"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

func TestPathOfOneMessage(t *testing.T) {
	w := chattest.Start(t)
	alice := w.As("alice")
	room := alice.Put("/v1/rooms/lobby", map[string]any{"kind": "public", "name": "Lobby"}, chattest.Wait).Is(http.StatusCreated)
	if room.Field("seq") != 1.0 || room.Text("name") != "Lobby" || room.Header.Get("Preference-Applied") != "wait=10" {
		t.Fatalf("room %s, %v", room.Body, room.Header)
	}
	sent := alice.Post("/v1/rooms/lobby/messages", map[string]any{"text": "Hello"}).Is(http.StatusAccepted)
	if sent.Header.Get("Location") != "/v1/rooms/lobby/outcomes/"+sent.Text("event_id") || sent.Text("position") != sent.Position() {
		t.Fatalf("answer %s, %v", sent.Body, sent.Header)
	}
	outcome := alice.Get(sent.Header.Get("Location"), chattest.At(sent.Position())).Is(http.StatusOK)
	if outcome.Text("status") != "accepted" || outcome.Field("seq") != 2.0 {
		t.Fatalf("outcome %s", outcome.Body)
	}
	var page struct {
		Items []struct {
			ID, Text, Sender, Type string
			Seq                    int
		}
		Next, Prev *string
	}
	alice.Get("/v1/rooms/lobby/messages", chattest.At(sent.Position())).Is(http.StatusOK).Into(&page)
	if len(page.Items) != 1 || page.Items[0].ID != sent.Text("event_id") || page.Items[0].Text != "Hello" || page.Items[0].Seq != 2 ||
		page.Next != nil || page.Prev != nil {
		t.Fatalf("page %+v", page)
	}
}
