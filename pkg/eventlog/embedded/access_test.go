package embedded_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
)

func TestPassword(t *testing.T) {
	b := start(t, embedded.Config{})
	for name, tc := range map[string]struct {
		user, password string
		ok             bool
	}{
		"right":              {b.Username(), b.Password(), true},
		"wrong password":     {b.Username(), "wrong" + b.Password(), false},
		"empty password":     {b.Username(), "", false},
		"unknown user":       {"admin", b.Password(), false},
		"unknown user, none": {"admin", "", false}, // kfake alone lets this one in
	} {
		t.Run(name, func(t *testing.T) {
			cl, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers()...), kgo.RequestRetries(0),
				kgo.SASL(anyPlain{tc.user, tc.password}))
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			if err := cl.Ping(testContext(t)); tc.ok != (err == nil) || !tc.ok && !errors.Is(err, kerr.SaslAuthenticationFailed) {
				t.Errorf("ping: %v", err)
			}
		})
	}
	t.Run("none at all", func(t *testing.T) {
		cl, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers()...), kgo.RequestRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := cl.Ping(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ping: %v", err)
		}
	})
}

func TestOtherProtocolsDoNoHarm(t *testing.T) {
	b := start(t, embedded.Config{})
	for name, bytes := range map[string]string{
		"http":            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"unknown request": "\x00\x00\x00\x10\x7f\xff\x00\x00\x00\x00\x00\x01\x00\x01x\x00\x00\x00\x00\x00",
		"unknown version": "\x00\x00\x00\x10\x00\x00\x7f\xff\x00\x00\x00\x01\x00\x01x\x00\x00\x00\x00\x00",
		"huge":            "\x7f\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01",
		"tiny":            "\x00\x00\x00\x02\x00\x12\x00\x00",
		"negative":        "\xff\xff\xff\xff\x00\x12\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", b.Info().Address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close() //nolint:errcheck // the other side has closed it
			if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, bytes); err != nil {
				t.Fatal(err)
			}
			var timeout net.Error
			if n, err := io.Copy(io.Discard, c); n > 0 || errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%d bytes came back, %v; want the connection's end", n, err)
			}
		})
	}
	publish(t, configOf(b.Info()), ensure(t, configOf(b.Info()), 1), "room", 1)
}

// anyPlain is SASL/PLAIN without the client's own checks.
type anyPlain struct{ user, password string }

func (anyPlain) Name() string { return "PLAIN" }

func (a anyPlain) Authenticate(context.Context, string) (sasl.Session, []byte, error) {
	return a, []byte("\x00" + a.user + "\x00" + a.password), nil
}

func (anyPlain) Challenge([]byte) (bool, []byte, error) { return true, nil, nil }
