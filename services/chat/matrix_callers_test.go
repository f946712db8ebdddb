package chat_test

import (
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// caller is a column of the matrix: what somebody is to the room, and what token
// they send.
type caller struct {
	name string
	// enter writes how they came to what they are; nil: they made the room.
	enter func(*scene)
	// token gives the headers that say who asks.
	token func(*scene, request) []header
	sight sight
}

// sight is what somebody may see of a room.
type sight int

const (
	nothing   sight = iota // though the room is public
	existence              // of a public room
	invited                // the existence of a private room
	content
	all // whatever the setting of history
)

// callers are all there are. The tokens that are no good are those of the room's
// owner, but for the token.
func callers() []caller {
	join := func(in *scene) {
		in.admit(in.ids["self"])
		in.ids["own"] = string(in.log.Post(in.user("self"), inside).ID)
		in.ids["did"] = in.ids["own"]
	}
	as := func(role events.Role) func(*scene) {
		return func(in *scene) {
			join(in)
			in.log.SetRole(owner(in), in.user("self"), role)
		}
	}
	return []caller{
		{"no token", nil, func(*scene, request) []header { return []header{h("Authorization", "-")} }, nothing},
		{"expired token", nil, claiming("exp", time.Now().Add(-time.Hour).Unix()), nothing},
		{"without the scope", nil, lacking, nothing},
		{"other tenant", nil, claiming("tenant", "other"), nothing},
		{"stranger", func(*scene) {}, own, existence},
		{"invited", func(in *scene) { in.log.Invite(owner(in), in.user("self")) }, own, invited},
		{"knocking", func(in *scene) {
			in.ids["did"] = string(in.log.Member(in.user("self"), in.user("self"), events.MembershipKnock).ID)
		}, own, existence},
		{"banned", func(in *scene) { join(in); in.log.Ban(owner(in), in.user("self")) }, own, existence},
		{"left", func(in *scene) { join(in); in.ids["did"] = string(in.log.Leave(in.user("self")).ID) }, own, existence},
		{"guest", as(events.RoleGuest), own, content},
		{"member", join, own, content},
		{"service for a member", join, service, content},
		{"moderator", as(events.RoleModerator), own, content},
		{"owner", nil, own, all},
	}
}

func owner(in *scene) events.UserID { return in.user("owner") }

func own(in *scene, _ request) []header {
	return []header{bearer(chattest.Token(in.ids["self"]))}
}

func claiming(name string, v any) func(*scene, request) []header {
	return func(in *scene, _ request) []header {
		return []header{bearer(chattest.Token(in.ids["self"], claim(name, v)))}
	}
}

// lacking gives a token with every scope but the one that the request takes.
func lacking(in *scene, r request) []header {
	scope := "read service"
	if strings.HasPrefix(r.route, http.MethodGet) {
		scope = "write service"
	}
	return claiming("scope", scope)(in, r)
}

func service(in *scene, _ request) []header {
	return []header{bearer(chattest.Token("bot", func(c jwt.MapClaims) { c["scope"] = "service" })), actAs(in.ids["self"])}
}

// hidden are the texts that the caller must not be told.
func (in *scene) hidden() []string {
	texts := []string{redacted, elsewhere}
	sight := in.caller.sight
	if sight < content {
		texts = append(texts, inside, in.ids["bystander"])
	}
	if sight < content || sight < all && in.kind.settings.History == events.HistoryJoined {
		texts = append(texts, before)
	}
	if sight == nothing || sight < invited && in.kind.of == events.RoomPrivate {
		texts = append(texts, named)
	}
	return texts
}
