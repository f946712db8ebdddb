package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Defaults of [Config].
const (
	DefaultTopicPrefix      = "roomlog.events."
	DefaultClientID         = "roomlog"
	DefaultDialTimeout      = 3 * time.Second
	DefaultRequestTimeout   = 5 * time.Second
	DefaultSessionTimeout   = 10 * time.Second
	DefaultRebalanceTimeout = 30 * time.Second
	DefaultRevokeTimeout    = 10 * time.Second
	DefaultCloseTimeout     = 10 * time.Second
	DefaultMaxInFlight      = 8192
)

// Config says how to reach the brokers. All programs of roomlog share it. Zero
// fields take their defaults.
type Config struct {
	// Brokers are host:port addresses to begin with. Required.
	Brokers []string
	// Topic is the topic of the room events; the default is EventsTopic(Epoch).
	Topic string
	// Epoch is the log's; the default is 1.
	Epoch events.LogEpoch
	// Username and Password are for SASL/PLAIN; without a username there is no
	// authentication. They are never logged.
	Username, Password string
	// Dial connects to a broker in the same process, which is the only one; nil: by TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ClientID names the program to the broker.
	ClientID string
	// Logger gets outages and rebalances; nil discards them.
	Logger *slog.Logger

	// DialTimeout bounds one attempt to connect.
	DialTimeout time.Duration
	// RequestTimeout is how long a broker may take for one request before the
	// connection counts as dead, and how long it may wait for its replicas. It
	// does not bound [Publisher.Publish]: the caller's context does.
	RequestTimeout time.Duration
	// SessionTimeout is after how long without a heartbeat a member of a group
	// is dead. Brokers allow 6 s to 30 min unless told otherwise.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long the members of a group may take to give up
	// partitions and join again.
	RebalanceTimeout time.Duration
	// RevokeTimeout is how long a handler may take to finish after its partition
	// was revoked. It must be shorter than RebalanceTimeout.
	RevokeTimeout time.Duration
	// CloseTimeout bounds Close.
	CloseTimeout time.Duration
	// MaxInFlight is how many records a [Publisher] may have handed over without
	// an answer; more wait for their turn.
	MaxInFlight int
}

// EventsTopic is the default topic of an epoch.
func EventsTopic(e events.LogEpoch) string { return fmt.Sprintf("%s%d", DefaultTopicPrefix, e) }

// complete fills in the defaults and checks the rest.
func (c Config) complete() (Config, error) {
	if len(c.Brokers) == 0 {
		return c, errors.New("eventlog: no brokers given")
	}
	for _, b := range c.Brokers {
		if strings.TrimSpace(b) == "" {
			return c, errors.New("eventlog: an empty broker address")
		}
	}
	orDefault(&c.Epoch, 1)
	orDefault(&c.Topic, EventsTopic(c.Epoch))
	orDefault(&c.ClientID, DefaultClientID)
	orDefault(&c.DialTimeout, DefaultDialTimeout)
	orDefault(&c.RequestTimeout, DefaultRequestTimeout)
	orDefault(&c.SessionTimeout, DefaultSessionTimeout)
	orDefault(&c.RebalanceTimeout, DefaultRebalanceTimeout)
	orDefault(&c.RevokeTimeout, DefaultRevokeTimeout)
	orDefault(&c.CloseTimeout, DefaultCloseTimeout)
	orDefault(&c.MaxInFlight, DefaultMaxInFlight)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.RevokeTimeout >= c.RebalanceTimeout {
		return c, fmt.Errorf("eventlog: revoke timeout %s is not shorter than the rebalance timeout %s", c.RevokeTimeout, c.RebalanceTimeout)
	}
	return c, nil
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// LogValue leaves the password out.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("brokers", strings.Join(c.Brokers, ",")),
		slog.String("topic", c.Topic),
		slog.Uint64("epoch", uint64(c.Epoch)),
		slog.String("username", c.Username),
		slog.String("client_id", c.ClientID),
	)
}

// String leaves the password out, so that %v and %+v do.
func (c Config) String() string { return fmt.Sprint(c.LogValue()) }

// GoString leaves the password out, so that %#v does.
func (c Config) GoString() string { return "eventlog.Config{" + c.String() + "}" }
