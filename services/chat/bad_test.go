package chat_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

type header = chattest.Header

func h(name, value string) header { return header{Name: name, Value: value} }

func bearer(token string) header { return header{Name: "Authorization", Value: "Bearer " + token} }

func signed(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func claim(name string, v any) func(jwt.MapClaims) {
	return func(c jwt.MapClaims) {
		if c[name] = v; v == nil {
			delete(c, name)
		}
	}
}

// Whatever is wrong with a request, it gets its 4xx with a code, and the log stays
// as it is.
func TestBadRequests(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	for _, room := range []string{"lobby", "den"} {
		kind := map[string]string{"lobby": "public", "den": "private"}[room]
		alice.Put("/v1/rooms/"+room, map[string]any{"kind": kind}, chattest.Wait).Is(http.StatusCreated)
	}
	alice.Put("/v1/rooms/small", `{"kind":"public","settings":{"max_message_length":5}}`, chattest.Wait).Is(http.StatusCreated)
	first := alice.Post("/v1/rooms/lobby/messages", `{"text":"one"}`, chattest.Key("k1"), chattest.Wait).Is(http.StatusCreated).Text("id")
	thread := alice.Post("/v1/rooms/lobby/messages", `{"text":"two","thread_root":"`+first+`"}`, chattest.Wait).Is(http.StatusCreated).Text("id")
	alice.Post("/v1/rooms/lobby/messages", `{"text":"three","client_msg_id":"c1"}`, chattest.Wait).Is(http.StatusCreated)
	alice.Put("/v1/rooms/lobby/members/carol", `{"membership":"ban"}`, chattest.Wait).Is(http.StatusOK)
	position := alice.Get("/v1/rooms/lobby").Is(http.StatusOK).Position()
	before, published := w.Log.Len(), w.Log.Published()

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Add(time.Hour).Unix()
	vector, err := events.ParseToken(position)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, ahead, epoch := vector, vector.With(1, 1<<40), vector
	elsewhere.Log = events.LogID{9}
	epoch.Epoch++

	const (
		m   = "/v1/rooms/lobby/messages"
		ev  = "/v1/rooms/lobby/events"
		mem = "/v1/rooms/lobby/members"
	)
	long := strings.Repeat("a", 129)
	type row struct {
		name    string
		as      *chattest.Client
		method  string
		path    string
		body    any
		status  int
		code    string
		headers []header
	}
	post := func(name string, body any, status int, code string, headers ...header) row {
		return row{name, alice, http.MethodPost, m, body, status, code, headers}
	}
	get := func(name, path string, status int, code string, headers ...header) row {
		return row{name, alice, http.MethodGet, path, nil, status, code, headers}
	}
	put := func(name, path string, body any, status int, code string, headers ...header) row {
		return row{name, alice, http.MethodPut, path, body, status, code, headers}
	}
	rows := []row{
		// Bodies
		post("no body", "", 400, "invalid_json"),
		post("half a body", `{"text":"a"`, 400, "invalid_json"),
		post("a list", `[{"text":"a"}]`, 400, "invalid_json"),
		post("two objects", `{"text":"a"}{"text":"b"}`, 400, "invalid_json"),
		post("a form", "text=a", 415, "unsupported_media_type", h("Content-Type", "application/x-www-form-urlencoded")),
		post("no type", `{"text":"a"}`, 415, "unsupported_media_type", h("Content-Type", "-")),
		post("latin 1", `{"text":"a"}`, 415, "unsupported_media_type", h("Content-Type", "application/json; charset=iso-8859-1")),
		post("compressed", `{"text":"a"}`, 415, "unsupported_media_type", h("Content-Encoding", "gzip")),
		post("invalid UTF-8", "{\"text\":\"a\xc3\"}", 400, "invalid_utf8"),
		post("U+0000", `{"text":"a\u0000"}`, 400, "invalid_character"),
		post("half a surrogate pair in data", `{"text":"a","data":{"x":"\ud800"}}`, 400, "invalid_character"),
		post("deep", `{"text":"a","data":`+strings.Repeat(`{"a":`, 50)+`1`+strings.Repeat(`}`, 50)+`}`, 400, "json_too_deep"),
		post("oversized", `{"text":"a","data":{"x":"`+strings.Repeat("x", 70<<10)+`"}}`, 413, "body_too_large"),
		post("a text too long", `{"text":"`+strings.Repeat("x", events.MaxText+1)+`"}`, 422, "text_too_long"),
		// Fields
		post("unknown field", `{"text":"a","colour":"red"}`, 400, "unknown_field"),
		post("a field in capitals", `{"TEXT":"a"}`, 400, "unknown_field"),
		post("a field twice", `{"text":"a","text":"b"}`, 400, "duplicate_field"),
		post("no text", `{"format":"plain"}`, 400, "missing_field"),
		post("null text", `{"text":null}`, 400, "invalid_field"),
		post("empty text", `{"text":""}`, 400, "invalid_field"),
		post("text as a number", `{"text":1}`, 400, "invalid_field"),
		post("mentions as a text", `{"text":"a","mentions":"bob"}`, 400, "invalid_field"),
		post("a mention that is no id", `{"text":"a","mentions":["bob smith"]}`, 400, "invalid_id"),
		post("a mention twice", `{"text":"a","mentions":["bob","bob"]}`, 400, "invalid_field"),
		post("too many mentions", `{"text":"a","mentions":[`+strings.Repeat(`"u",`, 1000)+`"u"]}`, 400, "invalid_field"),
		post("data as a list", `{"text":"a","data":[1]}`, 400, "invalid_field"),
		post("an attachment without URL", `{"text":"a","attachments":[{"name":"x"}]}`, 400, "invalid_field"),
		post("an attachment of a script", `{"text":"a","attachments":[{"url":"javascript:alert(1)"}]}`, 400, "invalid_field"),
		post("an attachment with an unknown field", `{"text":"a","attachments":[{"url":"https://x/y","sha":"1"}]}`, 400, "unknown_field"),
		post("an attachment of negative size", `{"text":"a","attachments":[{"url":"https://x/y","size":-1}]}`, 400, "invalid_field"),
		post("too many attachments", `{"text":"a","attachments":[`+strings.Repeat(`{"url":"https://x/y"},`, 20)+`{"url":"https://x/y"}]}`, 400, "invalid_field"),
		post("a format with spaces", `{"text":"a","format":"very plain"}`, 400, "invalid_field"),
		post("a type in capitals", `{"text":"a","type":"TEXT"}`, 400, "invalid_field"),
		post("an empty reply", `{"text":"a","reply_to":""}`, 400, "invalid_field"),
		post("an empty client_msg_id", `{"text":"a","client_msg_id":""}`, 400, "invalid_field"),
		post("an attachment with an empty name", `{"text":"a","attachments":[{"url":"https://x/y","name":""}]}`, 400, "invalid_field"),
		post("a reply to no id", `{"text":"a","reply_to":"a b"}`, 400, "invalid_id"),
		post("a reply to nothing", `{"text":"a","reply_to":"nothing"}`, 422, "reply_to_not_found"),
		post("a thread of nothing", `{"text":"a","thread_root":"nothing"}`, 422, "thread_root_not_found"),
		post("a thread in a thread", `{"text":"a","thread_root":"`+thread+`"}`, 422, "thread_root_in_thread"),
		post("a client_msg_id with a space", `{"text":"a","client_msg_id":"a b"}`, 400, "invalid_idempotency_key"),
		{"longer than the room allows", alice, http.MethodPost, "/v1/rooms/small/messages", `{"text":"123456"}`, 422, "text_too_long", nil},
		// Keys
		post("a key reused", `{"text":"other"}`, 422, "idempotency_key_reused", chattest.Key("k1")),
		post("a client_msg_id reused", `{"text":"other","client_msg_id":"c1"}`, 422, "idempotency_key_reused"),
		put("a message's key reused for a membership", mem+"/alice", `{"membership":"leave"}`, 422, "idempotency_key_reused", chattest.Key("k1")),
		post("a key too long", `{"text":"a"}`, 400, "invalid_idempotency_key", chattest.Key(long)),
		post("a key with a space", `{"text":"a"}`, 400, "invalid_idempotency_key", chattest.Key("a b")),
		post("a key that is not ASCII", `{"text":"a"}`, 400, "invalid_idempotency_key", chattest.Key("ä")),
		post("an empty key", `{"text":"a"}`, 400, "invalid_idempotency_key", chattest.Key("")),
		// Rooms and members
		put("a room of no kind", "/v1/rooms/new", `{}`, 400, "missing_field"),
		put("a room of another kind", "/v1/rooms/new", `{"kind":"secret"}`, 400, "invalid_field"),
		put("a room with a long name", "/v1/rooms/new", `{"kind":"public","name":"`+strings.Repeat("n", 257)+`"}`, 400, "invalid_field"),
		put("metadata as a text", "/v1/rooms/new", `{"kind":"public","metadata":"x"}`, 400, "invalid_field"),
		put("much metadata", "/v1/rooms/new", `{"kind":"public","metadata":{"x":"`+strings.Repeat("x", 17<<10)+`"}}`, 400, "invalid_field"),
		put("an unknown setting", "/v1/rooms/new", `{"kind":"public","settings":{"slow":1}}`, 400, "unknown_field"),
		put("a setting out of range", "/v1/rooms/new", `{"kind":"public","settings":{"max_message_length":99999}}`, 400, "invalid_field"),
		put("an empty setting", "/v1/rooms/new", `{"kind":"public","settings":{"read_marks":""}}`, 400, "invalid_field"),
		put("an empty role in permissions", "/v1/rooms/new", `{"kind":"public","settings":{"permissions":{"post":""}}}`, 400, "invalid_field"),
		put("an empty thread", "/v1/rooms/lobby/read", `{"seq":1,"thread_root":""}`, 400, "invalid_field"),
		put("a reserved id", "/v1/rooms/d:x", `{"kind":"public"}`, 400, "room_id_reserved"),
		{"a taken id", bob, http.MethodPut, "/v1/rooms/lobby", `{"kind":"public"}`, 409, "room_id_taken", nil},
		{"a taken private id", bob, http.MethodPut, "/v1/rooms/den", `{"kind":"public"}`, 409, "room_id_taken", nil},
		put("no membership", mem+"/bob", `{"role":"owner"}`, 400, "missing_field"),
		put("another membership", mem+"/bob", `{"membership":"visit"}`, 400, "invalid_field"),
		put("another role", mem+"/alice", `{"membership":"join","role":"king"}`, 400, "invalid_field"),
		put("a role for one who leaves", mem+"/alice", `{"membership":"leave","role":"owner"}`, 400, "invalid_field"),
		put("an end of a join", mem+"/alice", `{"membership":"join","until":"2030-01-01T00:00:00Z"}`, 400, "invalid_field"),
		put("a ban until no time", mem+"/bob", `{"membership":"ban","until":"tomorrow"}`, 400, "invalid_field"),
		put("a ban until the year 10000 of UTC", mem+"/bob", `{"membership":"ban","until":"9999-12-31T23:59:59-01:00"}`, 400, "invalid_field"),
		put("a ban until yesterday", mem+"/bob", `{"membership":"ban","until":"2020-01-01T00:00:00Z"}`, 400, "invalid_event"),
		put("a long reason", mem+"/bob", `{"membership":"ban","reason":"`+strings.Repeat("r", 1025)+`"}`, 400, "invalid_field"),
		put("kick someone unknown", mem+"/nobody", `{"membership":"leave"}`, 404, "user_unknown"),
		put("join for another", mem+"/bob", `{"membership":"join"}`, 403, "forbidden"),
		put("invite the banned", mem+"/carol", `{"membership":"invite"}`, 409, "user_banned"),
		put("a user that is no id", mem+"/bob%20smith", `{"membership":"invite"}`, 400, "invalid_id"),
		{"kick without being there", bob, http.MethodPut, mem + "/alice", `{"membership":"leave"}`, 403, "not_a_member", nil},
		{"post without being there", bob, http.MethodPost, m, `{"text":"a"}`, 403, "not_a_member", nil},
		{"post into a private room", bob, http.MethodPost, "/v1/rooms/den/messages", `{"text":"a"}`, 404, "room_not_found", nil},
		{"post while banned", w.As("carol"), http.MethodPost, m, `{"text":"a"}`, 403, "banned", nil},
		{"post nowhere", alice, http.MethodPost, "/v1/rooms/nowhere/messages", `{"text":"a"}`, 404, "room_not_found", nil},
		// Tokens
		post("no token", `{"text":"a"}`, 401, "token_missing", h("Authorization", "-")),
		post("basic", `{"text":"a"}`, 401, "token_missing", h("Authorization", "Basic YTpi")),
		post("garbage", `{"text":"a"}`, 401, "token_invalid", bearer("x.y.z")),
		post("expired", `{"text":"a"}`, 401, "token_expired", bearer(chattest.Token("alice", claim("exp", time.Now().Add(-time.Minute).Unix())))),
		post("without end", `{"text":"a"}`, 401, "token_invalid", bearer(chattest.Token("alice", claim("exp", nil)))),
		post("not yet", `{"text":"a"}`, 401, "token_invalid", bearer(chattest.Token("alice", claim("nbf", hour)))),
		post("another secret", `{"text":"a"}`, 401, "token_invalid", bearer(signed(t, jwt.SigningMethodHS256, []byte(strings.Repeat("z", 32)), jwt.MapClaims{"sub": "alice", "exp": hour}))),
		post("alg none", `{"text":"a"}`, 401, "token_invalid", bearer(signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"sub": "alice", "exp": hour}))),
		post("another algorithm", `{"text":"a"}`, 401, "token_invalid", bearer(signed(t, jwt.SigningMethodHS512, []byte(chattest.TestSecret), jwt.MapClaims{"sub": "alice", "exp": hour}))),
		post("a public key's", `{"text":"a"}`, 401, "token_invalid", bearer(signed(t, jwt.SigningMethodRS256, rsaKey, jwt.MapClaims{"sub": "alice", "exp": hour}))),
		post("no user", `{"text":"a"}`, 401, "token_invalid", bearer(chattest.Token("", claim("sub", nil)))),
		post("a user that is no id", `{"text":"a"}`, 401, "token_invalid", bearer(chattest.Token("a b"))),
		post("a tenant that is no id", `{"text":"a"}`, 401, "token_invalid", bearer(chattest.Token("alice", claim("tenant", "a/b")))),
		post("to read only", `{"text":"a"}`, 403, "insufficient_scope", bearer(chattest.Token("alice", claim("scope", "read")))),
		get("to write only", m, 403, "insufficient_scope", bearer(chattest.Token("alice", claim("scope", "write")))),
		get("for nothing", m, 403, "insufficient_scope", bearer(chattest.Token("alice", claim("scope", "")))),
		post("of another tenant", `{"text":"a"}`, 404, "room_not_found", bearer(chattest.Token("alice", claim("tenant", "acme")))),
		get("in the URL", m+"?access_token="+chattest.Token("alice"), 400, "token_in_url", h("Authorization", "-")),
		get("in the URL, by another name", m+"?token=x", 400, "token_in_url"),
		// Ids, parameters, headers
		get("a room that is no id", "/v1/rooms/a%20b", 400, "invalid_id"),
		get("a room with a slash", "/v1/rooms/a%2Fb", 400, "invalid_id"),
		get("a room encoded twice", "/v1/rooms/%256cobby", 400, "invalid_id"),
		get("a room too long", "/v1/rooms/"+long, 400, "invalid_id"),
		get("a message that is no id", m+"/a%20b", 400, "invalid_id"),
		get("limit 0", m+"?limit=0", 400, "invalid_parameter"),
		get("limit 201", m+"?limit=201", 400, "invalid_parameter"),
		get("limit -1", mem+"?limit=-1", 400, "invalid_parameter"),
		get("limit x", "/v1/rooms?limit=x", 400, "invalid_parameter"),
		get("limit too great", m+"?limit=99999999999999999999", 400, "invalid_parameter"),
		get("limit twice", m+"?limit=1&limit=2", 400, "invalid_parameter"),
		get("an unknown parameter", m+"?befor=3", 400, "unknown_parameter"),
		get("two places", m+"?before=3&after=1", 400, "invalid_parameter"),
		get("before 0", m+"?before=0", 400, "invalid_parameter"),
		get("after -1", m+"?after=-1", 400, "invalid_parameter"),
		get("at no time", m+"?at=yesterday", 400, "invalid_parameter"),
		get("a cursor of rooms", "/v1/rooms?after=xyz", 400, "invalid_cursor"),
		get("an empty cursor of rooms", "/v1/rooms?after=", 400, "invalid_parameter"),
		get("a cursor of those who are present", "/v1/rooms/lobby/presence?after="+long, 400, "invalid_cursor"),
		get("an empty time", m+"?at=", 400, "invalid_parameter"),
		get("an empty time of a state", "/v1/rooms/lobby/state?at=", 400, "invalid_parameter"),
		get("an outcome that expires at no time", "/v1/rooms/lobby/outcomes/"+first+"?expires=", 400, "invalid_parameter"),
		get("a cursor of members", mem+"?after=a%20b", 400, "invalid_cursor"),
		get("events after x", ev+"?after=x", 400, "invalid_parameter"),
		get("unknown types", ev+"?types=message.posted,message.sung", 400, "invalid_parameter"),
		get("too many types", ev+"?types=typing"+strings.Repeat(",typing", 20), 400, "invalid_parameter"),
		get("no types", ev+"?types=", 400, "invalid_parameter"),
		get("wait 31", ev+"?wait=31", 400, "invalid_parameter"),
		get("wait 0", ev+"?wait=0", 400, "invalid_parameter"),
		get("a stream that waits", ev+"?wait=3", 400, "invalid_parameter", h("Accept", "text/event-stream")),
		get("resume from x", ev, 400, "invalid_parameter", h("Last-Event-ID", "x")),
		get("resume from 3 and from no seq", ev+"?after=9007199254740992", 400, "invalid_parameter", h("Last-Event-ID", "3")),
		get("resume from 03", ev, 400, "invalid_parameter", h("Last-Event-ID", "03")),
		get("resume from nothing", ev, 400, "invalid_parameter", h("Last-Event-ID", "")),
		get("resume from -1", ev, 400, "invalid_parameter", h("Last-Event-ID", "-1")),
		post("prefer to wait 0", `{"text":"a"}`, 400, "invalid_prefer", h("Prefer", "wait=0")),
		post("prefer to wait 31", `{"text":"a"}`, 400, "invalid_prefer", h("Prefer", "respond-async, wait=31")),
		get("prefer to wait x", m, 400, "invalid_prefer", h("Prefer", "wait=x")),
		// Positions
		get("garbage as position", m, 400, "invalid_position", chattest.At("garbage")),
		get("an empty position", m, 400, "invalid_position", chattest.At("")),
		get("a position too long", m, 400, "invalid_position", chattest.At(strings.Repeat("A", 1025))),
		post("a changed position", `{"text":"a"}`, 400, "invalid_position", chattest.At(position[:len(position)-1]+"_")),
		get("a position of another log", m, 412, "position_of_another_log", chattest.At(elsewhere.Token())),
		get("a position of another epoch", m, 412, "position_of_another_log", chattest.At(epoch.Token())),
		get("a position behind the log's end", m, 412, "position_of_another_log", chattest.At(ahead.Token())),
		post("a command at another log", `{"text":"a"}`, 412, "position_of_another_log", chattest.At(elsewhere.Token())),
		get("rooms at another log", "/v1/rooms", 412, "position_of_another_log", chattest.At(elsewhere.Token())),
		// Reads of what is not there or not for one's eyes
		get("no such message", m+"/nothing", 404, "message_not_found"),
		get("no such member", mem+"/nobody", 404, "member_not_found"),
		get("no such outcome", "/v1/rooms/lobby/outcomes/nothing", 404, "outcome_not_found"),
		get("no such room", "/v1/rooms/nowhere", 404, "room_not_found"),
		{"another's outcome", bob, http.MethodGet, "/v1/rooms/lobby/outcomes/" + first, nil, 404, "outcome_not_found", nil},
		{"messages of a public room", bob, http.MethodGet, m, nil, 403, "not_a_member", nil},
		{"events of a public room", bob, http.MethodGet, ev, nil, 403, "not_a_member", nil},
		{"a stream of a public room", bob, http.MethodGet, ev, nil, 403, "not_a_member", []header{h("Accept", "text/event-stream")}},
		{"members of a public room", bob, http.MethodGet, mem, nil, 403, "not_a_member", nil},
		{"messages while banned", w.As("carol"), http.MethodGet, m, nil, 403, "not_a_member", nil},
		{"a private room", bob, http.MethodGet, "/v1/rooms/den", nil, 404, "room_not_found", nil},
		{"a stream of a private room", bob, http.MethodGet, "/v1/rooms/den/events", nil, 404, "room_not_found", []header{h("Accept", "text/event-stream")}},
		get("no such route", "/v1/nothing", 404, "route_not_found"),
		{"no such method", alice, http.MethodDelete, m, nil, 405, "method_not_allowed", nil},
	}
	if len(rows) < 60 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got := r.as.In(t).Do(r.method, r.path, r.body, r.headers...).Problem(r.status, r.code)
			if got.Header.Get("Content-Type") != "application/problem+json" || got.Text("request_id") != got.Header.Get("X-Request-Id") || got.Text("detail") == "" {
				t.Errorf("problem %s, %v", got.Body, got.Header)
			}
			if r.status == http.StatusMethodNotAllowed && got.Header.Get("Allow") == "" {
				t.Error("no Allow")
			}
			if got.Field("retryable") != false {
				t.Error("the client is told to try again")
			}
		})
	}
	if w.Log.Len() != before || w.Log.Published() != published {
		t.Errorf("the log has %d records, had %d", w.Log.Len(), before)
	}
}

// A private room answers strangers as one that is not there.
func TestPrivateRoomIsHidden(t *testing.T) {
	w := chattest.Start(t)
	w.As("alice").Put("/v1/rooms/den", `{"kind":"private"}`, chattest.Wait).Is(http.StatusCreated)
	bob := w.As("bob")
	id := h("X-Request-Id", "same")
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, "", nil},
		{http.MethodGet, "/messages", nil},
		{http.MethodGet, "/messages/x", nil},
		{http.MethodGet, "/members", nil},
		{http.MethodGet, "/members/alice", nil},
		{http.MethodGet, "/events", nil},
		{http.MethodPost, "/messages", `{"text":"a"}`},
		{http.MethodPost, "/messages", `{"text":"a","reply_to":"x"}`},
		{http.MethodGet, "/messages/x/history", nil},
		{http.MethodGet, "/messages/x/thread", nil},
		{http.MethodGet, "/messages/x/reactions?key=x", nil},
		{http.MethodPatch, "/messages/x", `{"text":"a"}`},
		{http.MethodDelete, "/messages/x", nil},
		{http.MethodPut, "/messages/x/reactions/x", nil},
		{http.MethodDelete, "/messages/x/reactions/x", nil},
		{http.MethodPost, "/redactions", `{"from":1,"to":2}`},
		{http.MethodGet, "/threads", nil},
		{http.MethodGet, "/pins", nil},
		{http.MethodPut, "/pins/x", nil},
		{http.MethodDelete, "/pins/x", nil},
		{http.MethodPut, "/members/bob", `{"membership":"join"}`},
		{http.MethodPut, "/members/bob", `{"membership":"leave"}`},
		{http.MethodPut, "/members/alice", `{"membership":"ban"}`},
	} {
		there := bob.Do(r.method, "/v1/rooms/den"+r.path, r.body, id)
		nowhere := bob.Do(r.method, "/v1/rooms/nowhere"+r.path, r.body, id)
		if there.Status != http.StatusNotFound || there.Status != nowhere.Status || string(there.Body) != string(nowhere.Body) {
			t.Errorf("%s %s: %d %s, and where there is none %d %s", r.method, r.path, there.Status, there.Body, nowhere.Status, nowhere.Body)
		}
	}
}

// Every route asks for a token, but those that say they do not.
func TestRoutesNeedTokens(t *testing.T) {
	w := chattest.Start(t)
	anyone := w.As("alice")
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	none := h("Authorization", "-")
	anyone.Get("/openapi.json", none).Is(http.StatusOK).Into(&doc)
	n := 0
	for path, item := range doc.Paths {
		for method := range item {
			if method == "parameters" || path == "/openapi.json" {
				continue
			}
			n++
			url := strings.NewReplacer("{room}", "lobby", "{user}", "bob", "{event_id}", "e", "{key}", "x").Replace(path)
			a := anyone.Do(strings.ToUpper(method), url, nil, none).Problem(http.StatusUnauthorized, "token_missing")
			if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s %s: no challenge", method, path)
			}
		}
	}
	if n < 13 {
		t.Errorf("%d routes", n)
	}
}

func TestRequestID(t *testing.T) {
	w := chattest.Start(t)
	alice := w.As("alice")
	if got := alice.Get("/v1/me", h("X-Request-Id", "abc-1")).Header.Get("X-Request-Id"); got != "abc-1" {
		t.Errorf("request id %q", got)
	}
	for _, bad := range []string{"a b", strings.Repeat("x", 129), "<script>"} {
		if got := alice.Get("/v1/me", h("X-Request-Id", bad)).Header.Get("X-Request-Id"); got == bad || got == "" {
			t.Errorf("request id %q became %q", bad, got)
		}
	}
}

// Whatever the answer, it has what every answer has.
func TestHeadersOfAll(t *testing.T) {
	_, alice := lobby(t)
	tagged := alice.Get("/v1/rooms").Is(http.StatusOK)
	for what, got := range map[string]chattest.Answer{
		"a description":    alice.Get("/openapi.json").Is(http.StatusOK),
		"no such route":    alice.Get("/v2").Is(http.StatusNotFound),
		"one that is new":  tagged,
		"one that is old":  alice.Get("/v1/rooms", h("If-None-Match", tagged.Header.Get("ETag"))).Is(http.StatusNotModified),
		"one without body": alice.Put("/v1/rooms/lobby/typing", `{"typing":true}`).Is(http.StatusNoContent),
		"a command":        alice.Post(messages, `{"text":"one"}`).Is(http.StatusAccepted),
	} {
		if h := got.Header; h.Get("X-Request-Id") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", what, h)
		}
	}
}

func TestMe(t *testing.T) {
	w := chattest.Start(t)
	me := w.As("alice", claim("tenant", "acme"), claim("scope", "read future")).Get("/v1/me").Is(http.StatusOK)
	if me.Text("user") != "alice" || me.Text("tenant") != "acme" || fmt.Sprint(me.Field("scopes")) != "[read]" {
		t.Errorf("me %s", me.Body)
	}
}
