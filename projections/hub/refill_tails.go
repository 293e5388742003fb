package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// Tails is where each partition of a shard ends in the live hub topic: its high watermark. cfg is
// the live leg's, journal that of the pipeline. It writes nothing and fences nobody. Errors:
// *projections.Refusal where the topic is gone, or is not the one that the shard's progress
// record names, so that what is missing cannot be filled in; else that the hub did not answer.
func Tails(ctx context.Context, cfg Config, journal domain.JournalID) (map[int32]int64, error) {
	cl, err := kafkaconn.Dial(cfg.Kafka)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	t, err := wroteTo(ctx, cl, cfg, journal)
	if err != nil {
		return nil, err
	}
	return highWater(ctx, cl, cfg, t)
}

// furthest is the progress record of the last batch, of whichever semantic; nil for none.
func furthest(of records) *progress {
	p := of.fenced
	if u := of.unfenced; p == nil || u != nil && u.Cursor.Seq > p.Cursor.Seq {
		p = u
	}
	return p
}

// unfit makes of an error that is not to be waited for a refusal.
func unfit(err, is error) error {
	if errors.Is(err, is) {
		return &projections.Refusal{Reason: fmt.Sprintf("%v: there is nothing that could be filled in", err) + instead}
	}
	return err
}
