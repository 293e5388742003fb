package replay

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// mostListed bounds each list of a scope: a plan is one event of the journal.
const mostListed = 10_000

// check refuses what can be no plan.
func (p *planning) check() error {
	if strings.TrimSpace(p.ask.Who) == "" || strings.TrimSpace(p.ask.Why) == "" {
		return &refusedError{"who plans, and why: both stay in the journal"}
	}
	if l := p.plan.Limits; !good(l) {
		return &refusedError{noLimits}
	}
	if err := p.checkScope(); err != nil {
		return err
	}
	t := &p.plan.Target
	switch {
	case !t.Shadow.IsZero():
		return &refusedError{fmt.Sprintf("target: a shadow that plan %s made is that plan's alone; name another one", t.Shadow)}
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
	return p.checkMode()
}

func (p *planning) checkMode() error {
	t := &p.plan.Target
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
		if t.Kind == domain.TargetTopic {
			return p.checkLiveTopic(live)
		}
		switch {
		case t.Name != "" && t.Name != live:
			return &refusedError{fmt.Sprintf("mode %s: the live table is %s, not %s", t.Mode, live, t.Name)}
		case p.plan.Scope.AsOf != nil:
			return &refusedError{fmt.Sprintf("mode %s: a live table cannot be put back to a moment; replay into a shadow", t.Mode)}
		case t.Mode == domain.ModeDeleteDuplicates && p.plan.Scope.Quarantine:
			return &refusedError{"quarantined rows are not in the table, so none of them is there twice: mode fill-missing, or a target of its own"}
		}
		t.Name = live
		return nil
	default:
		return &refusedError{fmt.Sprintf("mode %q: shadow, fill-missing or delete-duplicates", t.Mode)}
	}
}

// checkLiveTopic lets through what can be put right in a topic: an end that it lost, as a whole. A
// row in the middle has no place any more, and one that is there can never be taken away.
func (p *planning) checkLiveTopic(live string) error {
	t := &p.plan.Target
	switch {
	case t.Mode != domain.ModeFillMissing:
		return &refusedError{fmt.Sprintf("mode %s: of a table; rows of a topic are for ever (accept the finding, or replay into a shadow topic)", t.Mode)}
	case t.Name != "" && t.Name != live:
		return &refusedError{fmt.Sprintf("mode %s: the live topic is %s, not %s; into another one goes a replay of mode shadow", t.Mode, live, t.Name)}
	case !p.plan.Scope.Everything() || len(p.ask.Report) > 0:
		return &refusedError{fmt.Sprintf("mode %s of a topic: the ends that its partitions lost are put back whole, at the offsets that they had, and nothing else can be: "+
			"plan it of everything, or replay some rows into a shadow topic", t.Mode)}
	}
	t.Name = live
	return nil
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
	if why := retired(p.o, t.Name); why != "" {
		return &refusedError{why + ": name another (--name)"}
	}
	return nil
}

// checkScope refuses conditions that contradict each other or name what is not there.
func (p *planning) checkScope() error {
	s := &p.plan.Scope
	if n := max(len(s.Sources), len(s.Cities), len(s.Hub), len(s.Seqs), len(s.Findings)); n > mostListed {
		return &refusedError{fmt.Sprintf("scope: a list of %d, at most %d", n, mostListed)}
	}
	for _, c := range s.Cities {
		if c.Span.First < 0 || c.Span.Len() == 0 || c.Partition < 0 {
			return &refusedError{fmt.Sprintf("scope: offsets %s of partition %d of source %s: from an offset on, to one behind it", c.Span, c.Partition, c.Source)}
		}
	}
	for _, h := range s.Hub {
		if h.Span.First < 0 || h.Span.Len() == 0 || h.Partition < 0 {
			return &refusedError{fmt.Sprintf("scope: offsets %s of hub partition %d: from an offset on, to one behind it", h.Span, h.Partition)}
		}
	}
	if s.From != nil && s.To != nil && *s.From >= *s.To {
		return &refusedError{"scope: the time from which on is not before the one up to which"}
	}
	return p.checkSeqs()
}

// checkSeqs demands one span of a shard at most: a lane has a stream of its own, and one end.
func (p *planning) checkSeqs() error {
	s := &p.plan.Scope
	if s.AsOf != nil && len(s.Seqs) > 0 {
		return &refusedError{"scope: either as of a moment or by seqs"}
	}
	seen := map[int]bool{}
	for _, in := range s.Seqs {
		switch {
		case in.Shard < 0 || in.Shard >= p.o.Configured.Shards:
			return &refusedError{fmt.Sprintf("scope: shard %d: pipeline %s has %d, counted from 0", in.Shard, p.o.Config.Name, p.o.Configured.Shards)}
		case in.Last < in.First:
			return &refusedError{fmt.Sprintf("scope: shard %d: seqs %d to %d are none", in.Shard, in.First, in.Last)}
		case seen[in.Shard]:
			return &refusedError{fmt.Sprintf("scope: shard %d: one run of seqs; plan another replay for the other", in.Shard)}
		}
		seen[in.Shard] = true
	}
	return nil
}
