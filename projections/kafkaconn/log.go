package kafkaconn

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// clientLog is a kgo.Logger on slog.
type clientLog struct{ log *slog.Logger }

// Level is asked before each message is built; without it a client at rest
// would format thousands of lines for nobody.
func (l clientLog) Level() kgo.LogLevel {
	if !l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelNone
	}
	return kgo.LogLevelDebug
}

// Log implements kgo.Logger; keyvals alternate between string keys and values,
// as slog wants them.
func (l clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	l.log.Debug("kafka client", append([]any{"client_level", level.String(), "client_msg", msg}, keyvals...)...)
}
