package chat_test

import "strings"

// request is a row of the matrix.
type request struct {
	route string
	as    string // what tells it from the route's other rows
	// with says what stands in the route's parameters, where it is not what they name:
	// of {event_id} a message of the owner's from before anyone came, of {user} another
	// member.
	with   map[string]string
	query  string
	body   string
	stream bool
}

var requests = []request{
	{route: "GET /openapi.json"},
	{route: "GET /v1/me"},
	{route: "PUT /v1/direct/{user}", with: newcomer},
	{route: "PUT /v1/read", body: `{"rooms":{"{room}":1}}`},
	{route: "PUT /v1/users/{user}/tokens", as: "one's own", with: self, body: `{"revoked_before":"2000-01-01T00:00:00Z"}`},
	{route: "PUT /v1/users/{user}/tokens", as: "another's", body: `{"revoked_before":"2000-01-01T00:00:00Z"}`},
	{route: "GET /v1/rooms"},
	{route: "POST /v1/rooms", body: `{"kind":"private"}`},
	{route: "GET /v1/events", query: "?after={start}"},
	{route: "GET /v1/events", as: "of the room", query: "?after={start}&rooms={room}"},
	{route: "GET /v1/rooms/{room}"},
	{route: "PUT /v1/rooms/{room}", body: `{"kind":"public"}`},
	{route: "PUT /v1/rooms/{room}", as: "new", with: map[string]string{"room": "new"}, body: `{"kind":"public"}`},
	{route: "PATCH /v1/rooms/{room}", body: `{"name":"x"}`},
	{route: "DELETE /v1/rooms/{room}"},
	{route: "PUT /v1/rooms/{room}/rules", body: `{"rules":3}`},
	{route: "PUT /v1/rooms/{room}/preferences", body: `{"muted":true}`},
	{route: "PUT /v1/rooms/{room}/read", body: `{"seq":1}`},
	{route: "PUT /v1/rooms/{room}/read", as: "of a thread", body: `{"seq":1,"thread_root":"{event_id}"}`},
	{route: "PUT /v1/rooms/{room}/delivered", body: `{"seq":1}`},
	{route: "GET /v1/rooms/{room}/members"},
	{route: "GET /v1/rooms/{room}/members/{user}"},
	{route: "GET /v1/rooms/{room}/members/{user}", as: "oneself", with: self},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "join", with: self, body: `{"membership":"join"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "become moderator", with: self, body: `{"membership":"join","role":"moderator"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "knock", with: self, body: `{"membership":"knock"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "leave", with: self, body: `{"membership":"leave"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "invite", with: newcomer, body: `{"membership":"invite"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "join for another", with: newcomer, body: `{"membership":"join"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "withdraw invitation", with: invitee, body: `{"membership":"leave"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "let in", with: applicant, body: `{"membership":"join"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "turn away", with: applicant, body: `{"membership":"leave"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "make moderator", body: `{"membership":"join","role":"moderator"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "kick", body: `{"membership":"leave"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "ban", body: `{"membership":"ban"}`},
	{route: "PUT /v1/rooms/{room}/members/{user}", as: "unban", with: outcast, body: `{"membership":"leave"}`},
	{route: "GET /v1/rooms/{room}/messages"},
	{route: "POST /v1/rooms/{room}/messages", body: `{"text":"x"}`},
	{route: "POST /v1/rooms/{room}/messages", as: "reply", body: `{"text":"x","reply_to":"{event_id}"}`},
	{route: "POST /v1/rooms/{room}/messages", as: "in a thread", body: `{"text":"x","thread_root":"{event_id}"}`},
	{route: "POST /v1/rooms/{room}/messages", as: "to everyone", body: `{"text":"x","mentions_room":true}`},
	{route: "POST /v1/rooms/{room}/messages", as: "to those here", body: `{"text":"x","mentions_here":true}`},
	{route: "GET /v1/rooms/{room}/messages/{event_id}"},
	{route: "GET /v1/rooms/{room}/messages/{event_id}", as: "one's own", with: ofOwn},
	{route: "PATCH /v1/rooms/{room}/messages/{event_id}", body: `{"text":"x"}`},
	{route: "PATCH /v1/rooms/{room}/messages/{event_id}", as: "one's own", with: ofOwn, body: `{"text":"x"}`},
	{route: "DELETE /v1/rooms/{room}/messages/{event_id}"},
	{route: "DELETE /v1/rooms/{room}/messages/{event_id}", as: "one's own", with: ofOwn},
	{route: "GET /v1/rooms/{room}/messages/{event_id}/history"},
	{route: "GET /v1/rooms/{room}/messages/{event_id}/thread"},
	{route: "GET /v1/rooms/{room}/messages/{event_id}/reactions", query: "?key={key}"},
	{route: "PUT /v1/rooms/{room}/messages/{event_id}/reactions/{key}"},
	{route: "DELETE /v1/rooms/{room}/messages/{event_id}/reactions/{key}"},
	{route: "POST /v1/rooms/{room}/redactions", body: `{"from":1,"to":999}`},
	{route: "POST /v1/rooms/{room}/redactions", as: "one's own", body: `{"from":1,"to":999,"author":"{self}"}`},
	{route: "GET /v1/rooms/{room}/threads"},
	{route: "GET /v1/rooms/{room}/pins"},
	{route: "PUT /v1/rooms/{room}/pins/{event_id}"},
	{route: "DELETE /v1/rooms/{room}/pins/{event_id}"},
	{route: "GET /v1/rooms/{room}/events"},
	{route: "GET /v1/rooms/{room}/events", as: "long poll", query: "?wait=1"},
	{route: "GET /v1/rooms/{room}/events", as: "stream", stream: true},
	{route: "PUT /v1/rooms/{room}/typing", body: `{"typing":true}`},
	{route: "GET /v1/rooms/{room}/presence"},
	{route: "GET /v1/rooms/{room}/state"},
	{route: "GET /v1/rooms/{room}/state", as: "before", query: "?seq=3"},
	{route: "GET /v1/rooms/{room}/outcomes/{event_id}"},
	{route: "GET /v1/rooms/{room}/outcomes/{event_id}", as: "one's own", with: map[string]string{"event_id": "did"}},
}

// What stands in parameters.
var (
	self      = map[string]string{"user": "self"}
	newcomer  = map[string]string{"user": "newcomer"}
	invitee   = map[string]string{"user": "invitee"}
	applicant = map[string]string{"user": "applicant"}
	outcast   = map[string]string{"user": "outcast"}
	ofOwn     = map[string]string{"event_id": "own"}
)

func (r request) String() string {
	if r.as == "" {
		return r.route
	}
	return r.route + ": " + r.as
}

// fill puts a scene's ids into a request.
func (in *scene) fill(r request) (method, path string, body any) {
	var pairs []string
	for name, id := range in.ids {
		if as, ok := r.with[name]; ok {
			id = in.ids[as]
		}
		pairs = append(pairs, "{"+name+"}", id)
	}
	ids := strings.NewReplacer(pairs...)
	method, path, _ = strings.Cut(ids.Replace(r.route+r.query), " ")
	if r.body != "" {
		body = ids.Replace(r.body)
	}
	return method, path, body
}
