package replay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/pipeline"
)

// planning is a plan while it is made. Everything in it comes from the journal and from the
// reconciler; nothing is written but the plan itself.
type planning struct {
	s    *Service
	o    *pipeline.Open
	ask  *Ask
	plan *domain.Plan
	say  func(string)
}

// plan resolves what was asked for, counts it, and puts the plan on control. Errors:
// *refusedError for what cannot be planned.
func (s *Service) plan(ctx context.Context, o *pipeline.Open, ask *Ask, say func(string)) (*domain.Replay, error) {
	p := &planning{s: s, o: o, ask: ask, say: say, plan: &domain.Plan{
		Pipeline: o.Config.Name, Created: o.Journal.Now(), Scope: ask.Scope, Target: ask.Target, Limits: ask.Limits,
	}}
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.plan.Limits == (domain.PlanLimits{}) {
		p.plan.Limits = o.Config.Replay.Limits()
	}
	if _, err := rand.Read(p.plan.ID[:]); err != nil {
		return nil, fmt.Errorf("choose an id: %w", err)
	}
	for _, step := range []func(context.Context) error{p.reported, p.lanes, p.choose, p.count, p.differ} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return p.record(ctx)
}

// check refuses what can be no plan.
func (p *planning) check() error {
	t := &p.plan.Target
	switch {
	case t.Kind == domain.TargetTable && !p.o.Has(domain.LegDoris):
		return &refusedError{"target table: pipeline " + p.o.Config.Name + " has no Doris"}
	case t.Kind == domain.TargetTopic && p.o.Configured.Direct:
		return &refusedError{"target topic: the hub topic is the source of pipeline " + p.o.Config.Name + ", nothing is to be replayed into one"}
	case t.Kind == domain.TargetFile || t.Kind == domain.TargetNull:
		if t.Mode != "" || t.Name != "" {
			return &refusedError{fmt.Sprintf("target %s: takes neither a mode nor a name", t.Kind)}
		}
		return nil
	case t.Kind != domain.TargetTable && t.Kind != domain.TargetTopic:
		return &refusedError{fmt.Sprintf("target %q: table, topic, file or null", t.Kind)}
	}
	if t.Mode == "" {
		t.Mode = domain.ModeShadow
	}
	live := p.o.Configured.HubTopic
	if t.Kind == domain.TargetTable {
		live = p.o.Configured.Table
	}
	switch t.Mode {
	case domain.ModeShadow:
		return p.checkShadow(live)
	case domain.ModeFillMissing, domain.ModeDeleteDuplicates:
		if t.Kind != domain.TargetTable {
			return &refusedError{fmt.Sprintf("mode %s: of a table; rows of a topic are for ever (accept the finding, or replay into a shadow topic)", t.Mode)}
		}
		if t.Name != "" && t.Name != live {
			return &refusedError{fmt.Sprintf("mode %s: the live table is %s, not %s", t.Mode, live, t.Name)}
		}
		if p.plan.Scope.AsOf != nil {
			return &refusedError{fmt.Sprintf("mode %s: a live table cannot be put back to a moment; replay into a shadow", t.Mode)}
		}
		t.Name = live
		return nil
	default:
		return &refusedError{fmt.Sprintf("mode %q: shadow, fill-missing or delete-duplicates", t.Mode)}
	}
}

func (p *planning) checkShadow(live string) error {
	t := &p.plan.Target
	if t.Name == "" {
		t.Name = live + "_shadow"
	}
	if t.Kind == domain.TargetTable {
		db, _, dotted := strings.Cut(t.Name, ".")
		if home, _, _ := strings.Cut(live, "."); !dotted {
			t.Name = home + "." + t.Name
		} else if db != home {
			return &refusedError{fmt.Sprintf("shadow table %s: it is made beside the live one, in database %s", t.Name, home)}
		}
	}
	if t.Name == live {
		return &refusedError{fmt.Sprintf("shadow %s: it is the live one; rows are filled into it by mode fill-missing", live)}
	}
	return nil
}

// lanes bounds the shards.
func (p *planning) lanes(ctx context.Context) error {
	if p.plan.Lanes != nil {
		return nil // a report says them
	}
	var err error
	scope := &p.plan.Scope
	switch {
	case scope.AsOf != nil && len(scope.Seqs) > 0:
		return &refusedError{"scope: either as of a moment or by seqs"}
	case scope.AsOf != nil:
		scope.AsOf, err = p.asOf(ctx, scope.AsOf)
	default:
		err = p.toNow(ctx)
	}
	if err != nil || len(scope.Seqs) == 0 {
		return err
	}
	lanes := p.plan.Lanes
	p.plan.Lanes = nil
	for _, l := range lanes {
		for _, in := range scope.Seqs {
			if in.Shard != l.Shard {
				continue
			}
			last := l.Last
			if in.Last < last.Seq {
				e, err := p.o.Journal.Get(ctx, last.Stream, in.Last)
				if err != nil {
					return err
				}
				last = e.Ref()
			}
			p.bound(l.Shard, max(1, in.First), last)
		}
	}
	return nil
}

// choose makes the selection.
func (p *planning) choose(ctx context.Context) error {
	scope, rows := &p.plan.Scope, &p.plan.Rows
	rows.Hub = append(rows.Hub, scope.Hub...)
	rows.Cities = append(rows.Cities, scope.Cities...)
	for _, c := range scope.Cities {
		if _, known := p.o.Configured.Source(c.Source); !known {
			return &refusedError{fmt.Sprintf("source %s: pipeline %s has none of this id", c.Source, p.o.Config.Name)}
		}
	}
	for _, id := range scope.Sources {
		if err := p.source(ctx, id); err != nil {
			return err
		}
	}
	if scope.From == nil && scope.To == nil {
		return nil
	}
	for _, l := range p.plan.Lanes {
		in, err := broughtBetween(ctx, p.o.Journal, l.Shard, scope.From, scope.To)
		if err != nil {
			return err
		}
		rows.Ingest = append(rows.Ingest, in) // one that is empty takes nothing
	}
	return nil
}

// every is all offsets that a partition can have.
const every = 1<<63 - 1

// source takes every partition of a source.
func (p *planning) source(ctx context.Context, id domain.SourceID) error {
	found := false
	for _, c := range p.configured().Sources {
		if c.ID != id && c.Group != id {
			continue
		}
		for shard := range p.o.Configured.Shards {
			tail, err := now(ctx, p.o.Journal, domain.Stream{Pipeline: p.o.Config.Name, Shard: shard, Leg: domain.LegIngest})
			if err != nil {
				return err
			}
			if tail.at.Seq == 0 {
				continue
			}
			e, err := p.o.Journal.Get(ctx, tail.at.Stream, tail.at.Seq)
			if err != nil {
				return err
			}
			for _, at := range domain.PositionsOf(e.Event) {
				if at.Source == c.ID {
					found = true
					p.plan.Rows.Cities = append(p.plan.Rows.Cities, domain.CitySpan{Source: c.ID, Partition: at.Partition, Span: domain.Span{Next: every}})
				}
			}
		}
	}
	if !found {
		return &refusedError{fmt.Sprintf("source %s: pipeline %s has no partition of it", id, p.o.Config.Name)}
	}
	return nil
}

func (p *planning) configured() domain.PipelineConfig {
	c, _ := p.o.InForce()
	return c
}

// maxText is the longest plan that is put on control, and maxPayload leaves no less.
const maxText = 4 << 20

// record puts the plan on control.
func (p *planning) record(ctx context.Context) (*domain.Replay, error) {
	text := p.plan.Text()
	if len(text) > min(maxText, int(p.o.MaxPayload)-4096) {
		return nil, &refusedError{fmt.Sprintf("the plan lists %d runs of rows and %d keys, which is more than one event holds: narrow the scope, or rebuild into a shadow and swap",
			len(p.plan.Rows.Hub), len(p.plan.Delete))}
	}
	ev := &domain.ReplayPlanned{ID: p.plan.ID, Digest: p.plan.Digest(), Text: string(text), Who: p.ask.Who, Why: p.ask.Why}
	_, err := p.o.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		if c.Replays[ev.ID] != nil {
			return nil, errors.New("its random id is taken: plan again")
		}
		return ev, nil
	})
	if err != nil {
		return nil, fmt.Errorf("put the plan on control: %w", err)
	}
	return &domain.Replay{Planned: ev, State: domain.PlanPlanned}, nil
}
