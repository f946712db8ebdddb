package chat_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// mute is a timeline that says nothing.
type mute struct{}

func (mute) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

func (mute) Close() error { return nil }

// A listener that fails ends the service as a whole: streams and readiness too.
func TestServingFails(t *testing.T) {
	w := chattest.Start(t)
	cfg := chat.Config{Listen: "127.0.0.1:0", Secret: chat.Secret(chattest.TestSecret)}
	s, err := chat.New(cfg, chat.Deps{Log: w.Log, Store: w.Store, Timeline: mute{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := cfg.ListenAPI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := s.Run(t.Context(), l); err == nil {
		t.Error("the service served on a closed listener")
	}
	for _, c := range s.Checks() {
		if c.Name != "serving" {
			continue
		}
		if _, err := c.Run(t.Context()); err == nil {
			t.Error("it says that it serves")
		}
		return
	}
	t.Error("no check of serving")
}
