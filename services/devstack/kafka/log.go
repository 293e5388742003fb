package kafka

import (
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
)

// standinLog passes on kfake's errors, which never come in normal operation, and
// drops the rest: a warning of kfake's is a refused request, and its client
// hears of that.
type standinLog struct{ log *slog.Logger }

// Logf implements kfake.Logger.
func (l standinLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if level == kfake.LogLevelError {
		l.log.Error("kafka stand-in", "message", fmt.Sprintf(format, args...))
	}
}
