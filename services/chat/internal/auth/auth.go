// Package auth tells who a request is from: a JWT signed with a shared secret.
package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// MinSecret is the least length of a shared secret, in bytes: HS256 is as strong
// as its key.
const MinSecret = 32

// leeway is how far the issuer's clock may be off.
const leeway = 10 * time.Second

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	secret  []byte
	tenants []events.Tenant
	parser  *jwt.Parser
}

// New makes a verifier of tokens signed (HS256) with the secret, which may speak
// for the tenants named; none: for all.
func New(secret []byte, tenants []events.Tenant, now func() time.Time) (*Verifier, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("the secret has %d bytes, at least %d are needed", len(secret), MinSecret)
	}
	return &Verifier{
		secret: slices.Clone(secret), tenants: slices.Clone(tenants),
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
			jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(now),
		),
	}, nil
}

type claims struct {
	jwt.RegisteredClaims
	Tenant *string `json:"tenant"`
	Scope  *string `json:"scope"`
}

// Verify reads an Authorization header. Errors are problems: token_missing,
// token_invalid, token_expired.
func (v *Verifier) Verify(header string) (Identity, error) {
	scheme, token, ok := strings.Cut(header, " ")
	if header == "" || !strings.EqualFold(scheme, "Bearer") {
		return Identity{}, problem.New(problem.TokenMissing, "send Authorization: Bearer <token>")
	}
	if !ok || token == "" {
		return Identity{}, invalid("there is no token behind Bearer", nil)
	}
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return v.secret, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Identity{}, problem.Caused(problem.TokenExpired, "the token has expired", err)
	case err != nil:
		return Identity{}, invalid("the token is not one that this service accepts", err)
	}
	return v.identity(c)
}

func (v *Verifier) identity(c claims) (Identity, error) {
	id := Identity{Tenant: events.DefaultTenant, Expires: c.ExpiresAt.Time, Scopes: parseScopes(c.Scope)}
	var err error
	if id.User, err = events.ParseUserID(c.Subject); err != nil {
		return Identity{}, invalid("sub is not a user id", err)
	}
	if c.Tenant != nil {
		if id.Tenant, err = events.ParseTenant(*c.Tenant); err != nil {
			return Identity{}, invalid("tenant is not a tenant", err)
		}
	}
	if len(v.tenants) > 0 && !slices.Contains(v.tenants, id.Tenant) {
		return Identity{}, invalid("the issuer does not speak for this tenant", nil)
	}
	return id, nil
}

func invalid(detail string, cause error) error {
	return problem.Caused(problem.TokenInvalid, detail, cause)
}
