package modelcheck_test

import (
	"pgregory.net/rapid"
)

// histories draws what four people do in three rooms. In most the first room has been
// made and has members, so that the rest meets more than "no such room".
func histories(least, most int) *rapid.Generator[history] {
	return rapid.Custom(func(t *rapid.T) history {
		var h history
		if !chance(t, 10) {
			h = begin(t)
		}
		return append(h, rapid.SliceOfN(rapid.Custom(drawCommand), least, most).Draw(t, "commands")...)
	})
}

func begin(t *rapid.T) history {
	first := command{do: create, by: people[0], kind: oneOf(t, "public", "private"), change: drawSettings(t)}
	h := history{first}
	for i, u := range people[1:] {
		if first.kind == "private" {
			h = append(h, command{do: change, by: people[0], whom: u, membership: "invite", atOnce: i > 0})
		}
	}
	for i, u := range people[1:3] {
		h = append(h, command{do: change, by: u, whom: u, membership: "join", atOnce: i > 0})
	}
	if role := oneOf(t, "", "moderator", "guest"); role != "" {
		h = append(h, command{do: change, by: people[0], whom: people[1], membership: "join", role: role})
	}
	if chance(t, 3) {
		h = append(h, away()...)
	}
	if chance(t, 4) { // somebody else's room of the same name
		h = append(h, command{do: create, by: people[0], tenant: 1, kind: "public", change: drawSettings(t)},
			command{do: change, by: people[1], tenant: 1, whom: people[1], membership: "join"})
	}
	if chance(t, 2) {
		h = append(h, command{do: create, by: people[1], room: 1, kind: "public", change: drawSettings(t)},
			command{do: change, by: people[0], room: 1, whom: people[0], membership: "join"},
			command{do: create, by: people[0], room: direct, whom: people[1], change: "{}"})
	}
	return h
}

// away has the third person miss an edit of what they have read, and a message, and
// come back.
func away() history {
	return history{
		{do: post, by: people[0], text: "hi"},
		{do: change, by: people[2], whom: people[2], membership: "leave"},
		{do: edit, by: people[0], on: 1, text: "better"},
		{do: post, by: people[0], text: "meanwhile"},
		{do: change, by: people[0], whom: people[2], membership: "invite"},
		{do: change, by: people[2], whom: people[2], membership: "join"},
	}
}

func oneOf[T any](t *rapid.T, choices ...T) T { return rapid.SampledFrom(choices).Draw(t, "one") }

func chance(t *rapid.T, one int) bool { return rapid.IntRange(1, one).Draw(t, "chance") == (one+1)/2 }

// often has each action as often as it is to be; rapid takes the first ones more often
// still.
var often = func() (all []act) {
	for _, w := range []struct {
		act
		n int
	}{
		{post, 2},
		{edit, 1},
		{react, 2},
		{unreact, 1},
		{pin, 1},
		{change, 1},
		{post, 16},
		{edit, 8},
		{change, 18},
		{react, 6},
		{unreact, 5},
		{pin, 4},
		{unpin, 4},
		{redact, 3},
		{redactRange, 2},
		{update, 5},
		{markRead, 4},
		{readAll, 2},
		{delivered, 2},
		{prefer, 3},
		{create, 2},
		{cut, 6},
		{pass, 1},
		{rules, 1},
		{deleteRoom, 1},
	} {
		for range w.n {
			all = append(all, w.act)
		}
	}
	return all
}()

func drawCommand(t *rapid.T) command {
	c := command{
		do: oneOf(t, often...), by: oneOf(t, people[0], people[0], people[0], people[1], people[1], people[2], people[3]),
		room: oneOf(t, 0, 0, 0, 0, 0, 1, 1, direct), atOnce: chance(t, 2), wait: chance(t, 4),
	}
	if chance(t, 12) {
		c.tenant = 1
	}
	c.draw(t)
	switch c.do {
	case create, deleteRoom, rules, change, post, redactRange:
		if chance(t, 4) {
			c.key = oneOf(t, "k1", "k2")
		}
	case update, edit, redact, react, unreact, pin, unpin, markRead, readAll, delivered, prefer, cut, pass:
	}
	return c
}

// draw draws what the command does.
func (c *command) draw(t *rapid.T) {
	message := func() int { return oneOf(t, 1, 1, 2, 3, 5, 8) }
	switch c.do {
	case create:
		c.kind, c.change = oneOf(t, "public", "private"), drawSettings(t)
		if c.room == direct && c.by == people[0] {
			c.whom = people[1]
		} else if c.room == direct && c.by == people[1] {
			c.whom = people[0]
		}
	case update:
		c.change, c.version = drawPatch(t), oneOf(t, 0, 0, 0, 1, 2, 3)
	case rules:
		c.to = oneOf(t, 1, newestRules-1, newestRules)
	case change:
		c.drawChange(t)
	case post:
		c.text = oneOf(t, "hi", "hello to all of you", "grüße, 世界")
		if chance(t, 4) {
			c.reply = message()
		}
		if chance(t, 3) {
			c.thread = message()
		}
		c.client = chance(t, 2)
		c.drawMentions(t)
		c.all = chance(t, 10)
	case edit:
		c.on, c.text, c.version = message(), oneOf(t, "better", "much better than it was"), oneOf(t, 0, 0, 0, 1, 2)
		c.drawMentions(t)
	case redact, pin, unpin:
		c.on = message()
	case redactRange:
		c.from = oneOf(t, 1, 4, 8, 30)
		c.to = c.from + oneOf(t, 0, 3, 10, 1000)
		c.whom = oneOf(t, "", c.by, oneOf(t, people...))
	case react, unreact:
		c.on, c.reaction = message(), oneOf(t, "+1", "a/b 👍")
	case markRead, readAll, delivered:
		c.to = oneOf(t, 0, 1, 3, 6, 12, 1000)
		if c.do == markRead && chance(t, 3) {
			c.thread = message()
		}
	case prefer:
		c.muted, c.hidden, c.archived = chance(t, 2), chance(t, 2), chance(t, 3)
	case cut:
		c.to = oneOf(t, 0, 0, 0, 1, 4)
	case pass:
		c.to = oneOf(t, 20, 61)
	case deleteRoom:
	}
}

// drawChange draws a change of a membership: mostly what makes sense.
func (c *command) drawChange(t *rapid.T) {
	c.whom = oneOf(t, c.by, c.by, oneOf(t, people...))
	c.membership = oneOf(t, "join", "join", "join", "leave", "invite", "ban", "knock")
	if c.whom != c.by {
		c.membership = oneOf(t, "invite", "invite", "leave", "ban", "ban", "join", "join", "knock")
	}
	switch c.membership {
	case "join":
		c.role = oneOf(t, "", "", "guest", "member", "moderator", "owner")
	case "ban":
		c.until = chance(t, 2)
	}
}

func (c *command) drawMentions(t *rapid.T) {
	if chance(t, 3) {
		c.mentions = []string{oneOf(t, people...)}
	}
}

func drawSettings(t *rapid.T) string {
	return oneOf(t, `{}`, `{}`, `{"history":"joined"}`, `{"history":"invited"}`, `{"history":"joined","read_marks":"shared"}`,
		`{"knocks":true}`, `{"threads_off":true}`, `{"reactions_off":true}`, `{"slow_mode":1800}`, `{"max_message_length":10}`,
		`{"permissions":{"post":"member","pin":"guest","invite":"moderator"}}`, `{"permissions":{"update":"member","mention_room":"guest"}}`)
}

func drawPatch(t *rapid.T) string {
	return oneOf(t, `{"name":"one"}`, `{"name":null}`, `{"metadata":{"a":1,"b":{"c":[2]}}}`, `{"metadata":{"a":null,"b":{"c":null,"d":3}}}`, `{"metadata":null}`,
		`{"settings":{"history":"joined"}}`, `{"settings":{"history":"invited"}}`, `{"settings":{"history":"all"}}`, `{"settings":{"history":null}}`,
		`{"settings":{"read_marks":"shared"}}`, `{"settings":{"slow_mode":1800}}`, `{"settings":{"slow_mode":null,"max_message_length":10}}`,
		`{"settings":null}`, `{"settings":{"reactions_off":true}}`, `{"settings":{"threads_off":true,"knocks":true}}`, `{"settings":{"threads_off":null,"reactions_off":false}}`,
		`{"settings":{"permissions":{"react":"member","update":"moderator"}}}`, `{"settings":{"permissions":{"update":null}}}`,
		`{"archived":true}`, `{"archived":true}`, `{"archived":false}`, `{"archived":false,"name":"back"}`)
}
