package chat_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

const lobbyPath = "/v1/rooms/lobby"

// message is one as clients get it.
type shown struct {
	ID, Text, Format, Type string
	Seq, Version           int
	Edited, Redacted       bool
	Pinned                 bool
	Reactions              []reaction
	Replies                int
	LastReplySeq           int `json:"last_reply_seq"`
	Unread                 int
	Mentions               []string
	MentionsRoom           bool `json:"mentions_room"`
	MentionsHere           bool `json:"mentions_here"`
	EventSeq               int  `json:"event_seq"`
	Attachments            []events.Attachment
	Data                   map[string]any
}

type reaction struct {
	Key   string
	Count int
	Mine  bool
}

type messagePage struct {
	Items      []shown
	Next, Prev *string
}

func (p messagePage) texts() (out []string) {
	for _, m := range p.Items {
		out = append(out, m.Text)
	}
	return out
}

// says posts a message and gives its path.
func says(c *chattest.Client, text string, more ...string) (path, id string) {
	id = c.Post(messages, `{"text":"`+text+`"`+strings.Join(more, "")+`}`, chattest.Wait).Is(http.StatusCreated).Text("id")
	return messages + "/" + id, id
}

func read(c *chattest.Client, path string) (m shown) {
	c.Get(path).Is(http.StatusOK).Into(&m)
	return m
}

func version(n int) header { return h("If-Match", strconv.Quote(strconv.Itoa(n))) }

func patch(c *chattest.Client, path, body string, headers ...header) chattest.Answer {
	return c.Do(http.MethodPatch, path, body, headers...)
}

func remove(c *chattest.Client, path string, headers ...header) chattest.Answer {
	return c.Do(http.MethodDelete, path, nil, headers...)
}

// Editing lays a patch on what the message has, and its versions stay.
func TestEditing(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	path, _ := says(bob, "one", `,"format":"markdown","mentions":["alice"],"data":{"a":1,"b":2},"attachments":[{"url":"https://x/y"}]`)
	if got := bob.Get(path); got.Header.Get("ETag") != `"1"` || got.Field("edited") != false {
		t.Errorf("posted: %s, ETag %s", got.Body, got.Header.Get("ETag"))
	}
	edited := patch(bob, path, `{"text":"two","data":{"b":null},"attachments":null}`, chattest.Wait, version(1)).Is(http.StatusOK)
	var m shown
	edited.Into(&m)
	if m.Text != "two" || m.Format != "markdown" || len(m.Mentions) != 1 || len(m.Attachments) != 0 || len(m.Data) != 1 || m.Version != 2 || !m.Edited || m.EventSeq != 4 {
		t.Errorf("edited: %s", edited.Body)
	}
	if edited.Header.Get("ETag") != `"2"` {
		t.Errorf("ETag %s", edited.Header.Get("ETag"))
	}
	patch(bob, path, `{"text":"late"}`, chattest.Wait, version(1)).Problem(http.StatusPreconditionFailed, "version_conflict")
	patch(alice, path, `{"text":"mine"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	patch(bob, path, `{"text":null,"data":null}`, chattest.Wait).Problem(http.StatusBadRequest, "invalid_field")
	patch(bob, path, `{"text":"three"}`).Is(http.StatusAccepted)
	until(t, func() bool { return read(alice, path).Version == 3 })

	for _, path := range []string{messages, messages + "?around=3", messages + "?after=0"} {
		var p messagePage
		alice.Get(path).Is(http.StatusOK).Into(&p)
		if len(p.Items) != 1 || p.Items[0].Text != "three" || p.Items[0].Version != 3 {
			t.Errorf("%s has %+v", path, p.Items)
		}
	}
	var versions struct {
		Items []struct {
			Version int
			Text    string
		}
		Next *string
	}
	var all string
	for at := path + "/history?limit=1"; ; at = path + "/history?limit=1&after=" + *versions.Next {
		versions.Next = nil
		alice.Get(at).Is(http.StatusOK).Into(&versions)
		all += fmt.Sprint(versions.Items)
		if versions.Next == nil {
			break
		}
	}
	if all != "[{1 one}][{2 two}][{3 three}]" {
		t.Errorf("history %s", all)
	}
}

// Edits that race and name no version are laid one on the other: none is lost.
func TestEditsRace(t *testing.T) {
	_, alice := lobby(t)
	path, _ := says(alice, "a")
	var g sync.WaitGroup
	for i := range 4 {
		g.Go(func() {
			patch(alice, path, fmt.Sprintf(`{"data":{"k%d":true}}`, i), chattest.Wait).Is(http.StatusOK)
		})
	}
	g.Wait()
	if m := read(alice, path); m.Version != 5 || len(m.Data) != 4 {
		t.Errorf("%+v", m)
	}
}

// What was redacted is in no answer any more.
func TestRedaction(t *testing.T) {
	w, alice := lobby(t)
	bob, carol := join(t, w, "bob"), join(t, w, "carol")
	const secret = "sesame"
	path, id := says(bob, secret+"1", `,"client_msg_id":"c1","mentions":["alice"],"data":{"x":"`+secret+`"}`)
	patch(bob, path, `{"text":"`+secret+`2"}`, chattest.Wait).Is(http.StatusOK)
	bob.Put(path+"/reactions/x", nil, chattest.Wait).Is(http.StatusOK)
	says(carol, "reply", `,"thread_root":"`+id+`"`)
	alice.Put(lobbyPath+"/pins/"+id, nil, chattest.Wait).Is(http.StatusOK)

	remove(carol, path, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	gone := remove(alice, path+"?reason=spam", chattest.Wait).Is(http.StatusOK)
	var m shown
	gone.Into(&m)
	if !m.Redacted || m.Text != "" || m.EventSeq == 0 || m.Replies != 1 || len(m.Mentions) != 0 {
		t.Errorf("redacted: %s", gone.Body)
	}
	if again := remove(bob, path, chattest.Wait).Is(http.StatusOK); again.Field("event_seq") != nil {
		t.Errorf("again: %s", again.Body)
	}
	patch(bob, path, `{"text":"back"}`, chattest.Wait).Problem(http.StatusConflict, "message_redacted")
	bob.Put(path+"/reactions/y", nil, chattest.Wait).Problem(http.StatusConflict, "message_redacted")
	alice.Put(lobbyPath+"/pins/"+id, nil, chattest.Wait).Problem(http.StatusConflict, "message_redacted")
	for _, path := range []string{
		path, path + "/history", path + "/thread", messages, messages + "?around=4", lobbyPath + "/events",
		lobbyPath + "/threads", lobbyPath + "/pins", "/v1/rooms",
	} {
		if got := alice.Get(path).Is(http.StatusOK); strings.Contains(string(got.Body), secret) {
			t.Errorf("%s has %s", path, got.Body)
		}
	}
	stream := carol.Follow(lobbyPath+"/events?after=0", false)
	defer stream.Close()
	for range 8 {
		if f, ok := stream.Next(); !ok || strings.Contains(f.Data, secret) {
			t.Errorf("a stream has %s", f.Data)
		}
	}
	// Sent again, its author learns no more of it than others.
	same := bob.Post(messages, `{"text":"sesame1","client_msg_id":"c1","mentions":["alice"],"data":{"x":"sesame"}}`, chattest.Wait).Is(http.StatusCreated)
	if strings.Contains(string(same.Body), secret) || same.Text("id") != id {
		t.Errorf("sent again: %s", same.Body)
	}
	if items := alice.Get(lobbyPath + "/events?types=message.redacted").Is(http.StatusOK); !strings.Contains(string(items.Body), `"reason":"spam"`) {
		t.Errorf("events %s", items.Body)
	}
}

func TestRedactionOfARange(t *testing.T) {
	w, alice := lobby(t)
	bob, carol := join(t, w, "bob"), join(t, w, "carol")
	for range 2 { // 4 to 7
		says(bob, "b")
		says(carol, "c")
	}
	const redactions = lobbyPath + "/redactions"
	bob.Post(redactions, `{"from":4,"to":7}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	bob.Post(redactions, `{"from":4,"to":7,"author":"carol"}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	one := bob.Post(redactions, `{"from":5,"to":9007199254740991,"author":"bob"}`, chattest.Wait, chattest.Key("k")).Is(http.StatusCreated)
	same := bob.Post(redactions, `{"from":5,"to":9007199254740991,"author":"bob"}`, chattest.Wait, chattest.Key("k")).Is(http.StatusCreated)
	if one.Field("seq") != 8.0 || string(one.Body) != string(same.Body) {
		t.Errorf("%s, and again %s", one.Body, same.Body)
	}
	texts := func() string {
		var p messagePage
		alice.Get(messages).Is(http.StatusOK).Into(&p)
		return fmt.Sprintf("%q", p.texts())
	}
	if got := texts(); got != `["b" "c" "" "c"]` {
		t.Errorf("of bob from 5: %s", got)
	}
	alice.Post(redactions, `{"from":1,"to":6,"reason":"raid"}`, chattest.Wait).Is(http.StatusCreated)
	if got := texts(); got != `["" "" "" "c"]` {
		t.Errorf("up to 6: %s", got)
	}
	alice.Post(redactions, `{"from":100,"to":101}`, chattest.Wait).Problem(http.StatusNotFound, "message_not_found")
}

func TestReactions(t *testing.T) {
	w, alice := lobby(t)
	bob, carol := join(t, w, "bob"), join(t, w, "carol")
	path, _ := says(alice, "a")
	other, _ := says(alice, "b")
	react := func(c *chattest.Client, path, key string) chattest.Answer {
		return c.Put(path+"/reactions/"+url.PathEscape(key), nil, chattest.Wait).Is(http.StatusOK)
	}
	for _, key := range []string{"👍", "a/b", "%25", "x y"} {
		react(bob, path, key)
	}
	react(carol, path, "👍")
	react(carol, other, "👍")
	if again := react(carol, path, "👍"); again.Field("event_seq") != nil {
		t.Errorf("twice: %s", again.Body)
	}
	var p messagePage
	carol.Get(messages).Is(http.StatusOK).Into(&p)
	if got := fmt.Sprint(p.Items[0].Reactions, p.Items[1].Reactions); got != "[{%25 1 false} {a/b 1 false} {x y 1 false} {👍 2 true}] [{👍 1 true}]" {
		t.Errorf("carol sees %s", got)
	}
	if got := fmt.Sprint(read(alice, path).Reactions); got != "[{%25 1 false} {a/b 1 false} {x y 1 false} {👍 2 false}]" {
		t.Errorf("alice sees %s", got)
	}
	var who struct {
		Items []struct{ User string }
		Next  *string
	}
	at := path + "/reactions?limit=1&key=" + url.QueryEscape("👍")
	alice.Get(at).Is(http.StatusOK).Into(&who)
	first := fmt.Sprint(who.Items)
	next := *who.Next
	who.Next = nil
	alice.Get(at + "&after=" + next).Is(http.StatusOK).Into(&who)
	if first != "[{bob}]" || fmt.Sprint(who.Items) != "[{carol}]" || who.Next != nil {
		t.Errorf("%s, then %v", first, who.Items)
	}
	remove(bob, path+"/reactions/"+url.PathEscape("👍"), chattest.Wait).Is(http.StatusOK)
	if got := remove(bob, path+"/reactions/none", chattest.Wait).Is(http.StatusOK); got.Field("event_seq") != nil {
		t.Errorf("what was not there: %s", got.Body)
	}
	if got := read(bob, path).Reactions; got[3] != (reaction{"👍", 1, false}) {
		t.Errorf("bob took it back: %v", got)
	}
}

func TestThreads(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	_, first := says(alice, "first")
	_, second := says(alice, "second")
	says(alice, "alone")
	for i := range 5 { // 6 to 10
		says(bob, fmt.Sprint(i), `,"thread_root":"`+first+`"`)
	}
	says(alice, "last", `,"thread_root":"`+second+`"`) // 11
	thread := messages + "/" + first + "/thread"
	for query, want := range map[string]string{
		"": "[0 1 2 3 4] - -", "?limit=2": "[3 4] 9 -", "?limit=2&before=9": "[1 2] 7 8", "?limit=2&before=7": "[0] - 6", "?limit=2&after=6": "[1 2] 7 8",
		"?after=10": "[] 11 -",
	} {
		var p messagePage
		alice.Get(thread + query).Is(http.StatusOK).Into(&p)
		if got := fmt.Sprintf("[%s] %s %s", strings.Join(p.texts(), " "), cursor(p.Prev), cursor(p.Next)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if m := read(alice, messages+"/"+first); m.Replies != 5 || m.LastReplySeq != 10 {
		t.Errorf("root %+v", m)
	}
	listed := func(c *chattest.Client) (out string) {
		var p messagePage
		for path := lobbyPath + "/threads?limit=1"; ; path = lobbyPath + "/threads?limit=1&after=" + *p.Next {
			p = messagePage{}
			c.Get(path).Is(http.StatusOK).Into(&p)
			for _, m := range p.Items {
				out += fmt.Sprintf("%s %d unread %d, ", m.Text, m.Replies, m.Unread)
			}
			if p.Next == nil {
				return out
			}
		}
	}
	if got := listed(alice); got != "second 1 unread 0, first 5 unread 5, " {
		t.Errorf("alice: %s", got)
	}
	if got := listed(bob); got != "second 1 unread 1, first 5 unread 0, " {
		t.Errorf("bob: %s", got)
	}
	alice.Get(messages+"/nothing/thread").Problem(http.StatusNotFound, "message_not_found")
}

func TestPins(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	var ids []string
	for _, text := range []string{"a", "b", "c"} {
		_, id := says(alice, text)
		ids = append(ids, id)
	}
	pins := lobbyPath + "/pins"
	for _, i := range []int{2, 0, 1} {
		got := bob.Put(pins+"/"+ids[i], nil, chattest.Wait).Is(http.StatusOK)
		if got.Field("pinned") != true {
			t.Errorf("pinned %s", got.Body)
		}
	}
	if again := bob.Put(pins+"/"+ids[0], nil, chattest.Wait).Is(http.StatusOK); again.Field("event_seq") != nil {
		t.Errorf("twice: %s", again.Body)
	}
	var p messagePage
	alice.Get(pins + "?limit=2").Is(http.StatusOK).Into(&p)
	if fmt.Sprint(p.texts()) != "[b a]" || p.Next == nil {
		t.Errorf("pins %+v", p)
	}
	next := *p.Next
	p = messagePage{}
	alice.Get(pins + "?limit=2&after=" + next).Is(http.StatusOK).Into(&p)
	if fmt.Sprint(p.texts()) != "[c]" || p.Next != nil {
		t.Errorf("pins %+v", p)
	}
	remove(bob, pins+"/"+ids[0], chattest.Wait).Is(http.StatusOK)
	if read(bob, messages+"/"+ids[0]).Pinned || !read(bob, messages+"/"+ids[1]).Pinned {
		t.Error("the wrong one is pinned")
	}
	bob.Put(pins+"/nothing", nil, chattest.Wait).Problem(http.StatusNotFound, "message_not_found")
}

func TestMentionsOfTheRoom(t *testing.T) {
	w, alice := lobby(t)
	bob := join(t, w, "bob")
	bob.Post(messages, `{"text":"all","mentions_room":true}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	path, _ := says(alice, "all", `,"mentions_room":true`)
	if !read(bob, path).MentionsRoom {
		t.Error("the mention is gone")
	}
	own, _ := says(bob, "none")
	patch(bob, own, `{"mentions_room":true}`, chattest.Wait).Problem(http.StatusForbidden, "forbidden")
	patch(alice, path, `{"mentions_room":false}`, chattest.Wait).Is(http.StatusOK)
	if read(bob, path).MentionsRoom {
		t.Error("the mention stays")
	}
}

// All that happens to messages stands in the room's events.
func TestEventsOfMessages(t *testing.T) {
	_, alice := lobby(t)
	path, id := says(alice, "a")
	patch(alice, path, `{"text":"b"}`, chattest.Wait).Is(http.StatusOK)
	for _, p := range []string{path + "/reactions/x", lobbyPath + "/pins/" + id} {
		alice.Put(p, nil, chattest.Wait).Is(http.StatusOK)
		remove(alice, p, chattest.Wait).Is(http.StatusOK)
	}
	remove(alice, path, chattest.Wait).Is(http.StatusOK)
	var p struct {
		Items []struct {
			Type string
			Data struct {
				Message  string
				Redacted bool
			}
		}
	}
	alice.Get(lobbyPath + "/events?after=1").Is(http.StatusOK).Into(&p)
	want := []string{"message.posted", "message.edited", "reaction.added", "reaction.removed", "message.pinned", "message.unpinned", "message.redacted"}
	for i, e := range p.Items {
		if e.Type != want[i] || i > 0 && e.Data.Message != id || i < 2 != e.Data.Redacted {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if len(p.Items) != len(want) {
		t.Errorf("%d events", len(p.Items))
	}
}
