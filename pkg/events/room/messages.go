package room

import (
	"cmp"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

func (j judge) messagePosted(f events.MessagePosted) (Changes, Verdict) {
	if f.Kind == "" || !wellFormedMessage(f.TextBytes, f.Attachments, f.Mentions) {
		return reject(CodeInvalid)
	}
	m := j.member(f.Sender)
	if m.Membership != events.MembershipJoin {
		return j.hidden(m)
	}
	if code := j.postable(f, m); code != "" {
		return reject(code)
	}
	h := *j.Header
	next := h.Seq + 1
	h.posted(next, j.sent)
	m.LastPost = j.now
	if f.ThreadRoot == "" {
		h.Messages++
		m.Read = next // who writes has read
	}
	m.Delivered = next
	c, v := j.accept(h, m)
	c.Mentions = mentions(next, f.Sender, f.Mentions, f.MentionsRoom)
	if f.ThreadRoot != "" {
		root := j.Priors[f.ThreadRoot]
		state := j.States[f.ThreadRoot]
		state.Replies++
		state.LastReply = next
		c.States = []StateChange{{f.ThreadRoot, root.Seq, state}}
		c.ThreadMark = &ThreadMark{User: f.Sender, Root: root.Seq, Read: next}
	}
	return c, v
}

// posted counts a message with that seq and time.
func (h *Header) posted(seq events.Seq, sent int64) {
	if h.Posted == 0 || sent > h.SentUntil { // the first may be from before 1970
		h.SentUntil = sent
	}
	h.Posted++
	h.LastMessage = seq
}

// postable gives the reason why a member may not post f.
func (j judge) postable(f events.MessagePosted, m Member) Code {
	settings := j.Header.Settings
	switch {
	case j.Header.Archived:
		return CodeRoomArchived
	case !j.may(m, Post), (f.MentionsRoom || f.MentionsHere) && !j.may(m, MentionRoom):
		return CodeForbidden
	case f.TextBytes > cmp.Or(settings.MaxMessageLength, events.MaxText):
		return CodeTextTooLong
	case f.ReplyTo != "" && !j.isMessage(f.ReplyTo):
		return CodeReplyNotFound
	}
	if f.ThreadRoot != "" {
		switch {
		case !j.isMessage(f.ThreadRoot):
			return CodeThreadNotFound
		case j.Priors[f.ThreadRoot].ThreadRoot != "":
			return CodeThreadNested
		case settings.ThreadsOff:
			return CodeThreadsOff
		}
	}
	if settings.SlowMode > 0 && weaker(m.Role, events.RoleModerator) && m.LastPost > 0 &&
		j.now < m.LastPost+int64(settings.SlowMode)*1000 {
		return CodeSlowMode
	}
	return ""
}

// messageEdited is judged by the version, as an update of the room is.
func (j judge) messageEdited(f events.MessageEdited) (Changes, Verdict) {
	if !wellFormedMessage(f.TextBytes, f.Attachments, f.Mentions) {
		return reject(CodeInvalid)
	}
	m := j.member(f.Sender)
	target := j.Priors[f.Target]
	switch {
	case m.Membership != events.MembershipJoin:
		return j.hidden(m)
	case j.Header.Archived:
		return reject(CodeRoomArchived)
	case !j.isMessage(f.Target):
		return reject(CodeMessageUnknown)
	case target.Sender != f.Sender, !j.may(m, Post), (f.MentionsRoom || f.MentionsHere) && !j.may(m, MentionRoom):
		return reject(CodeForbidden)
	case target.Redacted > 0:
		return reject(CodeRedacted)
	case f.TextBytes > cmp.Or(j.Header.Settings.MaxMessageLength, events.MaxText):
		return reject(CodeTextTooLong)
	case f.Base != j.States[f.Target].Edits+1:
		return reject(CodeVersion)
	}
	c, v := j.accept(*j.Header)
	state := j.States[f.Target]
	state.Edits++
	state.Edit = v.Seq
	c.about(f.Target, target.Seq, state)
	c.Mentions = mentions(target.Seq, f.Sender, f.Mentions, f.MentionsRoom)
	if c.Mentions == nil {
		c.Mentions = &Mentions{Seq: target.Seq} // those that it had are gone
	}
	return c, v
}

// about says which message the event is about and what becomes of it.
func (c *Changes) about(id events.EventID, seq events.Seq, state MessageState) {
	c.About = seq
	c.States = []StateChange{{id, seq, state}}
}

// mentions gives those of a message, without its sender; nil where there are none.
func mentions(seq events.Seq, sender events.UserID, users []events.UserID, all bool) *Mentions {
	users = slices.DeleteFunc(slices.Clone(users), func(u events.UserID) bool { return u == sender })
	slices.Sort(users)
	users = slices.Compact(users)
	if len(users) == 0 && !all {
		return nil
	}
	return &Mentions{Seq: seq, Users: users, Room: all}
}

// wellFormedMessage says whether a message is within the contract's limits.
func wellFormedMessage(text, attachments int, mentions []events.UserID) bool {
	return text >= 0 && attachments >= 0 && attachments <= events.MaxAttachments &&
		len(mentions) <= events.MaxMentions && !slices.ContainsFunc(mentions, noUser)
}

func noUser(u events.UserID) bool {
	_, err := events.ParseUserID(string(u))
	return err != nil
}

func (j judge) isMessage(id events.EventID) bool {
	p, ok := j.Priors[id]
	return ok && p.Type == events.TypeMessagePosted && p.Seq > 0
}
