package chat_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// visited gives a room under a setting of history that bob was invited to by the
// event 4, joined with 6, left with 10, and joined again with 14.
//
//	2 before   3 reply to it   4 invite bob   5 invited   6 bob joins   7 there (thread of "before")
//	8 edit of "before"   9 reaction of alice to "there"   10 bob leaves
//	11 away   12 edit of "there"   13 pin of "away"   14 bob joins   15 back
func visited(t *testing.T, history string) (alice, bob *chattest.Client, ids map[string]string) {
	t.Helper()
	w := chattest.Start(t)
	alice, bob = w.As("alice"), w.As("bob")
	alice.Put(lobbyPath, `{"kind":"public","settings":{"history":"`+history+`"}}`, chattest.Wait).Is(http.StatusCreated)
	ids = map[string]string{}
	say := func(text string, more ...string) {
		_, ids[text] = says(alice, text, more...)
	}
	member := func(c *chattest.Client, membership string) {
		c.Put(lobbyPath+"/members/bob", `{"membership":"`+membership+`"}`, chattest.Wait).Is(http.StatusOK)
	}
	say("before")
	say("reply", `,"reply_to":"`+ids["before"]+`"`)
	member(alice, "invite")
	say("invited")
	member(bob, "join")
	say("there", `,"thread_root":"`+ids["before"]+`"`)
	patch(alice, messages+"/"+ids["before"], `{"text":"before, edited"}`, chattest.Wait).Is(http.StatusOK)
	alice.Put(messages+"/"+ids["there"]+"/reactions/x", nil, chattest.Wait).Is(http.StatusOK)
	member(bob, "leave")
	say("away")
	patch(alice, messages+"/"+ids["there"], `{"text":"there, edited"}`, chattest.Wait).Is(http.StatusOK)
	alice.Put(lobbyPath+"/pins/"+ids["away"], nil, chattest.Wait).Is(http.StatusOK)
	member(bob, "join")
	say("back")
	return alice, bob, ids
}

func textsOf(c *chattest.Client, path string) string {
	var p messagePage
	c.Get(path).Is(http.StatusOK).Into(&p)
	return fmt.Sprintf("%q prev %s next %s", p.texts(), cursor(p.Prev), cursor(p.Next))
}

// looked sends a command until the API has had the time to look at the tables before
// it publishes.
func looked(t *testing.T, send func() chattest.Answer) (got chattest.Answer) {
	t.Helper()
	until(t, func() bool {
		got = send()
		return got.Status != http.StatusAccepted
	})
	return got
}

// Given a room that bob visited, then what he reads on every path is what its
// setting of history lets him.
func TestHistoryForNewcomers(t *testing.T) {
	type paths map[string]string
	for history, want := range map[string]struct {
		events string
		pages  paths
		found  map[string]int // the status of each message
	}{
		"all": {
			events: "[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15]",
			pages: paths{
				messages:                       `["before, edited" "reply" "invited" "there, edited" "away" "back"] prev - next -`,
				messages + "?limit=2":          `["away" "back"] prev 11 next -`,
				messages + "?around=3&limit=2": `["reply" "invited"] prev 3 next 5`,
				lobbyPath + "/pins":            `["away"] prev - next -`,
				lobbyPath + "/threads":         `["before, edited"] prev - next -`,
			},
			found: map[string]int{"before": 200, "invited": 200, "there": 200, "away": 200, "back": 200},
		},
		"joined": {
			events: "[4 6 7 9 10 14 15]",
			pages: paths{
				messages:                              `["there" "back"] prev - next -`,
				messages + "?limit=1":                 `["back"] prev 15 next -`,
				messages + "?limit=1&before=15":       `["there"] prev - next 7`,
				messages + "?limit=1&after=7":         `["back"] prev 15 next -`,
				messages + "?around=11":               `["there" "back"] prev - next -`,
				messages + "?around=3&limit=1":        `["there"] prev - next 7`,
				messages + "?after=0&limit=1":         `["there"] prev - next 7`,
				messages + "?before=7":                `[] prev - next 6`,
				messages + "?at=2001-01-01T00:00:00Z": `["there" "back"] prev - next -`,
				messages + "?at=2101-01-01T00:00:00Z": `[] prev 16 next -`,
				lobbyPath + "/pins":                   `[] prev - next -`,
				lobbyPath + "/threads":                `[] prev - next -`,
			},
			found: map[string]int{"before": 404, "reply": 404, "invited": 404, "there": 200, "away": 404, "back": 200},
		},
		"invited": {
			events: "[4 5 6 7 9 10 14 15]",
			pages: paths{
				messages:               `["invited" "there" "back"] prev - next -`,
				messages + "?limit=2":  `["there" "back"] prev 7 next -`,
				lobbyPath + "/pins":    `[] prev - next -`,
				lobbyPath + "/threads": `[] prev - next -`,
			},
			found: map[string]int{"before": 404, "invited": 200, "there": 200, "away": 404, "back": 200},
		},
	} {
		t.Run(history, func(t *testing.T) {
			_, bob, ids := visited(t, history)
			for path, want := range want.pages {
				if got := textsOf(bob, path); got != want {
					t.Errorf("%s\n got %s\nwant %s", path, got, want)
				}
			}
			for text, status := range want.found {
				path := messages + "/" + ids[text]
				for _, more := range []string{"", "/history", "/thread", "/reactions?key=x"} {
					bob.Get(path + more).Is(status)
				}
				if status == http.StatusOK {
					continue
				}
				// To bob it is not there, whatever he tries.
				const missing = "message_not_found"
				patch(bob, path, `{"text":"x"}`, chattest.Wait).Problem(http.StatusNotFound, missing)
				looked(t, func() chattest.Answer { return bob.Put(path+"/reactions/x", nil, chattest.Wait) }).Problem(http.StatusNotFound, missing)
				looked(t, func() chattest.Answer { return bob.Put(lobbyPath+"/pins/"+ids[text], nil, chattest.Wait) }).Problem(http.StatusNotFound, missing)
				for _, field := range []string{"reply_to", "thread_root"} {
					body := `{"text":"x","` + field + `":"` + ids[text] + `"}`
					looked(t, func() chattest.Answer { return bob.Post(messages, body) }).Problem(http.StatusUnprocessableEntity, field+"_not_found")
				}
			}
			seqs := []int{}
			for after := 0; ; {
				var p page
				a := bob.Get(fmt.Sprintf("%s/events?limit=2&after=%d", lobbyPath, after)).Is(http.StatusOK)
				a.Into(&p)
				for _, s := range p.seqs() {
					if s <= 15 {
						seqs = append(seqs, s)
					}
				}
				after = int(a.Field("cursor").(float64))
				if p.Next == nil {
					break
				}
			}
			if got := fmt.Sprint(seqs); got != want.events {
				t.Errorf("events %s, want %s", got, want.events)
			}
		})
	}
}

// An edit from a time that bob may not read of shows him the message as it was when
// he could.
func TestEditFromAway(t *testing.T) {
	alice, bob, ids := visited(t, "joined")
	path := messages + "/" + ids["there"]
	if m := read(bob, path); m.Text != "there" || m.Version != 1 || m.Edited {
		t.Errorf("bob sees %+v", m)
	}
	if got := textsOf(bob, path+"/history"); got != `["there"] prev - next -` {
		t.Errorf("its history is %s", got)
	}
	if m := read(alice, path); m.Text != "there, edited" || m.Version != 2 {
		t.Errorf("alice sees %+v", m)
	}
	patch(alice, path, `{"text":"edited again"}`, chattest.Wait).Is(http.StatusOK)
	if m := read(bob, path); m.Text != "edited again" || m.Version != 3 {
		t.Errorf("bob sees %+v", m)
	}
}

// What was said under a setting stays under it.
func TestHistoryChanges(t *testing.T) {
	w, alice := lobby(t)
	says(alice, "open") // 2
	set := func(history string) {
		patch(alice, lobbyPath, `{"settings":{"history":"`+history+`"}}`, chattest.Wait).Is(http.StatusOK)
	}
	set("joined")
	says(alice, "closed") // 4
	set("all")
	says(alice, "open again") // 6
	bob := join(t, w, "bob")  // 7
	says(alice, "now")
	if got := textsOf(bob, messages); got != `["open" "open again" "now"] prev - next -` {
		t.Errorf("messages %s", got)
	}
	if got := textsOf(bob, messages+"?limit=1&before=6"); got != `["open"] prev - next 2` {
		t.Errorf("messages %s", got)
	}
	var p page
	bob.Get(lobbyPath + "/events").Is(http.StatusOK).Into(&p)
	if got := fmt.Sprint(p.seqs()); got != "[1 2 5 6 7 8]" {
		t.Errorf("events %s", got)
	}
}

// A long poll steps over what is hidden, however much that is.
func TestLongPollOverHiddenEvents(t *testing.T) {
	w := chattest.Start(t)
	alice, bob := w.As("alice"), w.As("bob")
	alice.Put(lobbyPath, `{"kind":"public","settings":{"history":"joined"}}`, chattest.Wait).Is(http.StatusCreated)
	for i := range 20 { // more than one look takes in
		alice.Put(fmt.Sprintf("%s/members/u%d", lobbyPath, i), `{"membership":"invite"}`).Is(http.StatusAccepted)
	}
	bob.Put(lobbyPath+"/members/bob", `{"membership":"join"}`, chattest.Wait).Is(http.StatusOK)
	var p page
	bob.Get(lobbyPath + "/events?limit=1&wait=1").Is(http.StatusOK).Into(&p)
	if got := fmt.Sprint(p.seqs()); got != "[22]" {
		t.Errorf("events %s", got)
	}
}
