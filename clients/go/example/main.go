// Command example says hello in the lobby and follows it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	roomlog "github.com/roomlog/roomlog/clients/go"
)

func main() {
	server := "http://127.0.0.1:8080"
	if len(os.Args) > 1 {
		server = os.Args[1]
	}
	if err := run(context.Background(), server); err != nil {
		slog.Error("it ended", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, server string) error {
	me, err := roomlog.New(server, roomlog.StaticToken(os.Getenv("TOKEN")))
	if err != nil {
		return err
	}
	wait := new("wait=5")
	_, err = me.PutRoomWithResponse(ctx, "lobby", &roomlog.PutRoomParams{Prefer: wait}, roomlog.RoomRequest{Kind: "public", Name: "Lobby"})
	if err != nil {
		return err
	}
	_, err = me.PostMessageWithResponse(ctx, "lobby", &roomlog.PostMessageParams{Prefer: wait}, roomlog.MessageRequest{Text: "Hello"})
	if err != nil {
		return err // an *roomlog.Error, with a code
	}
	for told, err := range me.Follow(ctx, "lobby", nil) {
		if err != nil {
			return err
		}
		if told.Type != "message.posted" {
			continue
		}
		event, err := told.Event()
		if err != nil {
			return err
		}
		message, err := event.Data.AsMessagePostedData()
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", event.Sender, message.Text)
	}
	return nil
}
