package kafkaconn

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// again asks until the answer is another than passing, a code that kgo hands
// out at once although it goes away by itself, or until retryTimeout or ctx is
// over; the last answer counts.
func again(ctx context.Context, passing *kerr.Error, ask func() error) error {
	end := time.NewTimer(retryTimeout)
	defer end.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if !errors.Is(err, passing) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-end.C:
			return err
		case <-tick.C:
		}
	}
}
