package modelcheck_test

import (
	"encoding/json"
	"maps"
	"slices"
)

// room is the model of one: what was accepted, in the log's order. Every question is
// answered from the beginning of the list.
type room struct {
	id, tenant string
	facts      []fact
	// keys have what became of the first request under each key that the log has.
	keys map[string]judged
}

// judged is a request and what became of it.
type judged struct {
	*request
	outcome
}

// fact is a command that was accepted.
type fact struct {
	*request
	seq int            // 0: what is a person's own
	now int64          // the room's time, which never goes back
	is  map[string]any // what the room is since a create or an update
}

// settings are those of a room.
type settings struct {
	MaxMessageLength int               `json:"max_message_length,omitempty"`
	SlowMode         int64             `json:"slow_mode,omitempty"`
	History          string            `json:"history,omitempty"`
	ReadMarks        string            `json:"read_marks,omitempty"`
	Knocks           bool              `json:"knocks,omitempty"`
	ReactionsOff     bool              `json:"reactions_off,omitempty"`
	ThreadsOff       bool              `json:"threads_off,omitempty"`
	Permissions      map[string]string `json:"permissions,omitempty"`
}

func (r *room) made() *fact {
	if len(r.facts) == 0 {
		return nil
	}
	return &r.facts[0]
}

func (r *room) exists() bool {
	return r.made() != nil && !slices.ContainsFunc(r.facts, func(f fact) bool { return f.do == deleteRoom })
}

func (r *room) isDirect() bool { return r.made().room == direct }

func (r *room) public() bool { return !r.isDirect() && r.made().kind == "public" }

// seq is the number of the latest event.
func (r *room) seq() (n int) {
	for _, f := range r.facts {
		n = max(n, f.seq)
	}
	return n
}

// time is the log's time of the latest event.
func (r *room) time() (at int64) {
	for _, f := range r.facts {
		if f.seq > 0 {
			at = max(at, f.now)
		}
	}
	return at
}

// is tells what the room is: name, settings, metadata, archived.
func (r *room) is() (content map[string]any) {
	for _, f := range r.facts {
		if f.is != nil {
			content = f.is
		}
	}
	return content
}

// version counts how often that was said.
func (r *room) version() (n int) {
	for _, f := range r.facts {
		if f.is != nil {
			n++
		}
	}
	return n
}

func (r *room) settings() settings { return settingsOf(r.is()) }

func (r *room) archived() bool { return r.is()["archived"] == true }

func settingsOf(content map[string]any) (s settings) {
	convert(content["settings"], &s)
	return s
}

// historyAt is the setting of history that was in force at an event.
func (r *room) historyAt(seq int) string {
	setting := ""
	for _, f := range r.facts {
		if f.is != nil && f.seq <= seq {
			setting = settingsOf(f.is).History
		}
	}
	if setting == "" {
		return "all"
	}
	return setting
}

// convert gives JSON another type.
func convert(from, to any) {
	b, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	if err != nil {
		panic(err) // a mistake of this package
	}
}

// merge lays a merge patch on a document (RFC 7396).
func merge(document, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	d, ok := document.(map[string]any)
	if !ok {
		d = map[string]any{}
	}
	d = maps.Clone(d)
	for name, v := range p {
		if v == nil {
			delete(d, name)
		} else {
			d[name] = merge(d[name], v)
		}
	}
	return d
}

// contentAfter is what the room is after a create or an update.
func (r *room) contentAfter(c *request) map[string]any {
	var said map[string]any
	switch c.do {
	case create:
		said = map[string]any{"settings": json.RawMessage(c.change)}
		convert(said, &said)
		return said
	case update:
		var patch any
		convert(json.RawMessage(c.change), &patch)
		return merge(r.is(), patch).(map[string]any)
	default:
		return nil
	}
}

func samePermissions(a, b settings) bool { return maps.Equal(a.Permissions, b.Permissions) }

// append accepts a request. It takes a seq where it changes what others see.
func (r *room) append(c *request, now int64) int {
	f := fact{request: c, now: max(now, r.time()), is: r.contentAfter(c)}
	switch c.do {
	case markRead, delivered, prefer:
	default:
		f.seq = r.seq() + 1
	}
	r.facts = append(r.facts, f)
	return f.seq
}
