package fuzz

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
	"github.com/roomlog/roomlog/services/roomlog/internal/bench"
)

const program = "github.com/roomlog/roomlog/services/roomlog/cmd/roomlog"

// doomed is how many rooms there are to be deleted; hooks.py names them too.
const doomed = 50

// world is a running roomlog with rooms in all states, and the words by which
// requests can name what is in it.
type world struct {
	t    *testing.T
	bin  string
	data string
	url  string
	run  *proc.Process
	// people are clients by user.
	people map[string]*client.Client
	// words are by the dictionary of schemathesis.toml.
	words map[string][]string
}

// newWorld starts everything, without limits that a fuzzer would meet.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, bin: proc.Build(t, program), data: t.TempDir(), people: map[string]*client.Client{}, words: map[string][]string{}}
	args := append([]string{"run", "--data", w.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, bench.Unlimited...)
	w.run = proc.Start(t, w.bin, args...)
	w.url = w.run.MustReady(t)
	w.fill()
	return w
}

// token is one for a user of the data directory.
func (w *world) token(user string, more ...string) string {
	w.t.Helper()
	return proc.Output(w.t, w.bin, append([]string{"token", user, "--data", w.data}, more...)...)
}

// as sends a command and gives what it became. It waits for the verdict.
func (w *world) as(user, method, path, body string) (answer struct {
	ID      string `json:"id"`
	EventID string `json:"event_id"`
},
) {
	w.t.Helper()
	c := w.people[user]
	if c == nil {
		c = client.New(w.url, w.token(user))
		w.t.Cleanup(c.Close)
		w.people[user] = c
	}
	r := client.Request{Method: method, Path: path, Header: http.Header{"Prefer": {"wait=30"}}}
	if body != "" {
		r.Body = []byte(body)
	}
	a, err := c.JSON(w.t.Context(), r, &answer)
	if err != nil {
		w.t.Fatalf("%s: %v", user, err)
	}
	w.words["positions"] = append(w.words["positions"], a.Header.Get(client.PositionHeader))
	for _, id := range []string{answer.ID, answer.EventID} {
		if id != "" {
			w.words["events"] = append(w.words["events"], id)
		}
	}
	return answer
}

// says posts a message and gives its id.
func (w *world) says(user, room, text, more string) string {
	w.t.Helper()
	id := w.as(user, "POST", "/v1/rooms/"+room+"/messages", fmt.Sprintf(`{"text":%q%s}`, text, more)).ID
	w.words["messages"] = append(w.words["messages"], id)
	return id
}

func (w *world) member(by, room, user, change string) {
	w.t.Helper()
	w.as(by, "PUT", "/v1/rooms/"+room+"/members/"+user, `{"membership":`+change+`}`)
}

func (w *world) fill() {
	w.t.Helper()
	w.words["users"] = []string{"owner", "moderator", "guest", "invited", "banned", "gone", "stranger", "nobody"}
	for _, r := range [][2]string{
		{"lobby", `{"kind":"public","name":"Lobby","metadata":{"color":"blue"}}`},
		{"plans", `{"kind":"private","name":"Plans","settings":{"history":"joined","read_marks":"shared","knocks":true}}`},
		{"slow", `{"kind":"public","settings":{"slow_mode":1,"max_message_length":20,"permissions":{"post":"member","react":"moderator"}}}`},
		{"quiet", `{"kind":"public","settings":{"reactions_off":true,"threads_off":true,"history":"invited"}}`},
		{"archived", `{"kind":"public"}`},
		{"deleted", `{"kind":"public"}`},
	} {
		room := r[0]
		w.as("owner", "PUT", "/v1/rooms/"+room, r[1])
		w.words["rooms"] = append(w.words["rooms"], room, "lobby") // where the messages are
		for _, user := range []string{"moderator", "guest", "invited", "banned", "gone"} {
			w.member("owner", room, user, `"invite"`)
			if user != "invited" {
				w.member(user, room, user, `"join"`)
			}
		}
		w.member("owner", room, "moderator", `"join","role":"moderator"`)
		w.member("owner", room, "guest", `"join","role":"guest"`)
		w.member("owner", room, "banned", `"ban","reason":"spam"`)
		w.member("gone", room, "gone", `"leave"`)
	}
	w.talk()
	w.as("owner", "PATCH", "/v1/rooms/archived", `{"archived":true}`)
	w.as("owner", "DELETE", "/v1/rooms/deleted", "")
	w.as("owner", "PUT", "/v1/direct/moderator", "")
	w.as("owner", "PUT", "/v1/direct/guest", `{"settings":{"read_marks":"shared"}}`)
	w.words["rooms"] = append(w.words["rooms"],
		string(events.DirectRoomID(events.DefaultTenant, "owner", "moderator")), string(events.DirectRoomID(events.DefaultTenant, "owner", "guest")))
	for i := range doomed {
		w.as("owner", "PUT", "/v1/rooms/doomed-"+strconv.Itoa(i), `{"kind":"public"}`)
	}
	another := events.VectorOf(events.LogID{1}, 1, []events.Offset{1, 2, 3, 4}).Token()
	w.words["positions"] = append(w.words["positions"], another)
}

// talk says something of every kind in the rooms.
func (w *world) talk() {
	w.t.Helper()
	for _, room := range []string{"lobby", "plans"} {
		path := "/v1/rooms/" + room + "/messages/"
		root := w.says("owner", room, "root", `,"format":"markdown","mentions":["guest"],"mentions_room":true`)
		w.says("moderator", room, "reply", `,"thread_root":"`+root+`","reply_to":"`+root+`"`)
		w.as("owner", "PATCH", path+root, `{"text":"edited","data":{"x":[1,{"y":null}]}}`)
		w.as("moderator", "PUT", path+root+"/reactions/%F0%9F%91%8D", "")
		w.as("owner", "PUT", path+root+"/reactions/%2B1", "")
		w.as("owner", "PUT", "/v1/rooms/"+room+"/pins/"+root, "")
		with := w.says("owner", room, "", `,"attachments":[{"url":"https://example.com/a.png","media_type":"image/png","size":3}]`)
		w.as("owner", "PUT", "/v1/rooms/"+room+"/pins/"+with, "")
		spam := w.says("moderator", room, "spam", `,"type":"notice","client_msg_id":"c-`+room+`"`)
		w.as("moderator", "DELETE", path+spam+"?reason=spam", "")
		w.as("guest", "PUT", "/v1/rooms/"+room+"/read", `{"seq":3}`)
	}
}

// write writes what schemathesis is run on into a directory: its configuration,
// the dictionaries, and the description with examples that this world has.
func (w *world) write(dir string) {
	w.t.Helper()
	for _, name := range []string{"schemathesis.toml", "hooks.py"} {
		text, err := os.ReadFile(name)
		if err != nil {
			w.t.Fatal(err)
		}
		w.save(dir, name, string(text))
	}
	for name, words := range w.words {
		var text strings.Builder
		for _, word := range words {
			quoted, err := json.Marshal(word)
			if err != nil {
				w.t.Fatal(err)
			}
			text.Write(append(quoted, '\n'))
		}
		w.save(dir, name+".dict", text.String())
	}
	description, err := os.ReadFile(filepath.Join("..", "..", "..", "chat", "api", "openapi.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	examples := strings.NewReplacer("0197a1b2-0000-7000-8000-000000000001", w.words["messages"][0], "AXk", w.words["positions"][0], `'"3"'`, "'*'")
	w.save(dir, "openapi.yaml", examples.Replace(string(description)))
}

func (w *world) save(dir, name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// stop ends the program, which must not have had to log a failure of its own.
func (w *world) stop() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if code, err := w.run.Stop(ctx); code != 0 || err != nil {
		w.t.Errorf("the program ended with %d, %v", code, err)
	}
	for line := range strings.Lines(w.run.Stderr()) {
		if strings.Contains(line, "panic") || strings.Contains(line, "request failed") {
			w.t.Errorf("the program says: %s", line)
		}
	}
}
