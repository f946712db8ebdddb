// Package token issues the tokens that the chat API takes: JWTs signed with the
// installation's shared secret.
package token

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/pkg/events"
)

// Claims is what a token says.
type Claims struct {
	User events.UserID
	// Tenant is left out of the token where it is empty: the server's default.
	Tenant events.Tenant
	// Scope is what the token may do, names separated by spaces.
	Scope string
	// TTL is how long the token is valid from now on.
	TTL time.Duration
}

// Issue signs a token with HS256. Errors: [events.ErrInvalidID], a TTL that is
// not positive, an empty secret.
func Issue(secret []byte, c Claims, now time.Time) (string, error) {
	if _, err := events.ParseUserID(string(c.User)); err != nil {
		return "", err
	}
	claims := jwt.MapClaims{
		"sub": string(c.User),
		"iat": now.Unix(),
		"exp": now.Add(c.TTL).Unix(),
	}
	if c.Tenant != "" {
		if _, err := events.ParseTenant(string(c.Tenant)); err != nil {
			return "", err
		}
		claims["tenant"] = string(c.Tenant)
	}
	if c.Scope != "" {
		claims["scope"] = c.Scope
	}
	switch {
	case c.TTL < time.Second:
		return "", fmt.Errorf("a token cannot be valid for %s", c.TTL)
	case len(secret) == 0:
		return "", errors.New("the secret is empty")
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}
