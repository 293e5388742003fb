package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// Backlog is what the job that loaded the hub topic before has not taken of it: the rows of
// p.Hub.BacklogGroup's partitions that are not clear. Rows that a read_hub pipeline of the
// same file has journaled count as taken: done has its positions, nil without one.
func Backlog(ctx context.Context, p *config.Pipeline, done map[int32]int64) ([]kafkaconn.Backlog, error) {
	all, err := kafkaconn.Backlogs(ctx, p.Hub.Config, p.Hub.Topic, p.Hub.BacklogGroup, done)
	if err != nil {
		return nil, err
	}
	var out []kafkaconn.Backlog
	for _, b := range all {
		if !b.Clear() {
			out = append(out, b)
		}
	}
	return out, nil
}

// BacklogError says what Backlog found, with the pipeline that loads it.
func BacklogError(p *config.Pipeline, found []kafkaconn.Backlog) *ConfigError {
	var rows int64
	lines := make([]string, 0, len(found))
	for _, b := range found {
		rows += b.Rows
		lines = append(lines, b.String())
	}
	return &ConfigError{p.Name, fmt.Sprintf("hub topic %s has %d rows that group %s has not taken, and that this pipeline would never load: %s. "+
		"Load them first with a pipeline of the same hub and table in a file of its own, and `read_hub: {start: group-offsets, group: %s, on_missing_cursor: earliest, bounded: latest-offset}` "+
		"in place of sources; an open transaction is ended or waited for before (docs/cutover.md)",
		p.Hub.Topic, rows, p.Hub.BacklogGroup, strings.Join(lines, "; "), p.Hub.BacklogGroup)}
}

// checkBacklog demands, before the first row of this journal goes to the hub, that nothing
// is in it that the job before did not load. Errors: *ConfigError.
func checkBacklog(ctx context.Context, c *config.Config, o *Open, store *Store, log *slog.Logger) error {
	if o.Config.Hub.BacklogGroup == "" || o.Configured.Direct {
		return nil
	}
	for shard := range o.Configured.Shards {
		began, err := hubBegan(ctx, o.Journal, shard)
		if began || err != nil {
			return err
		}
	}
	done, err := taken(ctx, c, &o.Config, store, log)
	if err != nil {
		return err
	}
	said := ""
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		found, err := o.backlog(ctx, done)
		switch {
		case len(found) > 0:
			return BacklogError(&o.Config, found)
		case errors.Is(err, dorisconn.ErrUnauthorized):
			return &ConfigError{o.Config.Name, err.Error()}
		case err == nil:
			return nil
		case err.Error() != said:
			said = err.Error()
			log.WarnContext(ctx, "backlog of the hub cannot be counted, trying again", "pipeline", o.Config.Name, "error", err, "hint", kafkaconn.Explain(err))
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// backlog counts what neither the group nor the table has taken. done is what a read_hub
// pipeline has.
func (o *Open) backlog(ctx context.Context, done map[int32]int64) ([]kafkaconn.Backlog, error) {
	if o.Config.Doris != nil {
		ends, err := ReadTableEnds(ctx, o.Config.Doris)
		if err != nil {
			return nil, err
		}
		for h, end := range ends.Hub {
			done[h] = max(done[h], end)
		}
	}
	return Backlog(ctx, &o.Config, done)
}

// hubBegan reports whether a shard's hub stream has an intent.
func hubBegan(ctx context.Context, j *journal.Journal, shard int) (bool, error) {
	tail, err := j.Tail(ctx, domain.Stream{Pipeline: j.Pipeline(), Shard: shard, Leg: domain.LegHub})
	if errors.Is(err, journal.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Begun > 0, nil
}

// taken is how far the read_hub pipelines of a file have journaled the hub topic of a
// pipeline.
func taken(ctx context.Context, c *config.Config, p *config.Pipeline, store *Store, log *slog.Logger) (map[int32]int64, error) {
	done := map[int32]int64{}
	for i := range c.Pipelines {
		from := &c.Pipelines[i]
		sameHub := from.Hub.Topic == p.Hub.Topic && slices.ContainsFunc(from.Hub.Brokers, func(b string) bool { return slices.Contains(p.Hub.Brokers, b) })
		if from.ReadHub == nil || !sameHub {
			continue
		}
		if _, known := store.Manifest.Journal(from.Name); !known && c.Journal.Mode == config.ModeEmbedded {
			continue // opening would make it
		}
		j, err := store.OpenJournal(ctx, c, from.Name, log)
		if err != nil {
			return nil, err
		}
		for shard := range from.Shards {
			tail, err := j.Tail(ctx, domain.Stream{Pipeline: from.Name, Shard: shard, Leg: domain.LegIngest})
			if errors.Is(err, journal.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, at := range domain.PositionsOf(tail.Event) {
				done[at.Partition] = max(done[at.Partition], at.Next)
			}
		}
	}
	return done, nil
}
