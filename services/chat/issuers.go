package chat

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
)

// ErrNoIssuer says that nobody's tokens would be taken.
var ErrNoIssuer = errors.New("nobody's tokens would be taken: use --secret-file or --jwks")

// Issuer is one whose tokens are taken: "[TENANT,…=]URL".
type Issuer struct {
	// URL is that of a JWKS, or of an OpenID Connect issuer.
	URL string
	// Tenants are those for which it speaks.
	Tenants []string
}

// UnmarshalText reads what stands on the command line.
func (i *Issuer) UnmarshalText(text []byte) error {
	*i = Issuer{URL: string(text)}
	if tenants, address, ok := strings.Cut(i.URL, "="); ok && !strings.Contains(tenants, "://") {
		*i = Issuer{URL: address, Tenants: strings.Split(tenants, ",")}
	}
	return i.check()
}

// MarshalText writes it as it stands on the command line.
func (i Issuer) MarshalText() ([]byte, error) {
	if len(i.Tenants) == 0 {
		return []byte(i.URL), nil
	}
	return []byte(strings.Join(i.Tenants, ",") + "=" + i.URL), nil
}

func (i Issuer) check() error {
	u, err := url.Parse(i.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("this is the URL of a JWKS or an issuer, with http or https and without a password")
	}
	return checkTenants(i.Tenants)
}

// inTheClear reports whether the URL leads over a network without TLS.
func inTheClear(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}

func checkTenants(tenants []string) error {
	for _, t := range tenants {
		if _, err := events.ParseTenant(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkIssuers() (warnings []string, err error) {
	var errs []error
	if len(c.Secret) == 0 && c.SecretFile == "" && len(c.JWKS) == 0 {
		errs = append(errs, ErrNoIssuer)
	}
	if err := checkTenants(c.Tenants); err != nil {
		errs = append(errs, fmt.Errorf("--tenants: %w", err))
	}
	all := len(c.JWKS)
	if len(c.Secret) > 0 {
		all++
	}
	for _, i := range c.JWKS {
		if err := i.check(); err != nil {
			errs = append(errs, fmt.Errorf("--jwks: %w", err))
			continue
		}
		if inTheClear(i.URL) {
			warnings = append(warnings, fmt.Sprintf("--jwks %s has no TLS: who can change what it answers can make tokens", i.URL))
		}
		if all > 1 && len(i.Tenants) == 0 && len(c.Tenants) == 0 {
			warnings = append(warnings, fmt.Sprintf("--jwks %s speaks for all tenants, those of the other issuers too: name its own", i.URL))
		}
	}
	if len(c.JWKS) > 0 && len(c.Audience) == 0 {
		warnings = append(warnings, "tokens that a --jwks has made for other services are taken too: use --audience")
	}
	return warnings, errors.Join(errs...)
}

func (c *Config) auth(logger *slog.Logger) auth.Config {
	out := auth.Config{
		Secret: c.Secret, Tenants: tenantsOf(c.Tenants), Audiences: c.Audience, Now: time.Now, Logger: logger,
	}
	for _, i := range c.JWKS {
		out.Issuers = append(out.Issuers, auth.Issuer{URL: i.URL, Tenants: tenantsOf(i.Tenants)})
	}
	return out
}

func tenantsOf(names []string) []events.Tenant {
	out := make([]events.Tenant, len(names))
	for i, n := range names {
		out[i] = events.Tenant(n)
	}
	return out
}
