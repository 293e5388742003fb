package timeline

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// lineage tells a block that is in ClickHouse where another process brought it to its end, or where
// it took long. Rows are where they belong without it: no blast radius has it.
func (t *telling) lineage(ctx context.Context, e *journal.Entry, ev *domain.LineageCommitted) error {
	in, err := t.intentOf(ctx, e, ev.Begun)
	if err != nil {
		return err
	}
	t.course(e.Stream).intent = nil
	slow, foreign := e.At-in.at > t.ask.slow(), in.owner != ev.Incarnation
	if !slow && !foreign {
		return nil
	}
	what := fmt.Sprintf("%s is in ClickHouse: %s", in, number(ev.Rows, "row"))
	if slow {
		what += fmt.Sprintf("; it took %s", lasting(e.At-in.at))
	}
	if foreign {
		what += fmt.Sprintf("; incarnation %d began it, incarnation %d brought it to its end; known by: %s", in.owner, ev.Incarnation, ev.How)
	}
	l := t.line(e, what)
	if slow {
		t.lasts(l, in.at, e.At)
		l.At = t.time(in.at)
	}
	return nil
}

// withoutLineage tells the blocks that have no outcome at the end of the window, and have had none
// for long.
func (t *telling) withoutLineage(ctx context.Context) error {
	for shard := range t.c.Shards {
		s, end := t.stream(shard, domain.LegLineage), min(t.ask.To, t.j.Now())
		in := t.course(s).intent
		if in == nil || end-in.at <= t.ask.slow() {
			continue
		}
		l := t.add(&Line{At: t.time(in.at), Event: in.ref.String(), Kind: string(domain.KindLineageBegun), What: in.String() + " has no outcome"})
		t.lasts(l, in.at, end)
		tail, err := t.tail(ctx, s)
		if err != nil {
			return err
		}
		done, err := t.j.Search(ctx, s, in.ref.Seq+1, tail, func(e *journal.Entry) (bool, error) {
			return domain.TrailOf(e.Event).After(e.Seq, e.Event).Outcome > in.ref.Seq, nil
		})
		if err != nil {
			return err
		}
		l.Later = "it is still open"
		if done != nil {
			l.Later = fmt.Sprintf("in ClickHouse since %s, %s after it began", t.moment(done.At), lasting(done.At-in.at))
		}
	}
	return nil
}
