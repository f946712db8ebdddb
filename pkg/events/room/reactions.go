package room

import (
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
)

// MaxReactionKeys is how many different keys the reactions to a message may have.
const MaxReactionKeys = 50

func (j judge) react(by events.Command, to events.EventID, key string, add bool) (Changes, Verdict) {
	if key == "" || len(key) > events.MaxReactionKey {
		return reject(CodeInvalid)
	}
	m := j.member(by.Sender)
	switch {
	case m.Membership != events.MembershipJoin:
		return j.hidden(m)
	case j.Header.Archived:
		return reject(CodeRoomArchived)
	case !j.isMessage(to):
		return reject(CodeMessageUnknown)
	case j.Priors[to].Redacted > 0:
		return reject(CodeRedacted)
	}
	id := ReactionID{to, key, by.Sender}
	if j.Reactions[id] == add {
		return unchanged()
	}
	state := j.States[to]
	counts, ok := count(state.Reactions, key, add)
	switch {
	case add && j.Header.Settings.ReactionsOff:
		return reject(CodeReactionsOff)
	case add && !j.may(m, React):
		return reject(CodeForbidden)
	case !ok:
		return reject(CodeReactionKeys)
	}
	state.Reactions = counts
	seq := j.Priors[to].Seq
	c, v := j.accept(*j.Header)
	c.about(to, seq, state)
	c.Reactions = []ReactionChange{{id, seq, !add}}
	return c, v
}

// count gives the counts with one more or less of a key; not ok: it would be one
// key too many. The counts that it is given stay as they are.
func count(before []ReactionCount, key string, add bool) (after []ReactionCount, ok bool) {
	i, found := slices.BinarySearchFunc(before, key, func(c ReactionCount, key string) int { return strings.Compare(c.Key, key) })
	after = slices.Clone(before)
	switch {
	case !found && (!add || len(before) == MaxReactionKeys):
		return nil, false
	case !found:
		after = slices.Insert(after, i, ReactionCount{Key: key, Count: 1})
	case add:
		after[i].Count++
	case after[i].Count == 1:
		after = slices.Delete(after, i, i+1)
	default:
		after[i].Count--
	}
	if len(after) == 0 {
		after = nil
	}
	return after, true
}
