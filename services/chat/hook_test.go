package chat_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/chat"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// hookServer is a hook whose answers a test chooses.
type hookServer struct {
	*httptest.Server
	asked  atomic.Int64
	last   atomic.Value // []byte: the body
	answer atomic.Value // http.HandlerFunc
}

func startHook(t *testing.T) *hookServer {
	t.Helper()
	s := &hookServer{}
	s.says(http.StatusNoContent, "")
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.asked.Add(1)
		s.last.Store(body)
		mac := hmac.New(sha256.New, []byte(chattest.TestSecret))
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if got := r.Header.Get("webhook-signature"); got != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			t.Errorf("signature %q", got)
		}
		s.answer.Load().(http.HandlerFunc)(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *hookServer) says(status int, body string) {
	s.answer.Store(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
}

// use makes an API ask the hook about messages, for which it has plenty of time.
func (s *hookServer) use(onFailure string) func(*chat.Config) {
	return func(c *chat.Config) {
		c.Hook = chat.HookConfig{
			URL: s.URL, Secret: chat.Secret(chattest.TestSecret), OnFailure: onFailure, Timeout: 5 * time.Second,
			Types: []string{"message.posted"},
		}
	}
}

// The program sees whom a message mentions, those too who are there.
func TestHookSeesWhoIsHere(t *testing.T) {
	s := startHook(t)
	w, alice := lobby(t, s.use("refuse"))
	bob := join(t, w, "bob")
	t.Cleanup(bob.Follow(allPath, false).Close)
	shows(t, alice, "lobby", "bob")
	s.says(http.StatusOK, `{"action":"replace","text":"dinner"}`)
	var m shown
	alice.Post(messages, toThoseHere, chattest.Wait).Is(http.StatusCreated).Into(&m)
	if body := s.last.Load().([]byte); !strings.Contains(string(body), `"mentions":["bob"]`) || fmt.Sprint(m.Mentions) != "[bob]" || m.Text != "dinner" {
		t.Errorf("the hook was sent %s, the message is %+v", body, m)
	}
}

func TestHookDecides(t *testing.T) {
	s := startHook(t)
	w, alice := lobby(t, s.use("refuse"))
	if s.asked.Load() != 0 {
		t.Error("asked about what it is not for")
	}
	first := alice.Post(messages, `{"text":"hello"}`, chattest.Key("k1"), chattest.Wait).Is(http.StatusCreated)
	var got struct {
		Type, Timestamp string
		Data            struct {
			Tenant, Room, Sender, Actor string
			EventID                     string `json:"event_id"`
			Data                        struct{ Text, Type string }
		}
	}
	if err := json.Unmarshal(s.last.Load().([]byte), &got); err != nil {
		t.Fatal(err)
	}
	if d := got.Data; got.Type != "message.posted" || d.Tenant != "main" || d.Room != "lobby" || d.Sender != "alice" || d.Actor != "" ||
		d.EventID != first.Text("id") || d.Data.Text != "hello" || d.Data.Type != "text" {
		t.Errorf("the hook was sent %s", s.last.Load())
	}

	before := w.Log.Len()
	s.says(http.StatusOK, `{"action":"refuse","reason":"no links here"}`)
	if a := alice.Post(messages, `{"text":"https://x"}`).Problem(http.StatusForbidden, "refused_by_hook"); a.Text("detail") != "no links here" {
		t.Errorf("refused: %s", a.Body)
	}
	again := alice.Post(messages, `{"text":"hello"}`, chattest.Key("k1"), chattest.Wait).Is(http.StatusCreated)
	if again.Text("id") != first.Text("id") || w.Log.Len() != before {
		t.Error("what is in the log is asked about again")
	}

	s.says(http.StatusOK, `{"action":"replace","text":"h***o"}`)
	replaced := alice.Post(messages, `{"text":"hullo","data":{"x":1}}`, chattest.Key("k2"), chattest.Wait).Is(http.StatusCreated)
	if replaced.Text("text") != "h***o" || replaced.Field("data") == nil {
		t.Errorf("replaced: %s", replaced.Body)
	}
	asked := s.asked.Load()
	repeated := alice.Post(messages, `{"text":"hullo","data":{"x":1}}`, chattest.Key("k2"), chattest.Wait).Is(http.StatusCreated)
	if repeated.Text("id") != replaced.Text("id") || s.asked.Load() != asked {
		t.Errorf("sent again: %s, asked %d times more", repeated.Body, s.asked.Load()-asked)
	}

	bot := w.As("bot", claim("scope", "service"))
	bot.Post(messages, `{"text":"a"}`, actAs("alice")).Is(http.StatusAccepted)
	if err := json.Unmarshal(s.last.Load().([]byte), &got); err != nil || got.Data.Actor != "bot" || got.Data.Sender != "alice" {
		t.Errorf("who acts: %s, %v", s.last.Load(), err)
	}
	asked = s.asked.Load()
	w.As("mallory").Post(messages, `{"text":"a"}`).Problem(http.StatusForbidden, "not_a_member")
	if s.asked.Load() != asked {
		t.Error("asked about what the room refuses")
	}
}

// What is not an answer is a failure, and the operator has said what comes of it.
func TestHookFails(t *testing.T) {
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"an error":        {http.StatusInternalServerError, `{"action":"allow"}`},
		"a redirect":      {http.StatusTemporaryRedirect, ""},
		"no JSON":         {http.StatusOK, "yes"},
		"nothing":         {http.StatusOK, ""},
		"no action":       {http.StatusOK, `{}`},
		"another action":  {http.StatusOK, `{"action":"think"}`},
		"too much":        {http.StatusOK, `{"action":"allow"}` + strings.Repeat(" ", 70<<10)},
		"an empty text":   {http.StatusOK, `{"action":"replace"}`},
		"a text too long": {http.StatusOK, `{"action":"replace","text":"` + strings.Repeat("x", 17<<10) + `"}`},
		"U+0000":          {http.StatusOK, `{"action":"replace","text":"a\u0000"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := startHook(t)
			closed, alice := lobby(t, s.use("refuse"))
			before := closed.Log.Len()
			s.says(answer.status, answer.body)
			if a := alice.Post(messages, `{"text":"a"}`).Problem(http.StatusServiceUnavailable, "hook_unavailable"); a.Field("retryable") != true || closed.Log.Len() != before {
				t.Errorf("refused: %s", a.Body)
			}
			_, alice = lobby(t, s.use("allow"))
			if a := alice.Post(messages, `{"text":"a"}`, chattest.Wait).Is(http.StatusCreated); a.Text("text") != "a" {
				t.Errorf("allowed: %s", a.Body)
			}
		})
	}
}

// A hook that does not answer costs a few commands their time, then one a second.
func TestSlowHook(t *testing.T) {
	s := startHook(t)
	s.answer.Store(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	_, alice := lobby(t, s.use("allow"), func(c *chat.Config) { c.Hook.Timeout = 20 * time.Millisecond })
	began := time.Now()
	for range 20 {
		alice.Post(messages, `{"text":"a"}`).Is(http.StatusAccepted)
	}
	if asked, most := s.asked.Load(), 3+int64(time.Since(began)/time.Second); asked > most {
		t.Errorf("asked %d times, at most %d is right", asked, most)
	}
	s.says(http.StatusOK, `{"action":"refuse"}`)
	until(t, func() bool { return alice.Post(messages, `{"text":"a"}`).Status == http.StatusForbidden })
}
