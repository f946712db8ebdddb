// Package auth tells who a request is from: a JWT signed with a shared secret, or
// with the private key of an issuer whose public keys are fetched (package jwks).
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/auth/jwks"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// MinSecret is the least length of a shared secret, in bytes: HS256 is as strong
// as its key.
const MinSecret = 32

// leeway is how far the issuer's clock may be off.
const leeway = 10 * time.Second

// Config says whose tokens are taken.
type Config struct {
	// Secret is shared with an issuer (HS256); empty: with none.
	Secret []byte
	// Tenants are those for which the secret's issuer may speak, and all others
	// that have none of their own; empty: all.
	Tenants []events.Tenant
	Issuers []Issuer
	// Audiences are what the tokens of Issuers must be for, one of them; empty:
	// anything.
	Audiences []string
	Now       func() time.Time
	Logger    *slog.Logger
}

// Issuer is one whose keys are fetched.
type Issuer struct {
	// URL is that of its JWKS, or its own (OpenID Connect Discovery).
	URL string
	// Tenants are those for which it may speak.
	Tenants []events.Tenant
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	now      func() time.Time
	issuers  []*issuer
	sets     []*jwks.Set
	verified *verified
}

// issuer is one whose tokens are taken.
type issuer struct {
	tenants []events.Tenant
	parser  *jwt.Parser
	// key gives the keys that a token may have been signed with, of those that are
	// known or, with ask, of those that the issuer has.
	key func(ctx context.Context, t *jwt.Token, ask bool) (any, error)
	// name is what iss must be; empty: anything.
	name func() string
	// version is another one when the issuer's keys may have changed.
	version func() any
}

// New makes a verifier.
func New(c Config) (*Verifier, error) {
	v := &Verifier{now: c.Now, verified: newVerified()}
	if n := len(c.Secret); n > 0 && n < MinSecret {
		return nil, fmt.Errorf("the secret has %d bytes, at least %d are needed", n, MinSecret)
	}
	common := []jwt.ParserOption{jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(c.Now)}
	if secret := slices.Clone(c.Secret); len(secret) > 0 {
		v.issuers = append(v.issuers, &issuer{
			tenants: c.Tenants, name: func() string { return "" },
			parser:  jwt.NewParser(append(common, jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}))...),
			key:     func(context.Context, *jwt.Token, bool) (any, error) { return secret, nil },
			version: func() any { return nil },
		})
	}
	common = append(common, jwt.WithValidMethods(jwks.Algorithms))
	if len(c.Audiences) > 0 {
		common = append(common, jwt.WithAudience(c.Audiences...))
	}
	for _, i := range c.Issuers {
		set := jwks.New(i.URL, c.Now, c.Logger)
		v.sets = append(v.sets, set)
		tenants := i.Tenants
		if len(tenants) == 0 {
			tenants = c.Tenants
		}
		v.issuers = append(v.issuers, &issuer{
			tenants: tenants, name: set.Issuer, version: set.Version, parser: jwt.NewParser(common...),
			key: func(ctx context.Context, t *jwt.Token, ask bool) (any, error) { return keysOf(ctx, set, t, ask) },
		})
	}
	if len(v.issuers) == 0 {
		return nil, errors.New("nobody's tokens would be taken: there is neither a secret nor an issuer")
	}
	return v, nil
}

// Run keeps the issuers' keys fresh until ctx ends.
func (v *Verifier) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, s := range v.sets {
		g.Go(func() error { return s.Run(ctx) })
	}
	return g.Wait()
}

// Issuers tells how fresh the issuers' keys are, and what is wrong with those that
// are not.
func (v *Verifier) Issuers() (all []jwks.Status, err error) {
	for _, s := range v.sets {
		status, failed := s.Status()
		all, err = append(all, status), errors.Join(err, failed)
	}
	return all, err
}

type claims struct {
	jwt.RegisteredClaims
	Tenant *string `json:"tenant"`
	Scope  *string `json:"scope"`
}

// Verify reads an Authorization header. Errors are problems (token_missing,
// token_invalid, token_expired, issuer_unavailable) or that of ctx.
func (v *Verifier) Verify(ctx context.Context, header string) (Identity, error) {
	scheme, token, ok := strings.Cut(header, " ")
	if header == "" || !strings.EqualFold(scheme, "Bearer") {
		return Identity{}, problem.New(problem.TokenMissing, "send Authorization: Bearer <token>")
	}
	if !ok || token == "" {
		return Identity{}, invalid("there is no token behind Bearer", nil)
	}
	if id, ok := v.verified.find(token, v.now()); ok {
		return id, nil
	}
	// An issuer that does not answer must not keep the tokens of others waiting.
	id, failed := v.try(ctx, token, false)
	if errors.Is(failed, jwks.ErrUnknownKey) && !errors.Is(failed, jwt.ErrTokenExpired) {
		id, failed = v.try(ctx, token, true)
	}
	var said *problem.Error
	switch {
	case failed == nil || errors.As(failed, &said):
		return id, failed
	case ctx.Err() != nil:
		return id, ctx.Err()
	case errors.Is(failed, jwt.ErrTokenExpired): // it is said of good signatures only
		return id, problem.Caused(problem.TokenExpired, "the token has expired", failed)
	case errors.Is(failed, jwks.ErrUnavailable):
		return id, problem.Caused(problem.IssuerUnavailable, "the token's issuer cannot be asked for its keys now", failed)
	}
	return id, invalid("the token is not one that this service accepts", failed)
}

// try looks for the issuer that has signed a token, with ask also among those whose
// keys have to be fetched first. The error is the problem with what a good token
// says, or why it is no issuer's.
func (v *Verifier) try(ctx context.Context, token string, ask bool) (Identity, error) {
	var failed error
	for _, i := range v.issuers {
		var c claims
		keys := i.version() // before they are used: newer ones are another version
		err := i.verify(ctx, token, &c, ask)
		if err == nil {
			id, err := i.identity(c)
			if err == nil {
				v.verified.add(token, verdict{id, i, keys})
			}
			return id, err
		}
		failed = errors.Join(failed, err)
	}
	return Identity{}, failed
}

func (i *issuer) verify(ctx context.Context, token string, c *claims, ask bool) error {
	_, err := i.parser.ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["crit"]; ok { // RFC 7515, 4.1.11: we understand none
			return nil, errors.New("the token has critical extensions")
		}
		if !i.named(c.Issuer) { // its keys need not be looked for
			return nil, jwt.ErrTokenInvalidIssuer
		}
		keys, err := i.key(ctx, t, ask)
		if err == nil && !i.named(c.Issuer) { // its name came with the keys
			err = jwt.ErrTokenInvalidIssuer
		}
		return keys, err
	})
	return err
}

// named reports whether the issuer is the one that a token names.
func (i *issuer) named(iss string) bool {
	name := i.name()
	return name == "" || name == iss
}

// keysOf are the keys of the set that the token names.
func keysOf(ctx context.Context, set *jwks.Set, t *jwt.Token, ask bool) (any, error) {
	id, _ := t.Header["kid"].(string)
	get := set.Known
	if ask {
		get = set.Keys
	}
	found, err := get(ctx, id, t.Method.Alg())
	if err != nil {
		return nil, err
	}
	var keys jwt.VerificationKeySet
	for _, k := range found {
		keys.Keys = append(keys.Keys, k)
	}
	return keys, nil
}

// identity is whom a good token of the issuer is from.
func (i *issuer) identity(c claims) (Identity, error) {
	id := Identity{Tenant: events.DefaultTenant, Expires: c.ExpiresAt.Time, Scopes: parseScopes(c.Scope)}
	if len(i.tenants) == 1 { // whoever speaks for one need not say for which
		id.Tenant = i.tenants[0]
	}
	if c.IssuedAt != nil {
		id.Issued = c.IssuedAt.Time
	}
	var err error
	if id.User, err = events.ParseUserID(c.Subject); err != nil {
		return Identity{}, invalid("sub is not a user id", err)
	}
	if c.Tenant != nil {
		if id.Tenant, err = events.ParseTenant(*c.Tenant); err != nil {
			return Identity{}, invalid("tenant is not a tenant", err)
		}
	}
	if len(i.tenants) > 0 && !slices.Contains(i.tenants, id.Tenant) {
		return Identity{}, invalid("the issuer does not speak for this tenant", nil)
	}
	return id, nil
}

func invalid(detail string, cause error) error {
	return problem.Caused(problem.TokenInvalid, detail, cause)
}
