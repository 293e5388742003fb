package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/pipeline"
)

// startedAs is the instance of the process that opens the sources of a rebuilt journal.
const startedAs = "hefu journal rebuild"

// makeJournals makes the new journals. Each event is found done by the next process if this one
// dies after it; what a start that was refused in between has made, which is control's Genesis,
// is taken for the new journal's.
func (j *Job) makeJournals(ctx context.Context, done *Done) (err error) {
	store, err := pipeline.OpenStore(ctx, j.Config, j.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	done.Journals = map[string]domain.JournalID{}
	for i := range done.Plan.Pipelines {
		p := &done.Plan.Pipelines[i]
		jr, err := store.OpenJournal(ctx, j.Config, p.Name, j.Log)
		if err == nil {
			err = j.fill(ctx, jr, p, p.rebased(done.Plan.Digest, done.Who, done.Why))
		}
		if err != nil {
			return fmt.Errorf("pipeline %s: make the new journal: %w", p.Name, err)
		}
		done.Journals[p.Name] = jr.ID()
	}
	return nil
}

// fill appends what a rebuilt journal begins with: on control Rebased, the configuration, and the
// process that does it; on each ingest stream where its sources go on.
func (j *Job) fill(ctx context.Context, jr *journal.Journal, p *PipelinePlan, ev *domain.Rebased) error {
	control, err := jr.OpenControl(ctx)
	if err != nil {
		return err
	}
	err = j.appendOnce(ctx, control, "Rebased", func(s *domain.ControlState) (domain.Event, error) {
		switch {
		case s.Rebased != nil && s.Rebased.Digest == ev.Digest:
			return nil, nil
		case s.Rebased != nil || s.Tail > 1:
			return nil, fmt.Errorf("the store holds journal %s, which has events and is not of this rebuild: nothing was appended to it; move it out of the store, and approve again", jr.ID())
		}
		return ev, nil
	})
	if err != nil {
		return err
	}
	err = j.appendOnce(ctx, control, "PipelineConfigured", func(s *domain.ControlState) (domain.Event, error) {
		if s.Config != nil {
			return nil, nil
		}
		return &domain.PipelineConfigured{Digest: journal.ConfigDigest(&p.Config), Config: p.Config}, nil
	})
	if err != nil {
		return err
	}
	if err := j.appendOnce(ctx, control, "Started", j.started(p)); err != nil {
		return err
	}
	var incarnation, config domain.Seq
	control.State(func(s *domain.ControlState) {
		config = s.ConfigSeq
		for seq, by := range s.Started {
			if by.Instance == startedAs {
				incarnation = max(incarnation, seq)
			}
		}
	})
	for shard := range p.Config.Shards {
		if err := j.openSources(ctx, jr, p, shard, incarnation, config); err != nil {
			return err
		}
	}
	return nil
}

func (j *Job) appendOnce(ctx context.Context, control *journal.Control, what string, decide func(*domain.ControlState) (domain.Event, error)) error {
	return j.write(what, func() error {
		_, err := control.Append(ctx, decide)
		return err
	})
}

// started is the process that opens the sources, nil where one has said so before.
func (j *Job) started(p *PipelinePlan) func(*domain.ControlState) (domain.Event, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	ev := &domain.Started{Instance: startedAs, Host: host, PID: os.Getpid(), Version: j.Version}
	for shard := range p.Config.Shards {
		ev.Claims = append(ev.Claims, domain.Claim{Shard: shard, Leg: domain.LegIngest})
	}
	return func(s *domain.ControlState) (domain.Event, error) {
		for _, by := range s.Started {
			if by.Instance == startedAs {
				return nil, nil
			}
		}
		return ev, nil
	}
}

// openSources appends where the sources of a shard go on. A stream that has all of them is left
// alone: a hefu may own it by now.
func (j *Job) openSources(ctx context.Context, jr *journal.Journal, p *PipelinePlan, shard int, incarnation, config domain.Seq) error {
	s := domain.Stream{Pipeline: p.Name, Shard: shard, Leg: domain.LegIngest}
	tail, err := jr.Tail(ctx, s)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return err
	}
	var have []domain.Position
	if err == nil {
		have = domain.PositionsOf(tail.Event)
	}
	var todo []*domain.SourceOpened
	for i := range p.Sources {
		if ev := opened(&p.Config, &p.Sources[i], shard, config); len(ev.Starts) > 0 && !slices.ContainsFunc(have, func(at domain.Position) bool { return at.Source == ev.Source }) {
			todo = append(todo, ev)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	var w *journal.Writer
	if err := j.write("Opened "+s.String(), func() (err error) {
		w, err = jr.Takeover(ctx, s, incarnation, config)
		return err
	}); err != nil {
		return err
	}
	for _, ev := range todo {
		ev.Owned, ev.Positions = w.Owned(), with(w.Positions(), ev)
		if err := j.write(fmt.Sprintf("SourceOpened %s %s", s, ev.Source), func() error {
			_, err := w.Append(ctx, ev)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// opened is the opening of a source's partitions in a shard.
func opened(c *domain.PipelineConfig, s *SourcePlan, shard int, config domain.Seq) *domain.SourceOpened {
	ev := &domain.SourceOpened{
		Source: s.ID, Generation: s.Generation, ClusterID: s.Cluster, Topic: s.Topic, TopicID: s.TopicID, StartPolicy: "rebased", Config: config,
	}
	source, _ := c.Source(s.ID)
	for _, at := range s.Partitions {
		if domain.ShardOf(domain.HubPartition(source.Base, at.Partition, c.HubPartitions), c.Shards) == shard {
			ev.Starts = append(ev.Starts, domain.Start{Partition: at.Partition, LogStart: at.LogStart, First: at.Next, How: at.How})
		}
	}
	return ev
}

// with is a position map with the partitions that an event opens.
func with(have []domain.Position, ev *domain.SourceOpened) []domain.Position {
	out := slices.Clone(have)
	for _, s := range ev.Starts {
		out = append(out, domain.Position{
			Source: ev.Source, Generation: ev.Generation, Partition: s.Partition, Next: s.First, LeaderEpoch: -1, LastBase: -1, TopicID: ev.TopicID,
		})
	}
	slices.SortFunc(out, func(a, b domain.Position) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}
