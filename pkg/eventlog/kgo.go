package eventlog

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// newKgo makes a client; it connects when it is first used. The config must be
// complete.
func newKgo(c Config, opts ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		kgo.DialTimeout(c.DialTimeout),
		kgo.RequestTimeoutOverhead(c.RequestTimeout),
		kgo.RetryTimeout(c.RequestTimeout),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.WithLogger(kgoLogger{c.Logger}),
		kgo.WithHooks(&outage{log: c.Logger}),
		kgo.DisableClientMetrics(),
	}
	if c.Username != "" {
		base = append(base, kgo.SASL(plain.Auth{User: c.Username, Pass: c.Password}.AsMechanism()))
	}
	if c.Dial != nil {
		base = append(base, kgo.Dialer(c.Dial))
	}
	cl, err := kgo.NewClient(append(base, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return cl, nil
}

// kgoLogger passes on errors, as warnings: the client retries, and who gives up
// is told by an error. The rest is for debugging.
type kgoLogger struct{ to *slog.Logger }

func (l kgoLogger) Level() kgo.LogLevel {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelError
}

func (l kgoLogger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	if level == kgo.LogLevelError {
		to = slog.LevelWarn
	}
	l.to.Log(context.Background(), to, "kafka client", append([]any{"detail", msg}, keyvals...)...)
}

// outage logs once when brokers cannot be reached, and once when one can again.
type outage struct {
	log  *slog.Logger
	down atomic.Bool
}

func (o *outage) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	addr := net.JoinHostPort(meta.Host, fmt.Sprint(meta.Port))
	switch {
	case err != nil && !o.down.Swap(true):
		o.log.Warn("broker cannot be reached, retrying", "broker", addr, "error", err)
	case err == nil && o.down.Swap(false):
		o.log.Info("broker can be reached again", "broker", addr)
	}
}

var _ kgo.HookBrokerConnect = (*outage)(nil)
