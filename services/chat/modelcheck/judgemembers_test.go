package modelcheck_test

// judgeChange is the table of the description.
func (r *room) judgeChange(c *request, now int64) verdict {
	by, target := r.member(c.by, now), r.member(c.whom, now)
	switch {
	case r.isDirect() && by.membership != "join":
		return r.outside(by)
	case r.isDirect() && c.membership == target.membership && (c.role == "" || c.role == target.role):
		return verdict{same: true}
	case r.isDirect():
		return refuse("forbidden")
	case c.by == c.whom:
		return r.judgeOwn(c, by)
	case by.membership != "join":
		return r.outside(by)
	}
	switch c.membership {
	case "invite":
		return r.judgeInvite(by, target)
	case "join":
		return r.judgeRole(c, by, target)
	case "leave":
		return r.judgeKick(by, target)
	case "ban":
		return r.judgeBan(c, by, target, now)
	}
	return refuse("invalid_event") // nobody knocks for another
}

func (r *room) judgeOwn(c *request, m member) (v verdict) {
	switch c.membership {
	case "join":
		switch {
		case m.membership == "join" && (c.role == "" || c.role == m.role):
			v.same = true
		case m.membership == "join":
			v.because("forbidden", ranks[c.role] > ranks[m.role])
		case m.membership == "ban" || !r.public() && m.membership != "invite":
			return r.outside(m)
		default:
			v.because("room_archived", r.archived())
			v.because("forbidden", c.role != "" && c.role != "member")
		}
	case "knock":
		switch m.membership {
		case "knock":
			v.same = true
		case "join", "invite":
			return refuse("user_joined")
		case "ban":
			return r.outside(m)
		default:
			v.because("room_archived", r.public() && r.archived())
			v.because("forbidden", r.public() && !r.archived())
			v.because("room_not_found", !r.public() && (r.archived() || !r.settings().Knocks))
		}
	case "leave":
		v.same = m.membership == "leave"
		if m.membership == "" || m.membership == "ban" {
			return r.outside(m)
		}
	default:
		if m.membership != "join" {
			return r.outside(m)
		}
		return refuse("forbidden")
	}
	return v
}

func (r *room) judgeInvite(by, target member) (v verdict) {
	v.because("forbidden", !r.may(by, "invite"))
	v.because("user_joined", target.membership == "join")
	v.because("user_banned", target.membership == "ban")
	if v.same = target.membership == "invite"; !v.same {
		v.because("room_archived", r.archived())
	}
	return v
}

// judgeRole judges a join for another: a role, or an answer to a knock.
func (r *room) judgeRole(c *request, by, target member) (v verdict) {
	switch {
	case target.membership == "knock":
		v.because("forbidden", !r.may(by, "invite") || ranks[c.role] > ranks["member"] && by.role != "owner")
		v.because("room_archived", r.archived())
	case target.membership != "join":
		return refuse("forbidden")
	case c.role == "" || c.role == target.role:
		v.same = true
	default:
		v.because("forbidden", by.role != "owner")
	}
	return v
}

// above tells who may kick, ban and unban whom.
func above(by, target member) bool {
	return ranks[by.role] >= ranks["moderator"] && ranks[target.role] < ranks[by.role]
}

func (r *room) judgeKick(by, target member) (v verdict) {
	if target.membership == "knock" {
		v.because("forbidden", !r.may(by, "invite") && !above(by, target))
		return v
	}
	v.because("forbidden", !above(by, target))
	v.because("user_unknown", target.membership == "")
	v.same = target.membership == "leave"
	return v
}

func (r *room) judgeBan(c *request, by, target member, now int64) (v verdict) {
	v.because("forbidden", !above(by, target))
	v.because("invalid_event", c.ends != 0 && c.ends <= now)
	v.same = target.membership == "ban" && target.until == c.ends
	return v
}
