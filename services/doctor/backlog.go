package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// backlogFacts are the rows of the hub topic that the job before us did not load.
type backlogFacts struct {
	group string
	err   error
	// rough is the number of offsets before the end, markers among them; rows are counted
	// by reading them, which is done for a few only.
	rough   int64
	counted []kafkaconn.Backlog
}

// countable is how many offsets are read to count the rows among them: seconds.
const countable = 200_000

// backlogGroup is the group whose backlog a first start demands to be empty; "" once rows
// flow.
func (c *cursors) backlogGroup(p *config.Pipeline) string {
	for key := range c.next {
		if key.pipeline == p.Name {
			return ""
		}
	}
	return p.Hub.BacklogGroup
}

// taken is how far the read_hub pipelines of the file have journaled the hub topic of p.
func (c *cursors) taken(cfg *config.Config, p *config.Pipeline) map[int32]int64 {
	done := map[int32]int64{}
	for i := range cfg.Pipelines {
		from := &cfg.Pipelines[i]
		same := from.Hub.Topic == p.Hub.Topic && slices.ContainsFunc(from.Hub.Brokers, func(b string) bool { return slices.Contains(p.Hub.Brokers, b) })
		if from.ReadHub == nil || !same {
			continue
		}
		for partition, next := range c.next[sourceKey{from.Name, "hub"}] {
			done[partition] = max(done[partition], next)
		}
	}
	return done
}

// askBacklog counts what the group has not taken.
func (f *kafkaFacts) askBacklog(ctx context.Context, p *config.Pipeline, done map[int32]int64) {
	if f.err != nil || f.group == nil {
		return
	}
	b := &backlogFacts{group: f.group.name, err: f.group.err}
	f.backlog = b
	if b.err != nil {
		return
	}
	for i := range f.topics {
		if f.topics[i].name != p.Hub.Topic {
			continue
		}
		for _, part := range f.topics[i].parts {
			from, _ := f.groupAt(p.Hub.Topic, part.id)
			from = max(from, done[part.id], part.bounds.LogStart)
			b.rough += max(0, part.bounds.HighWatermark-from)
		}
	}
	if b.rough > 0 && b.rough <= countable && !f.group.absent {
		b.counted, b.err = kafkaconn.Backlogs(ctx, p.Hub.Config, p.Hub.Topic, b.group, done)
	}
}

// judgeBacklog judges whether the first start would be refused, or rows left out.
func (f *kafkaFacts) judgeBacklog(s *system) {
	b := f.backlog
	if b == nil {
		return
	}
	c := Check{
		Name: "backlog of group " + b.group, Needed: "no row that the job before did not load", Setting: "hub.backlog_group",
		Why: "rows of the hub that nobody loaded would never reach the table: the first start is refused",
		Do:  "load them with a pipeline in a file of its own: read_hub: {start: group-offsets, group: " + b.group + ", on_missing_cursor: earliest, bounded: latest-offset} (docs/cutover.md)",
	}
	var rows int64
	var lines []string
	for _, part := range b.counted {
		if rows += part.Rows; !part.Clear() {
			lines = append(lines, part.String())
		}
	}
	switch {
	case b.err != nil:
		c.Verdict, c.Found, c.Do = Unknown, oneLine(b.err.Error()), kafkaconn.Explain(b.err)
	case len(lines) > 0:
		c.Verdict, c.Found = Bad, fmt.Sprintf("%s rows: %s", count(rows), strings.Join(lines, "; "))
	case b.counted == nil && b.rough > 0:
		c.Verdict, c.Found = Bad, fmt.Sprintf("%s offsets before the end, some of them markers of transactions", count(b.rough))
	default:
		c.Verdict, c.Found = Good, "none"
	}
	s.add(c)
}
