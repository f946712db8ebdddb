package ephemeral

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/live"
)

// Whatever another replica tells: those who follow get JSON or nothing.
func FuzzTake(f *testing.F) {
	f.Add([]byte(`{"replica":"b","tenant":"main","typing":{"room":"lobby","user":"bob","typing":true}}`))
	f.Add([]byte(`{"replica":"b","tenant":"main","change":{"user":"bob","online":true,"rooms":["lobby",""]}}`))
	f.Add([]byte(`{"replica":"b","here":["main/bob","x","/","main/bob"]}`))
	f.Add([]byte(`{"typing":{},"change":{},"here":null}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		hub := live.NewHub(slog.New(slog.DiscardHandler), nil)
		b := New(Config{
			Replica: "a", Hub: hub, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
			Rooms: func(context.Context, auth.Account) ([]events.RoomID, error) { return nil, nil },
		})
		sub := hub.Subscribe(lobby, 0)
		defer sub.Close()
		b.hear(message.NewMessage("", payload))
		frames, _ := sub.Take()
		for _, frame := range frames {
			if !json.Valid(frame.Item) {
				t.Errorf("%s tells %s", payload, frame.Item)
			}
		}
	})
}
