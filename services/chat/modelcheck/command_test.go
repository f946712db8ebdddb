package modelcheck_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// act is what a command does.
type act string

const (
	create      act = "create"
	update      act = "update"
	deleteRoom  act = "delete"
	rules       act = "rules"
	change      act = "member" // join, knock, leave, invite, kick, ban, role
	post        act = "post"
	edit        act = "edit"
	redact      act = "redact"
	redactRange act = "redact range"
	react       act = "react"
	unreact     act = "unreact"
	pin         act = "pin"
	unpin       act = "unpin"
	markRead    act = "read"
	readAll     act = "read all" // in all rooms of the tenant
	delivered   act = "delivered"
	prefer      act = "preferences"
	// These are no commands.
	cut  act = "cut" // the stream of all that is theirs, which goes on from one of its cursors
	pass act = "minutes pass"
)

// people are all who take part in a history. The direct room is that of the first two.
var people = []string{"alice", "bob", "carol", "dave"}

// rooms are those of a history, by number.
var rooms = []string{"a", "b", "direct"}

const direct = 2

// newestRules are those that rooms are made with.
const newestRules = 3

// command is what somebody asks for, before it is known which ids messages will have.
type command struct {
	do     act
	by     string
	tenant int
	room   int
	atOnce bool // with the one before it
	wait   bool // for the verdict
	key    string

	whom       string // the person that it is about
	membership string
	role       string
	until      bool // the ban ends, an hour after the history began

	// Messages are counted from the latest that was sent before: 1, 2, 3 …; 0: none.
	on, reply, thread int
	text              string
	client            bool // the key is the message's own id
	mentions          []string
	all               bool // mentions the whole room
	reaction          string

	kind     string
	change   string // JSON: settings of a new room, or a patch
	version  int    // of If-Match, or 0
	from, to int    // seqs; minutes that pass; how many cursors a cut goes back

	muted, hidden, archived bool
}

// String is a line that a person can read.
func (c command) String() string {
	if c.do == pass {
		return fmt.Sprint(c.to, " ", c.do)
	}
	var s strings.Builder
	if c.atOnce {
		s.WriteString("  at once ")
	}
	fmt.Fprintf(&s, "%s in %s: %s", c.by, rooms[c.room], c.do)
	show := func(name string, v any) {
		if text := fmt.Sprint(v); text != "" && text != "0" && text != "false" && text != "[]" {
			fmt.Fprintf(&s, " %s=%s", name, text)
		}
	}
	show("tenant", c.tenant)
	show("kind", c.kind)
	show("to", c.membership)
	show("whom", c.whom)
	show("role", c.role)
	show("until", c.until)
	show("on", c.on)
	show("text", c.text)
	show("reply", c.reply)
	show("thread", c.thread)
	show("mentions", c.mentions)
	show("all", c.all)
	show("reaction", c.reaction)
	show("change", c.change)
	show("version", c.version)
	show("from", c.from)
	show("to", c.to)
	show("muted", c.muted)
	show("hidden", c.hidden)
	show("archived", c.archived)
	show("key", c.key)
	show("client", c.client)
	show("wait", c.wait)
	return s.String()
}

// history is what is done, one after the other or at once.
type history []command

// GoString is how a failing history is shown.
func (h history) GoString() string {
	var s strings.Builder
	for _, c := range h {
		s.WriteString("\n\t" + c.String())
	}
	return s.String()
}

// request is a command as it is sent, and what came back.
type request struct {
	command
	target, answered, root string // ids of messages
	ends                   int64  // of a ban, Unix milliseconds
	method, path, body     string

	answer
	at time.Time // when it was sent
	place
	outcome
}

// place is where the log has a request's event.
type place struct {
	offset         int64 // -1: nowhere, it was refused before
	logged, sentAt int64 // the log's time and the event's own, Unix milliseconds
	id, trace      string
}

// answer is what came back for a command.
type answer struct {
	status   int
	code     string
	position string
	body     []byte
}

// outcome is what the API tells of a command later.
type outcome struct {
	Status string `json:"status"`
	Seq    int    `json:"seq"`
	Code   string `json:"code"`
}

// sent is what tells requests under one key apart: all that the client sent.
func (r *request) sent() string { return r.method + " " + r.path + " " + r.body }

// keyed is the key under which the command's author knows it in the room; empty:
// none.
func (r *request) keyed() string {
	if r.key == "" {
		return ""
	}
	return r.by + " " + r.key
}

// written is how a time is written.
func written(unixMilli int64) string {
	return time.UnixMilli(unixMilli).UTC().Format("2006-01-02T15:04:05.000Z")
}

// fill makes the request of a command to the room with this id.
func (r *request) fill(room string) {
	in := "/v1/rooms/" + room
	message := in + "/messages/" + r.target
	body := map[string]any{}
	set := func(name string, v any, when bool) {
		if when {
			body[name] = v
		}
	}
	r.method, r.path = http.MethodPut, in
	switch r.do {
	case create:
		if r.room == direct && r.whom != "" {
			r.path = "/v1/direct/" + r.whom
		} else {
			body["kind"] = r.kind
		}
		body["settings"] = json.RawMessage(r.change)
	case update:
		r.method, r.body = http.MethodPatch, r.change
		return
	case deleteRoom:
		r.method, body = http.MethodDelete, nil
	case rules:
		r.path += "/rules"
		body["rules"] = r.to
	case change:
		r.path += "/members/" + r.whom
		body["membership"] = r.membership
		set("role", r.role, r.role != "")
		set("until", written(r.ends), r.ends != 0)
	case post:
		r.method, r.path = http.MethodPost, in+"/messages"
		body["text"] = r.text
		set("reply_to", r.answered, r.answered != "")
		set("thread_root", r.root, r.root != "")
		set("mentions", r.mentions, r.mentions != nil)
		set("mentions_room", true, r.all)
		set("client_msg_id", r.key, r.client && r.key != "")
	case edit:
		r.method, r.path = http.MethodPatch, message
		body["text"] = r.text
		set("mentions", r.mentions, r.mentions != nil)
	case redact:
		r.method, r.path, body = http.MethodDelete, message, nil
	case redactRange:
		r.method, r.path = http.MethodPost, in+"/redactions"
		body["from"], body["to"] = r.from, r.to
		set("author", r.whom, r.whom != "")
	case react, unreact:
		r.path, body = message+"/reactions/"+url.PathEscape(r.reaction), nil
	case pin, unpin:
		r.path, body = in+"/pins/"+r.target, nil
	case markRead, delivered:
		r.path += "/" + string(r.do)
		body["seq"] = r.to
		set("thread_root", r.root, r.root != "")
	case prefer:
		r.path += "/preferences"
		body["muted"], body["hidden"], body["archived"] = r.muted, r.hidden, r.archived
	case readAll, cut, pass:
	}
	if slices.Contains([]act{unreact, unpin}, r.do) {
		r.method = http.MethodDelete
	}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err) // a mistake of this package
		}
		r.body = string(b)
	}
}
