package realkafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// awaitReady waits until the log, from an offset on, says that the broker has
// started. On failure the error carries the log's last complaints.
func awaitReady(ctx context.Context, logFile string, from int64, exited <-chan struct{}) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := tail(logFile, from)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte(readyLine)) {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("the broker ended\n%s", complaints(text))
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w\n%s", ctx.Err(), complaints(text))
		case <-tick.C:
		}
	}
}

func tail(file string, from int64) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if int64(len(text)) < from {
		return nil, errors.New("the log " + file + " became shorter")
	}
	return text[from:], nil
}

// complaints picks the last lines that name an error, or the last ones at all.
func complaints(text []byte) []byte {
	const most = 8
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	var bad [][]byte
	for _, line := range lines {
		if bytes.Contains(line, []byte("ERROR")) || bytes.Contains(line, []byte("Exception")) {
			bad = append(bad, line)
		}
	}
	if len(bad) == 0 {
		bad = lines
	}
	return bytes.Join(bad[max(0, len(bad)-most):], []byte("\n"))
}
