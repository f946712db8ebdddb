package chat_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// Whatever is wrong with a request about a message, it gets its 4xx with a code, and
// the log stays as it is.
func TestBadRequestsAboutMessages(t *testing.T) {
	w, alice := lobby(t)
	bob, stranger := join(t, w, "bob"), w.As("stranger")
	path, id := says(alice, "one")
	_, reply := says(bob, "two", `,"thread_root":"`+id+`"`)
	alice.Put("/v1/rooms/den", `{"kind":"private"}`, chattest.Wait).Is(http.StatusCreated)
	hidden := alice.Post("/v1/rooms/den/messages", `{"text":"hidden"}`, chattest.Wait).Is(http.StatusCreated).Text("id")
	alice.Put(lobbyPath+"/members/carol", `{"membership":"ban"}`, chattest.Wait).Is(http.StatusOK)
	carol := w.As("carol")
	const redactions, pins = lobbyPath + "/redactions", lobbyPath + "/pins/"
	den := "/v1/rooms/den/messages/" + hidden
	long := strings.Repeat("a", 129)
	before, published := w.Log.Len(), w.Log.Published()
	for _, r := range []struct {
		name         string
		as           *chattest.Client
		method, path string
		body         any
		status       int
		code         string
		headers      []header
	}{
		// Edits
		{"an edit without a body", alice, http.MethodPatch, path, "", 400, "invalid_json", nil},
		{"an edit as a form", alice, http.MethodPatch, path, "text=a", 415, "unsupported_media_type", []header{h("Content-Type", "text/plain")}},
		{"an edit of what cannot be edited", alice, http.MethodPatch, path, `{"type":"notice"}`, 400, "unknown_field", nil},
		{"an edit to nothing", alice, http.MethodPatch, path, `{"text":""}`, 400, "invalid_field", nil},
		{"an edit with a number as text", alice, http.MethodPatch, path, `{"text":1}`, 400, "invalid_field", nil},
		{"an edit that is too long", alice, http.MethodPatch, path, `{"text":"` + strings.Repeat("x", 16<<10+1) + `"}`, 422, "text_too_long", nil},
		{"an edit with a bad format", alice, http.MethodPatch, path, `{"format":"very plain"}`, 400, "invalid_field", nil},
		{"an edit with a bad mention", alice, http.MethodPatch, path, `{"mentions":["a b"]}`, 400, "invalid_id", nil},
		{"an edit with a mention twice", alice, http.MethodPatch, path, `{"mentions":["bob","bob"]}`, 400, "invalid_field", nil},
		{"an edit with a script attached", alice, http.MethodPatch, path, `{"attachments":[{"url":"javascript:x"}]}`, 400, "invalid_field", nil},
		{"an edit with data as a list", alice, http.MethodPatch, path, `{"data":[1]}`, 400, "invalid_field", nil},
		{"an edit with null in an attachment", alice, http.MethodPatch, path, `{"attachments":[{"url":"https://x/y","digest":null}]}`, 400, "invalid_field", nil},
		{"an edit with U+0000", alice, http.MethodPatch, path, `{"text":"a\u0000"}`, 400, "invalid_character", nil},
		{"a version that is none", alice, http.MethodPatch, path, `{"text":"x"}`, 400, "invalid_parameter", []header{h("If-Match", "1")}},
		{"a version to come", alice, http.MethodPatch, path, `{"text":"x"}`, 412, "version_conflict", []header{version(2)}},
		{"an edit of nothing", alice, http.MethodPatch, messages + "/nothing", `{"text":"x"}`, 404, "message_not_found", nil},
		{"an edit of another's", bob, http.MethodPatch, path, `{"text":"x"}`, 403, "forbidden", nil},
		{"an edit by a stranger", stranger, http.MethodPatch, path, `{"text":"x"}`, 403, "not_a_member", nil},
		{"an edit in a room that is not there", stranger, http.MethodPatch, den, `{"text":"x"}`, 404, "room_not_found", nil},
		{"an edit with a token to read", alice, http.MethodPatch, path, `{"text":"x"}`, 403, "insufficient_scope", []header{bearer(chattest.Token("alice", claim("scope", "read")))}},
		// Redactions
		{"a reason too long", alice, http.MethodDelete, path + "?reason=" + strings.Repeat("r", 1025), nil, 400, "invalid_parameter", nil},
		{"an empty reason", alice, http.MethodDelete, path + "?reason=", nil, 400, "invalid_parameter", nil},
		{"a reason with U+0000", alice, http.MethodDelete, path + "?reason=a%00", nil, 400, "invalid_parameter", nil},
		{"a reason that is no text", alice, http.MethodDelete, path + "?reason=%ff", nil, 400, "invalid_parameter", nil},
		{"a redaction of another's", bob, http.MethodDelete, path, nil, 403, "forbidden", nil},
		{"a redaction of nothing", alice, http.MethodDelete, messages + "/nothing", nil, 404, "message_not_found", nil},
		{"a redaction by the banned", carol, http.MethodDelete, path, nil, 403, "banned", nil},
		{"a redaction by a stranger", stranger, http.MethodDelete, den, nil, 404, "room_not_found", nil},
		{"a range of nothing", alice, http.MethodPost, redactions, `{}`, 400, "missing_field", nil},
		{"a range without end", alice, http.MethodPost, redactions, `{"from":1}`, 400, "invalid_field", nil},
		{"a range backwards", alice, http.MethodPost, redactions, `{"from":3,"to":2}`, 400, "invalid_field", nil},
		{"a range from 0", alice, http.MethodPost, redactions, `{"from":0,"to":2}`, 400, "invalid_field", nil},
		{"a range to no seq", alice, http.MethodPost, redactions, `{"from":1,"to":9007199254740992}`, 400, "invalid_field", nil},
		{"a range of nobody", alice, http.MethodPost, redactions, `{"from":1,"to":2,"author":"a b"}`, 400, "invalid_id", nil},
		{"a range for a long reason", alice, http.MethodPost, redactions, `{"from":1,"to":2,"reason":"` + strings.Repeat("r", 1025) + `"}`, 400, "invalid_field", nil},
		{"a range of another's", bob, http.MethodPost, redactions, `{"from":1,"to":2}`, 403, "forbidden", nil},
		{"a range past the end", alice, http.MethodPost, redactions, `{"from":1000,"to":2000}`, 404, "message_not_found", nil},
		// Reactions
		{"a reaction with a long key", alice, http.MethodPut, path + "/reactions/" + strings.Repeat("k", 65), nil, 400, "invalid_parameter", nil},
		{"a reaction with U+0000", alice, http.MethodPut, path + "/reactions/a%00", nil, 400, "invalid_parameter", nil},
		{"a reaction that is no text", alice, http.MethodPut, path + "/reactions/%ff", nil, 400, "invalid_parameter", nil},
		{"a reaction to nothing", alice, http.MethodPut, messages + "/nothing/reactions/x", nil, 404, "message_not_found", nil},
		{"a reaction to no id", alice, http.MethodPut, messages + "/a%20b/reactions/x", nil, 400, "invalid_id", nil},
		{"a reaction of a stranger", stranger, http.MethodPut, path + "/reactions/x", nil, 403, "not_a_member", nil},
		{"a reaction where one cannot see", stranger, http.MethodDelete, den + "/reactions/x", nil, 404, "room_not_found", nil},
		{"who reacted without a key", alice, http.MethodGet, path + "/reactions", nil, 400, "invalid_parameter", nil},
		{"who reacted with a long key", alice, http.MethodGet, path + "/reactions?key=" + strings.Repeat("k", 65), nil, 400, "invalid_parameter", nil},
		{"who reacted after no one", alice, http.MethodGet, path + "/reactions?key=x&after=a%20b", nil, 400, "invalid_cursor", nil},
		{"who reacted, to a stranger", stranger, http.MethodGet, path + "/reactions?key=x", nil, 403, "not_a_member", nil},
		// Pins
		{"a pin of nothing", alice, http.MethodPut, pins + "nothing", nil, 404, "message_not_found", nil},
		{"a pin of no id", alice, http.MethodPut, pins + long, nil, 400, "invalid_id", nil},
		{"a pin by a stranger", stranger, http.MethodPut, pins + id, nil, 403, "not_a_member", nil},
		{"a pin taken off by the banned", carol, http.MethodDelete, pins + id, nil, 403, "banned", nil},
		{"a pin with a token to read", alice, http.MethodPut, pins + id, nil, 403, "insufficient_scope", []header{bearer(chattest.Token("alice", claim("scope", "read")))}},
		// Reads
		{"history of nothing", alice, http.MethodGet, messages + "/nothing/history", nil, 404, "message_not_found", nil},
		{"history after no cursor", alice, http.MethodGet, path + "/history?after=x", nil, 400, "invalid_cursor", nil},
		{"history after -1", alice, http.MethodGet, path + "/history?after=-1", nil, 400, "invalid_cursor", nil},
		{"history without end", alice, http.MethodGet, path + "/history?limit=201", nil, 400, "invalid_parameter", nil},
		{"history, to a stranger", stranger, http.MethodGet, path + "/history", nil, 403, "not_a_member", nil},
		{"a thread in two directions", alice, http.MethodGet, path + "/thread?before=2&after=1", nil, 400, "invalid_parameter", nil},
		{"a thread around", alice, http.MethodGet, path + "/thread?around=2", nil, 400, "unknown_parameter", nil},
		{"a thread before 0", alice, http.MethodGet, path + "/thread?before=0", nil, 400, "invalid_parameter", nil},
		{"a thread, to a stranger", stranger, http.MethodGet, path + "/thread", nil, 403, "not_a_member", nil},
		{"threads after no cursor", alice, http.MethodGet, lobbyPath + "/threads?after=x", nil, 400, "invalid_cursor", nil},
		{"threads, to a stranger", stranger, http.MethodGet, lobbyPath + "/threads", nil, 403, "not_a_member", nil},
		{"threads of a room that is not there", stranger, http.MethodGet, "/v1/rooms/den/threads", nil, 404, "room_not_found", nil},
		{"pins after nothing", alice, http.MethodGet, lobbyPath + "/pins?after=", nil, 400, "invalid_parameter", nil},
		{"pins, to the banned", carol, http.MethodGet, lobbyPath + "/pins", nil, 403, "not_a_member", nil},
		{"pins with a token to write", alice, http.MethodGet, lobbyPath + "/pins", nil, 403, "insufficient_scope", []header{bearer(chattest.Token("alice", claim("scope", "write")))}},
		// Posts
		{"a mention of the room that is no flag", alice, http.MethodPost, messages, `{"text":"a","mentions_room":"yes"}`, 400, "invalid_field", nil},
		{"a thread in a thread", alice, http.MethodPost, messages, `{"text":"a","thread_root":"` + reply + `"}`, 422, "thread_root_in_thread", nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			got := r.as.In(t).Do(r.method, r.path, r.body, r.headers...).Problem(r.status, r.code)
			if got.Field("retryable") != false {
				t.Error("the client is told to try again")
			}
		})
	}
	if w.Log.Len() != before || w.Log.Published() != published {
		t.Errorf("the log has %d records, had %d", w.Log.Len(), before)
	}
}
