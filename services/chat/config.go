package chat

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/roomlog/roomlog/services/chat/internal/auth"
)

// Config is how the API serves. The tags are those of the command line; zero
// fields take the defaults there.
type Config struct {
	Listen         string        `help:"Where the API is served; port 0 picks one." default:"127.0.0.1:8080"`
	SecretFile     string        `name:"secret-file" help:"File with the secret that tokens are signed with (HS256): at least 32 bytes; white space around it does not count." type:"path"`
	JWKS           []Issuer      `name:"jwks" sep:" " help:"Issuers whose tokens are taken, with spaces between: the URL of a JWKS or of an OpenID Connect issuer. With TENANT,…= before it, it speaks for these tenants only." placeholder:"[TENANT,…=]URL"`
	Audience       []string      `help:"What tokens of a --jwks must be for (aud), one of these; none: anything."`
	Tenants        []string      `help:"Tenants that tokens may speak for, separated by commas, where the --jwks does not name others; none: all."`
	PublishTimeout time.Duration `name:"publish-timeout" help:"How long the log may take for an event before the answer says that its outcome is not known." default:"10s"`
	RequestTimeout time.Duration `name:"request-timeout" help:"How long a client may take to send a request." default:"20s"`
	ReadTimeout    time.Duration `name:"read-timeout" help:"How long the database may take for one read." default:"5s"`
	Rate           int           `name:"rate" help:"Commands a second that one user may send, to each of the API's processes." default:"1000"`
	Burst          int           `name:"burst" help:"Commands that one user may send at once." default:"2000"`
	ReadRate       int           `name:"read-rate" help:"Requests a second that one user may read with." default:"5000"`
	ReadBurst      int           `name:"read-burst" help:"Requests that one user may read with at once." default:"10000"`
	RoomRate       int           `name:"room-rate" help:"Commands a second that one room takes, from all users, at each of the API's processes." default:"5000"`
	RoomBurst      int           `name:"room-burst" help:"Commands that one room takes at once." default:"10000"`
	UncheckedRate  int           `name:"unchecked-rate" help:"Commands a second that one user may send while the database does not answer, so that nobody can say whether they may." default:"100"`
	UncheckedBurst int           `name:"unchecked-burst" help:"Commands that one user may send at once while the database does not answer." default:"1000"`
	MaxRequests    int           `name:"max-requests" help:"Requests that one user may have under way, streams included." default:"4000"`
	MaxStreams     int           `name:"max-streams" help:"Streams and long polls that one user may have open." default:"2000"`
	StreamTimeout  time.Duration `name:"stream-timeout" help:"How long the client of a stream may take for what is sent to it." default:"30s"`
	StopTimeout    time.Duration `name:"stop-timeout" help:"How long requests may take to finish when the program stops." default:"4s"`

	Hook HookConfig `embed:""`

	// Secret is used instead of SecretFile where it is not empty.
	Secret Secret `kong:"-"`
}

// Secret is a key that does not show itself.
type Secret []byte

// String hides the secret.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret.
func (Secret) GoString() string { return "[secret]" }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// ReadSecret reads a secret from a file: its bytes without the white space around
// them.
func ReadSecret(path string) (Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	if b = bytes.TrimSpace(b); len(b) < auth.MinSecret {
		return nil, fmt.Errorf("the secret in %s has %d bytes, at least %d are needed", path, len(b), auth.MinSecret)
	}
	return b, nil
}

// Validate completes the defaults and checks the rest. Warnings are for the
// operator: the service runs all the same.
func (c *Config) Validate() (warnings []string, err error) {
	orDefault(&c.Listen, "127.0.0.1:8080")
	orDefault(&c.PublishTimeout, 10*time.Second)
	orDefault(&c.RequestTimeout, 20*time.Second)
	orDefault(&c.ReadTimeout, 5*time.Second)
	for _, n := range c.limits() {
		orDefault(n.value, n.usual)
	}
	orDefault(&c.StreamTimeout, 30*time.Second)
	orDefault(&c.StopTimeout, 4*time.Second)

	var errs []error
	if len(c.Secret) == 0 && c.SecretFile != "" {
		if c.Secret, err = ReadSecret(c.SecretFile); err != nil {
			errs = append(errs, fmt.Errorf("--secret-file: %w", err))
		}
	}
	told, err := c.checkIssuers()
	warnings, errs = append(warnings, told...), append(errs, err)
	told, err = c.Hook.validate(c.PublishTimeout)
	warnings, errs = append(warnings, told...), append(errs, err)
	for name, d := range map[string]time.Duration{
		"--request-timeout": c.RequestTimeout, "--publish-timeout": c.PublishTimeout, "--read-timeout": c.ReadTimeout,
		"--stream-timeout": c.StreamTimeout, "--stop-timeout": c.StopTimeout,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s is %s, must be positive", name, d))
		}
	}
	for _, n := range c.limits() {
		if *n.value < 1 {
			errs = append(errs, fmt.Errorf("%s is %d, must be at least 1", n.flag, *n.value))
		}
	}
	if w := notLoopback("--listen", c.Listen, "tokens and messages travel in the clear: put TLS in front"); w != "" {
		warnings = append(warnings, w)
	}
	return warnings, errors.Join(errs...)
}

// limitFlag is a limit, and what it is where nobody says.
type limitFlag struct {
	flag  string
	value *int
	usual int
}

func (c *Config) limits() []limitFlag {
	return []limitFlag{
		{"--rate", &c.Rate, 1000},
		{"--burst", &c.Burst, 2000},
		{"--read-rate", &c.ReadRate, 5000},
		{"--read-burst", &c.ReadBurst, 10000},
		{"--room-rate", &c.RoomRate, 5000},
		{"--room-burst", &c.RoomBurst, 10000},
		{"--unchecked-rate", &c.UncheckedRate, 100},
		{"--unchecked-burst", &c.UncheckedBurst, 1000},
		{"--max-requests", &c.MaxRequests, 4000},
		{"--max-streams", &c.MaxStreams, 2000},
	}
}

// AdminWarning is a warning for an admin listener that others can reach, or empty.
func AdminWarning(addr string) string {
	return notLoopback("--admin", addr, "it asks for no token and shows internals")
}

func notLoopback(flag, addr, why string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host == "localhost" {
		return ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return ""
	}
	return fmt.Sprintf("%s %s is not loopback: %s", flag, addr, why)
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
