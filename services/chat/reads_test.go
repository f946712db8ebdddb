package chat_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

type page struct {
	Items []struct {
		ID, Text string
		Seq      int
		SentAt   time.Time `json:"sent_at"`
	}
	Next, Prev *string
}

func (p page) seqs() (out []int) {
	for _, m := range p.Items {
		out = append(out, m.Seq)
	}
	return out
}

func cursor(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

// Pages: seqs 2 to 11 are messages, 1 made the room and 12 is a join.
func TestMessagePages(t *testing.T) {
	w, alice := lobby(t)
	alice.Get(messages).Into(new(page)) // an empty room has an empty page
	for i := range 10 {
		alice.Post(messages, fmt.Sprintf(`{"text":"%d"}`, i)).Is(http.StatusAccepted)
	}
	join(t, w, "bob")
	var all page
	alice.Get(messages).Into(&all)
	third := url.QueryEscape(all.Items[3].SentAt.Format(time.RFC3339Nano))
	for _, tc := range []struct {
		query, seqs, prev, next string
	}{
		{"", "[2 3 4 5 6 7 8 9 10 11]", "-", "-"},
		{"limit=3", "[9 10 11]", "9", "-"},
		{"limit=3&before=9", "[6 7 8]", "6", "8"},
		{"limit=3&before=5", "[2 3 4]", "-", "4"},
		{"before=2", "[]", "-", "1"},
		{"before=100&limit=2", "[10 11]", "10", "-"},
		{"limit=3&after=0", "[2 3 4]", "-", "4"},
		{"limit=3&after=4", "[5 6 7]", "5", "7"},
		{"limit=3&after=8", "[9 10 11]", "9", "-"},
		{"after=11", "[]", "12", "-"},
		{"after=100", "[]", "101", "-"},
		{"limit=5&around=6", "[4 5 6 7 8]", "4", "8"},
		{"limit=4&around=6", "[5 6 7 8]", "5", "8"},
		{"limit=1&around=6", "[6]", "6", "6"},
		{"limit=5&around=2", "[2 3 4 5 6]", "-", "6"},
		{"limit=5&around=11", "[7 8 9 10 11]", "7", "-"},
		{"limit=200&around=6", "[2 3 4 5 6 7 8 9 10 11]", "-", "-"},
		{"limit=2&at=2001-01-01T00:00:00Z", "[2 3]", "-", "3"},
		{"at=2100-01-01T00:00:00Z", "[]", "13", "-"},
		{"limit=2&at=" + third, "", "", ""},
	} {
		t.Run(tc.query, func(t *testing.T) {
			var p page
			alice.In(t).Get(messages + "?" + tc.query).Is(http.StatusOK).Into(&p)
			if tc.seqs == "" { // times may be equal
				if len(p.Items) != 2 || p.Items[0].SentAt.Before(all.Items[3].SentAt) || p.Items[0].Seq > 5 {
					t.Errorf("seqs %v", p.seqs())
				}
				return
			}
			if got := fmt.Sprint(p.seqs()); got != tc.seqs || cursor(p.Prev) != tc.prev || cursor(p.Next) != tc.next {
				t.Errorf("%s prev %s next %s, want %s %s %s", got, cursor(p.Prev), cursor(p.Next), tc.seqs, tc.prev, tc.next)
			}
		})
	}
	t.Run("back and forth", func(t *testing.T) {
		seen, p := 0, page{}
		for path := messages + "?limit=4"; ; path = messages + "?limit=4&before=" + *p.Prev {
			p = page{}
			alice.Get(path).Into(&p)
			if seen += len(p.Items); p.Prev == nil {
				break
			}
		}
		for {
			p.Items = nil
			if p.Next == nil {
				break
			}
			after := *p.Next
			p.Next = nil
			alice.Get(messages + "?limit=4&after=" + after).Into(&p)
			seen += len(p.Items)
		}
		if seen != 10+8 { // the last page back had the first two
			t.Errorf("%d messages seen", seen)
		}
	})
	one := alice.Get(messages + "/" + all.Items[0].ID).Is(http.StatusOK)
	if one.Text("text") != "0" || one.Text("type") != "text" || one.Field("seq") != 2.0 {
		t.Errorf("message %s", one.Body)
	}
}

func TestMessageComesBackWhole(t *testing.T) {
	_, alice := lobby(t)
	root := alice.Post(messages, `{"text":"root"}`, chattest.Wait).Is(http.StatusCreated).Text("id")
	body := `{"text":"ünï😀\n\"<&>","format":"markdown","type":"notice","client_msg_id":"c","reply_to":"` + root + `","thread_root":"` + root + `",
	 "mentions":["bob","x:y@z"],"attachments":[{"url":"https://x/y?z=1","media_type":"image/png","name":"n","size":12345678901,"digest":"sha256:00"}],"data":{"n":1.50,"deep":{"a":[null]}}}`
	sent := alice.Post(messages, body, chattest.Wait).Is(http.StatusCreated)
	read := alice.Get(messages + "/" + sent.Text("id")).Is(http.StatusOK)
	if string(sent.Body) != string(read.Body) {
		t.Errorf("sent %s, read %s", sent.Body, read.Body)
	}
	for _, part := range []string{`"n":1.50`, `"size":12345678901`, `"thread_root":"` + root, `"client_msg_id":"c"`, `"type":"notice"`} {
		if !strings.Contains(string(read.Body), part) {
			t.Errorf("%s is not in %s", part, read.Body)
		}
	}
	if read.Text("text") != "ünï😀\n\"<&>" {
		t.Errorf("text %q", read.Text("text"))
	}
}

func TestRooms(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	for _, room := range []string{"a", "b", "c"} {
		alice.Put("/v1/rooms/"+room, `{"kind":"private","name":"`+room+`","metadata":{"x":1}}`, chattest.Wait).Is(http.StatusCreated)
	}
	alice.Put("/v1/rooms/b/members/bob", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK)
	alice.Post("/v1/rooms/a/messages", `{"text":"hello"}`, chattest.Wait).Is(http.StatusCreated)

	var rooms struct {
		Items []struct {
			Room, Name, Membership, Role string
			Seq                          int
			LastMessage                  *struct{ Text string } `json:"last_message"`
		}
		Next *string
	}
	last := alice.Get("/v1/rooms").Is(http.StatusOK)
	last.Into(&rooms)
	if len(rooms.Items) != 3 || rooms.Items[0].Room != "a" || rooms.Items[0].LastMessage.Text != "hello" || rooms.Items[0].Seq != 2 || rooms.Next != nil {
		t.Fatalf("rooms %s", last.Body)
	}
	var names []string
	for path := "/v1/rooms?limit=1"; ; path = "/v1/rooms?limit=1&after=" + *rooms.Next {
		rooms.Next = nil
		alice.Get(path).Into(&rooms)
		names = append(names, rooms.Items[0].Room)
		if rooms.Next == nil {
			break
		}
	}
	if len(names) != 3 || names[0] != "a" {
		t.Errorf("one by one: %v", names)
	}
	rooms.Items = nil
	bob.Get("/v1/rooms").Into(&rooms)
	if len(rooms.Items) != 1 || rooms.Items[0].Membership != "invite" || rooms.Items[0].Seq != 0 || rooms.Items[0].Name != "b" {
		t.Errorf("bob's rooms %+v", rooms.Items)
	}

	// The invited see that it is there, and no more; they may look at themselves.
	seen := bob.Get("/v1/rooms/b").Is(http.StatusOK)
	if seen.Text("name") != "b" || seen.Field("metadata") != nil || seen.Field("seq") != nil || seen.Field("members") != 1.0 {
		t.Errorf("the invited see %s", seen.Body)
	}
	if got := bob.Get("/v1/rooms/b/members/bob").Is(http.StatusOK); got.Text("membership") != "invite" {
		t.Errorf("bob is %s", got.Body)
	}
	bob.Get("/v1/rooms/b/members/alice").Problem(http.StatusForbidden, "not_a_member")
	bob.Get("/v1/rooms/b/messages").Problem(http.StatusForbidden, "not_a_member")
	bob.Put("/v1/rooms/b/members/bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	if full := bob.Get("/v1/rooms/b").Is(http.StatusOK); full.Field("seq") != 3.0 || full.Field("members") != 2.0 || full.Field("metadata") == nil {
		t.Errorf("a member sees %s", full.Body)
	}
	bob.Put("/v1/rooms/b/members/bob", `{"membership":"leave"}`, chattest.Wait).Is(http.StatusOK)
	bob.Get("/v1/rooms/b").Problem(http.StatusNotFound, "room_not_found")
	bob.Get("/v1/rooms").Into(&rooms)
	if len(rooms.Items) != 0 {
		t.Errorf("bob's rooms %+v", rooms.Items)
	}
}

func TestEventPages(t *testing.T) {
	w, alice := lobby(t)
	for range 4 {
		alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	}
	join(t, w, "bob")
	for _, tc := range []struct {
		query, seqs, next string
		cursor            float64
	}{
		{"", "[1 2 3 4 5 6]", "-", 6},
		{"after=2&limit=2", "[3 4]", "4", 4},
		{"after=4&limit=2", "[5 6]", "-", 6},
		{"after=6", "[]", "-", 6},
		{"after=9", "[]", "-", 9},
		{"types=message.posted&limit=3", "[2 3 4]", "4", 4},
		{"types=message.posted", "[2 3 4 5]", "-", 6},
		{"types=room.created,member.changed", "[1 6]", "-", 6},
	} {
		var p page
		a := alice.Get("/v1/rooms/lobby/events?" + tc.query).Is(http.StatusOK)
		a.Into(&p)
		if got := fmt.Sprint(p.seqs()); got != tc.seqs || cursor(p.Next) != tc.next || a.Field("cursor") != tc.cursor {
			t.Errorf("%s: %s next %s cursor %v", tc.query, got, cursor(p.Next), a.Field("cursor"))
		}
	}
}

func TestLongPoll(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	answers := make(chan chattest.Answer, 1)
	go func() { answers <- bob.Get("/v1/rooms/lobby/events?after=2&wait=20&types=message.posted") }()
	until(t, func() bool { return w.Followers() == 1 })
	alice.Put("/v1/rooms/lobby/members/carol", `{"membership":"invite"}`, chattest.Wait).Is(http.StatusOK) // not what bob waits for
	alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	var p page
	a := <-answers
	a.Is(http.StatusOK).Into(&p)
	if fmt.Sprint(p.seqs()) != "[4]" || a.Field("cursor") != 4.0 {
		t.Errorf("answer %s", a.Body)
	}
	if a := bob.Get("/v1/rooms/lobby/events?after=4&wait=1").Is(http.StatusOK); a.Field("cursor") != 4.0 {
		t.Errorf("nothing came, and the answer is %s", a.Body)
	}
	go func() { answers <- bob.Get("/v1/rooms/lobby/events?after=4&wait=20") }()
	until(t, func() bool { return w.Followers() == 1 })
	alice.Put("/v1/rooms/lobby/members/bob", `{"membership":"ban"}`, chattest.Wait).Is(http.StatusOK)
	(<-answers).Problem(http.StatusForbidden, "not_a_member")
}

// Read your writes, while the projector is behind.
func TestPositions(t *testing.T) {
	w, alice := lobby(t)
	w.Hold()
	sent := alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	alice.Get(messages, chattest.At(sent.Position()), h("Prefer", "wait=1")).Problem(http.StatusServiceUnavailable, "read_model_behind")
	var stale page
	alice.Get(messages).Is(http.StatusOK).Into(&stale) // without a position: what is there
	if len(stale.Items) != 0 {
		t.Errorf("page %+v", stale)
	}
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			var p page
			alice.Get(messages, chattest.At(sent.Position())).Is(http.StatusOK).Into(&p)
			if len(p.Items) != 1 {
				t.Errorf("page %+v", p)
			}
		})
	}
	w.Resume()
	g.Wait()
}

// A token is joined with what answers add, and loses what everyone sees.
func TestPositionsJoin(t *testing.T) {
	w, alice := lobby(t)
	var other string // in another partition
	for i := range 20 {
		other = fmt.Sprintf("r%d", i)
		alice.Put("/v1/rooms/"+other, `{"kind":"public"}`, chattest.Wait).Is(http.StatusCreated)
		if w.PartitionOf(events.RoomID(other)) != w.PartitionOf("lobby") {
			break
		}
	}
	w.Hold()
	one := alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted).Position()
	both := alice.Post("/v1/rooms/"+other+"/messages", `{"text":"a"}`, chattest.At(one)).Is(http.StatusAccepted).Position()
	v, err := events.ParseToken(both)
	if err != nil || v.Len() != 2 {
		t.Fatalf("%v, %d partitions", err, v.Len())
	}
	w.Resume()
	a := alice.Get("/v1/rooms/"+other+"/messages", chattest.At(both)).Is(http.StatusOK)
	alice.Get(messages, chattest.At(both)).Is(http.StatusOK)
	v, err = events.ParseToken(alice.Get("/v1/rooms/"+other, chattest.At(a.Position())).Is(http.StatusOK).Position())
	if err != nil || v.Len() != 1 {
		t.Errorf("%v, %d partitions", err, v.Len())
	}
	if _, ok := v.Next(w.PartitionOf(events.RoomID(other))); !ok {
		t.Error("the answer's own partition is missing")
	}
	v, err = events.ParseToken(alice.Get("/v1/rooms", chattest.At(both)).Is(http.StatusOK).Position())
	if err != nil || v.Len() != chattest.Partitions { // where a stream of all rooms goes on
		t.Errorf("%v, %d partitions", err, v.Len())
	}
}

// What the read model says no to is as of a position too.
func TestProblemsHavePositions(t *testing.T) {
	w, alice := lobby(t)
	bob := w.As("bob")
	at := alice.Get("/v1/rooms/lobby").Position()
	for _, got := range []chattest.Answer{
		bob.Get(messages, chattest.At(at)).Problem(http.StatusForbidden, "not_a_member"),
		alice.Get(messages+"/nothing", chattest.At(at)).Problem(http.StatusNotFound, "message_not_found"),
		alice.Get("/v1/rooms/lobby/outcomes/nothing", chattest.At(at)).Problem(http.StatusNotFound, "outcome_not_found"),
	} {
		if got.Position() != at {
			t.Errorf("position %q, want %q: %s", got.Position(), at, got.Body)
		}
	}
	if got := alice.Get(messages + "?limit=0"); got.Position() != "" {
		t.Errorf("a position of what was not read: %s", got.Body)
	}
}

// Preferences may stand in several lines.
func TestPreferencesInTwoLines(t *testing.T) {
	w, _ := lobby(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+messages, strings.NewReader(`{"text":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+chattest.Token("alice"))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Add("Prefer", "respond-async")
	req.Header.Add("Prefer", "wait=10")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusCreated || res.Header.Get("Preference-Applied") != "wait=10" {
		t.Errorf("status %d, %v", res.StatusCode, res.Header)
	}
}
