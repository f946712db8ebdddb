package embedded

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// logger passes on what kfake warns of: data that it cut off, writes that failed.
type logger struct {
	to       *slog.Logger
	complain func() // is told of warnings
}

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
	if to >= slog.LevelWarn {
		l.complain()
	}
	if !l.to.Enabled(context.Background(), to) {
		return
	}
	l.to.Log(context.Background(), to, "embedded broker", "detail", fmt.Sprintf(format, args...))
}
