package modelcheck_test

import (
	"fmt"
	"slices"
	"strconv"
)

// readable are the messages that a person may read.
func (r *room) readable(user string) []message {
	all := []message{}
	for _, m := range r.posts() {
		if r.visible(user, m.seq) {
			all = append(all, r.message(m, user))
		}
	}
	return all
}

// compareMessages reads all messages in one page, and again from the end in small ones.
func (s *scene) compareMessages(r *room, user string) error {
	in := "/v1/rooms/" + r.id + "/messages"
	all := r.readable(user)
	if err := is(s, user, in+"?after=0&limit=200", list[message]{Items: all}); err != nil {
		return err
	}
	limit := 1 + len(all)%4
	before := ""
	for end := len(all); ; {
		begin := max(0, end-limit)
		want := list[message]{Items: all[begin:end]}
		if begin > 0 {
			want.Prev = seqOf(all[begin])
		}
		if end < len(all) {
			want.Next = seqOf(all[end-1])
		}
		if err := is(s, user, fmt.Sprintf("%s?limit=%d%s", in, limit, before), want); err != nil || begin == 0 {
			return err
		}
		end, before = begin, "&before="+*want.Prev
	}
}

func seqOf(m message) *string {
	seq := strconv.Itoa(m.Seq)
	return &seq
}

// compareAround reads a page around a seq: the messages next to it, by turns from both
// sides, the older ones first, itself among these.
func (s *scene) compareAround(r *room, user string) error {
	all := r.readable(user)
	seq, limit := 1+len(r.facts)*5%(r.seq()+3), 1+len(r.facts)%5
	begin := 0
	for begin < len(all) && all[begin].Seq <= seq {
		begin++
	}
	end := begin
	for end-begin < limit && end-begin < len(all) {
		if begin > 0 {
			begin--
		}
		if end < len(all) && end-begin < limit {
			end++
		}
	}
	want := list[message]{Items: all[begin:end]}
	if begin > 0 {
		want.Prev = seqOf(all[begin])
	}
	if end < len(all) {
		want.Next = seqOf(all[end-1])
	}
	return is(s, user, fmt.Sprintf("/v1/rooms/%s/messages?around=%d&limit=%d", r.id, seq, limit), want)
}

// compareAt reads the messages from a time on: that of one of the room's, readable or
// not, or a moment later.
func (s *scene) compareAt(r *room, user string) error {
	posts := r.posts()
	if len(posts) == 0 {
		return nil
	}
	at := posts[len(r.facts)*3%len(posts)].sentAt + int64(len(r.facts)%2)
	first := fact{seq: r.seq() + 1} // nobody's
	if i := slices.IndexFunc(posts, func(f fact) bool { return f.sentAt >= at }); i >= 0 {
		first = posts[i]
	}
	all := r.readable(user)
	older := slices.DeleteFunc(slices.Clone(all), func(m message) bool { return m.Seq >= first.seq })
	limit := 1 + len(r.facts)%4
	items := all[len(older):min(len(older)+limit, len(all))]
	want := list[message]{Items: items}
	if len(older) > 0 {
		begin := message{Seq: first.seq}
		if len(items) > 0 {
			begin = items[0]
		}
		want.Prev = seqOf(begin)
	}
	if len(older)+len(items) < len(all) {
		want.Next = seqOf(items[len(items)-1])
	}
	return is(s, user, fmt.Sprintf("/v1/rooms/%s/messages?at=%s&limit=%d", r.id, written(at), limit), want)
}
