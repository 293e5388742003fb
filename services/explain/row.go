package explain

import (
	"context"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// row tells the life of one row of a source.
func (a *asking) row(ctx context.Context, source domain.SourceConfig, q *Question) (*Answer, error) {
	shard := domain.ShardOf(domain.HubPartition(source.Base, q.Partition, a.c.HubPartitions), a.c.Shards)
	if err := a.ends(ctx, shard); err != nil {
		return nil, err
	}
	s := a.stream(shard, domain.LegIngest)
	f, err := a.fetch(ctx, s, source, q, func(g domain.Generation) domain.Seq { return a.hint(source.ID, g).Ingest })
	if err != nil {
		return nil, err
	}
	out := a.say(f.none)
	out.Shard, out.Others = shard, f.others
	t := tell(&a.reading)
	if f.opened != nil {
		t.event(f.opened, opening(f.opened.Event.(*domain.SourceOpened), &f.start))
		a.control.rebuilt(t, out, f, q.Offset)
	}
	var last *journal.Entry
	if f.entry != nil {
		if last, err = a.carried(ctx, t, out, f, source, q); err != nil {
			return nil, err
		}
		a.beside(t, out, f, last)
	}
	out.Lines, err = t.in(ctx)
	return out, err
}

// carried tells of what is journaled: the fetch, then the legs. It returns the event that ended the
// row's life, nil while it goes on.
func (a *asking) carried(ctx context.Context, t *telling, out *Answer, f *fetched, source domain.SourceConfig, q *Question) (last *journal.Entry, err error) {
	if f.gap != nil {
		out.State = fmt.Sprintf("offset %d holds no row: it lies in the gap [%d,%d) with reason %s", q.Offset, f.gap.First, f.gap.Next, f.gap.Reason)
		t.event(f.entry, fetching(f, nil))
		return f.entry, nil
	}
	if out.Row, err = a.rowOf(f, source, q); err != nil {
		return nil, err
	}
	t.event(f.entry, fetching(f, out.Row))
	out.Found = true
	hint := a.hint(source.ID, f.generation)
	input, placed, ended, err := a.throughHub(ctx, t, out, f, hint.Hub)
	if err != nil {
		return nil, err
	}
	if input == nil {
		return ended, a.withoutHub(ctx, t, out.Shard, ended)
	}
	out.State, last = "in the hub", input
	var loads []load
	if a.c.Table != "" {
		if last, err = a.throughDoris(ctx, t, out, input, f, placed, hint.Doris, &loads); err != nil {
			return nil, err
		}
	}
	if last != nil {
		if err := a.throughLineage(ctx, t, out.Shard, last); err != nil {
			return nil, err
		}
	}
	if err := a.throughReplays(ctx, t, out, f, input, &loads); err != nil {
		return nil, err
	}
	a.inTable(t, out, loads)
	if a.c.Direct && f.ended {
		out.State += fmt.Sprintf("; the hub topic was made anew since, and generation %d is over", f.generation)
	}
	return last, nil
}

func (a *asking) rowOf(f *fetched, source domain.SourceConfig, q *Question) (*Row, error) {
	run := f.run()
	row := &Row{
		Source: string(source.ID), City: string(source.City), Topic: source.Topic, Generation: uint32(run.Generation), Partition: run.Partition,
		Offset: q.Offset, Event: f.entry.Ref().String(), Run: f.index, First: run.First, Next: run.Next, Ordinal: ordinal(run, q.Offset),
		LeaderEpoch: run.LeaderEpoch, ExtractTime: a.time(f.event.ExtractTime),
	}
	row.gaps(run)
	var err error
	row.Record, err = a.record(run, q.Offset, q.Record)
	if err == nil && row.Record == nil {
		err = contradiction(f.entry, "has no batch with offset %d of run %d, which it counts as a row", q.Offset, f.index)
	}
	return row, err
}

// throughHub tells what the hub leg did. It returns the event that Doris takes the row from and when
// the row was in the hub; nil when it is not there, with the event that ended its life if one did.
func (a *asking) throughHub(ctx context.Context, t *telling, out *Answer, f *fetched, hint domain.Seq) (input *journal.Entry, placed domain.Micros, ended *journal.Entry, err error) {
	if a.c.Direct {
		out.Hub = &Place{Topic: a.c.HubTopic, Partition: out.Row.Partition, Offset: out.Row.Offset, Timestamp: out.Row.Record.Timestamp}
		return f.entry, f.event.ExtractTime, nil, nil
	}
	p, err := a.passage(ctx, a.stream(out.Shard, domain.LegHub), f.entry, f.event.ExtractTime, hint)
	if err != nil {
		return nil, 0, nil, err
	}
	t.passage(p)
	if p.commit == nil {
		out.State = "fetched; " + p.pending("the hub", "transaction")
		return nil, 0, nil, nil
	}
	c, ok := p.commit.Event.(*domain.HubCommitted)
	if !ok {
		return nil, 0, nil, contradiction(p.commit, "is no commit of the hub")
	}
	if x := excludes(c.Excluded, f.entry.Seq, f.index, out.Row.Ordinal); x != nil {
		out.Found, out.State = false, "excluded from the hub, and so from Doris: "+why(x)
		return nil, 0, p.commit, nil
	}
	for _, run := range c.Runs {
		if run.Ingest == f.entry.Seq && run.Run == f.index && run.First <= out.Row.Ordinal && out.Row.Ordinal < run.First+run.N {
			out.Hub = &Place{Topic: a.c.HubTopic, Partition: run.Partition, Offset: run.Offset + out.Row.Ordinal - run.First, Timestamp: a.millis(c.Time.Millis())}
			return p.commit, c.Time, nil, nil
		}
	}
	return nil, 0, nil, contradiction(p.commit, "neither holds nor excludes row %d of run %d of %s, which its batch covers", out.Row.Ordinal, f.index, f.entry.Ref())
}

// throughDoris tells what the Doris leg did with a row that is in the hub, and adds the load that has it.
func (a *asking) throughDoris(ctx context.Context, t *telling, out *Answer, input *journal.Entry, f *fetched, placed domain.Micros, hint domain.Seq, loads *[]load) (*journal.Entry, error) {
	p, err := a.passage(ctx, a.stream(out.Shard, domain.LegDoris), input, placed, hint)
	if err != nil {
		return nil, err
	}
	t.passage(p)
	if p.commit == nil {
		out.State = "in the hub; " + p.pending("Doris", "load")
		return nil, nil
	}
	if x := excludes(p.intent.excluded, f.entry.Seq, f.index, out.Row.Ordinal); x != nil {
		out.Found, out.State = false, "in the hub; excluded from Doris: "+why(x)
		return p.commit, nil
	}
	out.State = inBoth
	out.Doris = a.loaded(p.intent.entry, p.commit)
	*loads = append(*loads, load{begun: p.intent.entry, commit: p.commit})
	return p.commit, nil
}

func (r *reading) loaded(begun, committed *journal.Entry) *Loaded {
	b, _ := begun.Event.(*domain.DorisBegun)
	c, _ := committed.Event.(*domain.DorisCommitted)
	if b == nil || c == nil {
		return nil
	}
	return &Loaded{Table: b.Table, Label: domain.Label(begun.Ref()), Txn: c.Txn, Visible: r.time(c.Visible)}
}

// passage adds the events of a leg; its input was told last.
func (t *telling) passage(p *passage) {
	t.floor = t.lines[len(t.lines)-1].at
	for _, e := range p.entries {
		t.event(e, words(e))
	}
}

// pending says how far a leg is with a row that it did not carry yet.
func (p *passage) pending(target, batch string) string {
	aborted := 0
	for _, e := range p.entries {
		switch e.Event.(type) {
		case *domain.HubAborted, *domain.DorisAborted:
			aborted++
		}
	}
	tried := ""
	if aborted > 0 {
		tried = fmt.Sprintf("; %s with it did not happen", count(int64(aborted), batch))
	}
	if p.intent != nil {
		return fmt.Sprintf("the %s that is to carry it to %s, %s, has no outcome yet%s", batch, target, place(p.intent.entry.Ref()), tried)
	}
	return fmt.Sprintf("on its way to %s, no %s with it is open%s", target, batch, tried)
}

// excludes finds the entry of a list that leaves a row out, nil for none.
func excludes(list []domain.Exclusion, ingest domain.Seq, run int, ordinal int64) *domain.Exclusion {
	for i := range list {
		if x := &list[i]; x.Ingest == ingest && x.Run == run && x.Ordinal <= ordinal && ordinal < x.Ordinal+x.Count {
			return x
		}
	}
	return nil
}

func why(x *domain.Exclusion) string {
	s := x.Reason
	if x.Detail != "" {
		s += ": " + oneLine(x.Detail)
	}
	if x.Count > 1 {
		s += fmt.Sprintf(" (one of %s left out together)", count(x.Count, "row"))
	}
	return s
}

// beside adds what happened on control in the row's time, and what the reconciler found.
func (a *asking) beside(t *telling, out *Answer, f *fetched, last *journal.Entry) {
	at := span{shard: out.Shard, source: f.run().Source, began: f.event.ExtractTime, last: last, named: t.named}
	for _, e := range a.control.during(at) {
		t.note(e, trouble(e.Event))
	}
	if lost := a.control.hubLost(out.Shard); lost != nil && out.Hub != nil {
		id := incidentOf(lost.Event)
		out.State += fmt.Sprintf("; the hub may have lost it: incident %s %s is open", short(id.String()), domain.IncidentHubLost)
		if !slices.ContainsFunc(t.lines, func(l told) bool { return l.stream == lost.Stream && l.seq == lost.Seq }) {
			t.note(lost, trouble(lost.Event))
		}
	}
	// Places of a hub that is the source itself are those of another topic in each generation.
	ours := func(e *journal.Entry) bool {
		return !a.c.Direct || e.At >= f.opened.At && (f.over == nil || e.At < f.over.At)
	}
	for _, fo := range a.control.about(out.Row, out.Hub) {
		if !ours(fo.Entry) {
			continue
		}
		t.note(fo.Entry, finding(&fo.finding))
		if accepted := a.control.accepted[fo.finding.ID()]; accepted != nil {
			ev, _ := accepted.Event.(*domain.Accepted)
			id := fo.finding.ID()
			t.note(accepted, fmt.Sprintf("finding %s is accepted by %s: %s", short(id.String()), ev.Who, oneLine(ev.Why)))
		}
	}
	for _, l := range a.control.proven(out.Row, out.Hub) {
		if ours(l.Entry) {
			t.note(l.Entry, window(&l.result))
		}
	}
}
