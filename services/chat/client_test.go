package chat_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/oapi-codegen/nullable"
	"golang.org/x/sync/errgroup"

	roomlog "github.com/roomlog/roomlog/clients/go"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// connections of a client, which can be cut.
type connections struct {
	mu   sync.Mutex
	open []net.Conn
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, conn)
	return conn, err
}

func (c *connections) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

// goClient is the Go client (clients/go), every answer to which is held against the
// description.
func goClient(t *testing.T, w *chattest.World, user string) (*roomlog.Client, *connections) {
	t.Helper()
	conns := &connections{}
	transport := &http.Transport{DialContext: conns.dial}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := roomlog.New(w.URL, roomlog.StaticToken(chattest.Token(user)), roomlog.WithHTTPClient(w.Checked(transport)))
	if err != nil {
		t.Fatal(err)
	}
	return c, conns
}

// must gives the answer of an operation that succeeds.
func must[T any](answer T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

func post(t *testing.T, c *roomlog.Client, room, text string) *roomlog.PostMessageResponse {
	t.Helper()
	return must(c.PostMessageWithResponse(t.Context(), room, nil, roomlog.MessageRequest{Text: text}))(t)
}

func enter(t *testing.T, owner *roomlog.Client, other *roomlog.Client, user string, rooms ...string) {
	t.Helper()
	wait := new("wait=10")
	for _, room := range rooms {
		must(owner.PutRoomWithResponse(t.Context(), room, &roomlog.PutRoomParams{Prefer: wait}, roomlog.RoomRequest{Kind: "public"}))(t)
		must(other.PutMemberWithResponse(t.Context(), room, user, &roomlog.PutMemberParams{Prefer: wait}, roomlog.MemberRequest{Membership: "join"}))(t)
	}
}

func TestGoClientSendsAndReads(t *testing.T) {
	w := chattest.Start(t)
	alice, _ := goClient(t, w, "alice")
	wait := new("wait=10")
	room := must(alice.PutRoomWithResponse(t.Context(), "lobby", &roomlog.PutRoomParams{Prefer: wait}, roomlog.RoomRequest{
		Kind: "public", Name: "Lobby", Settings: roomlog.Settings{SlowMode: 30},
	}))(t).JSON201
	if room == nil || room.Name != "Lobby" || room.Settings.SlowMode != 30 || room.CreatedAt.IsZero() {
		t.Fatalf("the room is %+v", room)
	}
	for i := range 5 {
		sent := must(alice.PostMessageWithResponse(t.Context(), "lobby", &roomlog.PostMessageParams{Prefer: wait}, roomlog.MessageRequest{
			Text: fmt.Sprint(i), Data: map[string]any{"n": i},
		}))(t).JSON201
		if sent == nil || sent.Text != fmt.Sprint(i) || sent.Seq != int64(i)+2 {
			t.Fatalf("message %d is %+v", i, sent)
		}
	}
	patched := must(alice.PatchRoomWithResponse(t.Context(), "lobby", &roomlog.PatchRoomParams{Prefer: wait}, roomlog.RoomPatch{
		Name: nullable.NewNullNullable[string](), Settings: nullable.NewNullableWithValue(roomlog.SettingsPatch{SlowMode: nullable.NewNullNullable[int]()}),
	}))(t).JSON200
	if patched == nil || patched.Name != "" || patched.Settings.SlowMode != 0 {
		t.Errorf("patched it is %+v", patched)
	}

	var texts []string
	for after := int64(0); ; {
		page := must(alice.ListMessagesWithResponse(t.Context(), "lobby", &roomlog.ListMessagesParams{After: &after, Limit: new(2)}))(t).JSON200
		for _, m := range page.Items {
			texts, after = append(texts, m.Text), m.Seq
		}
		if page.Next == "" {
			break
		}
	}
	if fmt.Sprint(texts) != "[0 1 2 3 4]" {
		t.Errorf("the pages have %q", texts)
	}
}

func TestGoClientReadsItsOwnWrites(t *testing.T) {
	w := chattest.Start(t)
	alice, _ := goClient(t, w, "alice")
	bob, _ := goClient(t, w, "bob")
	enter(t, alice, bob, "bob", "lobby")
	newest := &roomlog.ListMessagesParams{Prefer: new("wait=1")}
	w.Hold()
	if sent := post(t, alice, "lobby", "hello").JSON202; sent == nil || sent.Position == "" || sent.Position != alice.Position() {
		t.Errorf("the answer is %+v, the position %q", sent, alice.Position())
	}
	if seen := must(bob.ListMessagesWithResponse(t.Context(), "lobby", newest))(t); len(seen.JSON200.Items) != 0 {
		t.Errorf("bob sees %+v before it is folded", seen.JSON200.Items)
	}
	_, err := alice.ListMessagesWithResponse(t.Context(), "lobby", newest)
	if e, ok := errors.AsType[*roomlog.Error](err); !ok || e.Code != "read_model_behind" || !e.Retryable || e.RetryAfter <= 0 {
		t.Errorf("error %v before it is folded", err)
	}
	w.Resume()
	if seen := must(alice.ListMessagesWithResponse(t.Context(), "lobby", nil))(t); len(seen.JSON200.Items) != 1 {
		t.Errorf("alice sees %+v", seen.JSON200.Items)
	}
}

func TestGoClientGetsProblems(t *testing.T) {
	w := chattest.Start(t)
	alice, _ := goClient(t, w, "alice")
	_, err := alice.GetRoomWithResponse(t.Context(), "nowhere", nil)
	if e, ok := errors.AsType[*roomlog.Error](err); !ok || e.Status != http.StatusNotFound || e.Code != "room_not_found" || e.RequestID == "" || e.Retryable {
		t.Errorf("error %v", err)
	}
	if _, err = alice.PutRoomWithResponse(t.Context(), "x", nil, roomlog.RoomRequest{Kind: "secret"}); roomlog.CodeOf(err) != "invalid_field" {
		t.Errorf("error %v", err)
	}
	for _, err = range alice.Follow(t.Context(), "nowhere", nil) {
		if roomlog.CodeOf(err) != "room_not_found" {
			t.Errorf("error %v", err)
		}
	}
}

// bob follows a room and, apart from that, all of his. Both streams are cut, more
// happens, and at last he is kicked.
func TestGoClientFollows(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	w := chattest.Start(t)
	alice, _ := goClient(t, w, "alice")
	bob, conns := goClient(t, w, "bob")
	enter(t, alice, bob, "bob", "lobby", "den")
	now := must(bob.ListRoomsWithResponse(ctx, nil))(t).HTTPResponse.Header.Get("Roomlog-Position")

	var g errgroup.Group
	inLobby, anywhere := make(chan string, 16), make(chan string, 16)
	g.Go(func() error {
		defer close(inLobby)
		return listen(bob.Follow(ctx, "lobby", nil), map[string]int64{}, inLobby)
	})
	g.Go(func() error {
		defer close(anywhere)
		return listen(bob.FollowAll(ctx, &roomlog.ListPersonEventsParams{After: &now}), map[string]int64{"lobby": 2, "den": 2}, anywhere)
	})
	expect := func(text string, from ...chan string) {
		t.Helper()
		for _, c := range from {
			if got, ok := <-c; !ok || got != text {
				cancel()
				t.Fatalf("bob has heard %q, not %q: %v", got, text, g.Wait())
			}
		}
	}
	post(t, alice, "lobby", "one")
	expect("one", inLobby, anywhere)
	conns.cut()
	post(t, alice, "lobby", "two")
	expect("two", inLobby, anywhere)
	must(alice.PutMemberWithResponse(ctx, "lobby", "bob", nil, roomlog.MemberRequest{Membership: "leave"}))(t)
	post(t, alice, "lobby", "three")
	post(t, alice, "den", "four")
	expect("four", anywhere)
	if _, open := <-inLobby; open {
		t.Error("bob hears what is said after he was kicked")
	}
	cancel()
	if err := g.Wait(); roomlog.CodeOf(err) != "not_a_member" {
		t.Error(err)
	}
}

// listen gives on what is posted. Of each room every event has to come, in order.
func listen(stream iter.Seq2[roomlog.Told, error], seqs map[string]int64, posted chan<- string) error {
	for told, err := range stream {
		if err != nil {
			return err
		}
		if told.Cursor == "" {
			continue // someone has come, or gone
		}
		e, err := told.Event()
		if err != nil || e.Seq != seqs[e.Room]+1 || string(e.Type) != told.Type {
			return fmt.Errorf("after %d of %s comes %s %s: %w", seqs[e.Room], e.Room, told.Cursor, told.Data, err)
		}
		seqs[e.Room] = e.Seq
		if told.Type != "message.posted" {
			continue
		}
		said, err := e.Data.AsMessagePostedData()
		if err != nil {
			return err
		}
		posted <- said.Text
	}
	return errors.New("the stream has no end")
}
