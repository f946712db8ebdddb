package modelcheck_test

import "slices"

// member is what a person is to a room.
type member struct {
	membership, role string
	since, invited   int // seqs of the event, and of the invitation that a join followed
	until            int64
	read, delivered  int
	posted           int64 // when they last did
	muted, archived  bool
	hidden           bool
}

// member gives a person's standing at a time of the log.
func (r *room) member(user string, now int64) member {
	var m member
	for _, f := range r.facts {
		m.end(f.now)
		switch {
		case f.do == create && (f.by == user || f.whom == user):
			m = member{membership: "join", role: "owner", since: 1, read: 1, delivered: 1}
		case f.do == change && f.whom == user:
			m.become(&f)
		case f.do == post:
			m.hidden = false
			if f.by == user {
				m.posted, m.delivered = f.now, f.seq
				if f.root == "" {
					m.read = f.seq
				}
			}
		case f.by != user:
		case f.do == markRead && f.root == "":
			m.read = min(f.to, r.headAt(f))
			m.delivered = max(m.delivered, m.read)
		case f.do == delivered:
			m.delivered = max(m.delivered, min(f.to, r.headAt(f)))
		case f.do == prefer:
			m.muted, m.hidden, m.archived = f.muted, f.hidden, f.archived
		}
	}
	m.end(now)
	return m
}

// end makes a ban that is over a leave.
func (m *member) end(now int64) {
	if m.membership == "ban" && m.until != 0 && m.until <= now {
		m.membership, m.until = "leave", 0
	}
}

func (m *member) become(f *fact) {
	before := *m
	m.membership, m.role, m.until = f.membership, "", f.ends
	if m.membership == "join" {
		m.role = f.role
		if m.role == "" {
			m.role = "member"
		}
	}
	if before.membership == m.membership {
		return
	}
	m.since, m.invited = f.seq, 0
	if m.membership == "join" {
		m.read, m.delivered, m.hidden, m.archived = f.seq, f.seq, false, false
		if before.membership == "invite" {
			m.invited = before.since
		}
	}
}

// headAt is the seq of the last event before a fact.
func (r *room) headAt(at fact) (n int) {
	for _, f := range r.facts {
		if f.request == at.request {
			return n
		}
		n = max(n, f.seq)
	}
	return n
}

// members are all who had to do with the room.
func (r *room) members() (users []string) {
	for _, f := range r.facts {
		if f.do == create {
			users = append(users, f.by, f.whom)
		}
		if f.do == change {
			users = append(users, f.whom)
		}
	}
	slices.Sort(users)
	users = slices.Compact(users)
	return slices.DeleteFunc(users, func(u string) bool { return u == "" })
}

func (r *room) joined(now int64) (n int) {
	for _, u := range r.members() {
		if r.member(u, now).membership == "join" {
			n++
		}
	}
	return n
}

// stay is a time of membership: the events from, or from the invitation, to the end.
type stay struct{ from, invited, to int }

// stays are a person's, the present one without end.
func (r *room) stays(user string) (all []stay) {
	was := member{}
	for i, f := range r.facts {
		if f.seq == 0 {
			continue
		}
		is := (&room{facts: r.facts[:i+1]}).member(user, f.now)
		switch {
		case is.membership == "join" && was.membership != "join":
			all = append(all, stay{is.since, is.invited, 1 << 30})
		case is.membership != "join" && was.membership == "join":
			all[len(all)-1].to = f.seq
		}
		was = is
	}
	return all
}

// visible tells whether a member may read what was posted with a seq.
func (r *room) visible(user string, seq int) bool {
	history := r.historyAt(seq)
	if history == "all" {
		return true
	}
	for _, s := range r.stays(user) {
		from := s.from
		if history == "invited" && s.invited > 0 {
			from = s.invited
		}
		if from <= seq && seq <= s.to {
			return true
		}
	}
	return false
}
