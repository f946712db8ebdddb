package auth

import (
	"slices"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// ActAsHeader names the person in whose name a service acts.
const ActAsHeader = "Roomlog-Act-As"

// Scope is what a token may do.
type Scope string

// Scopes. A token without a scope claim has Read and Write.
const (
	Read  Scope = "read"
	Write Scope = "write"
	// Service lets the token act for the people of its tenant.
	Service Scope = "service"
)

// parseScopes reads a scope claim (RFC 8693: names with spaces between); nil: there
// is none. Names of other services' scopes are passed over.
func parseScopes(claim *string) []Scope {
	if claim == nil {
		return []Scope{Read, Write}
	}
	named := strings.Fields(*claim)
	var out []Scope
	for _, s := range []Scope{Read, Write, Service} {
		if slices.Contains(named, string(s)) {
			out = append(out, s)
		}
	}
	if len(out) == 1 && out[0] == Service { // it does what those do for whom it acts
		return []Scope{Read, Write, Service}
	}
	return out
}

// Identity is who a request is from.
type Identity struct {
	Tenant events.Tenant
	User   events.UserID
	// Actor is the service that acts in the user's name; empty: it is the user.
	Actor  events.UserID
	Scopes []Scope
	// Issued is when the token was; zero: it does not say.
	Issued time.Time
	// Expires is when the token does; streams end then.
	Expires time.Time
}

// May reports whether the token has the scope.
func (i Identity) May(s Scope) bool { return slices.Contains(i.Scopes, s) }

// ActAs gives the identity of the person for whom a service acts. Errors are
// problems: insufficient_scope, invalid_id.
func (i Identity) ActAs(user string) (Identity, error) {
	if !i.May(Service) {
		p := problem.In(problem.InsufficientScope, ActAsHeader, `only a token with the scope "service" acts for others`)
		return Identity{}, p
	}
	person, err := events.ParseUserID(user)
	if err != nil {
		p := problem.In(problem.InvalidID, ActAsHeader, "this is the id of one user")
		p.Cause = err
		return Identity{}, p
	}
	i.Actor, i.User = i.User, person
	return i, nil
}

// Account is one user.
type Account struct {
	Tenant events.Tenant
	User   events.UserID
}

// bearer is whose token it is.
func (i Identity) bearer() Account {
	if i.Actor != "" {
		return Account{i.Tenant, i.Actor}
	}
	return i.Account()
}

// Account is whom the request is from.
func (i Identity) Account() Account { return Account{i.Tenant, i.User} }
