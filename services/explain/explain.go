package explain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/lineage"
)

// Index finds rows without reading the journal: the lineage in ClickHouse. What it says is only a
// hint where to look; the story is the journal's.
type Index interface {
	// Lookup finds the rows of a journal. An error means that nothing is known.
	Lookup(ctx context.Context, journal domain.JournalID, q lineage.Query) ([]lineage.Row, error)
}

// Pipeline is one that may be asked.
type Pipeline struct {
	Journal *journal.Journal
	Index   Index // nil: there is none
}

// Explain answers a question from the journals of some pipelines. notes say what the answer had to do
// without. Errors: *AskError where the question fits none of them, or several; *journal.IntegrityError;
// those of the store.
func Explain(ctx context.Context, pipelines []Pipeline, q *Question) (answer *Answer, notes []string, err error) {
	if err := q.Check(); err != nil {
		return nil, nil, err
	}
	var answers []*Answer
	var refused error
	for _, p := range pipelines {
		if name := q.pipeline(); name != "" && p.Journal.Pipeline() != name {
			continue
		}
		one := &asking{q: q, index: p.Index, reading: reading{j: p.Journal, zone: time.UTC, tails: map[domain.Stream]*journal.Entry{}}}
		a, err := one.answer(ctx)
		notes = append(notes, one.notes...)
		var bad *AskError
		switch {
		case errors.As(err, &bad):
			refused = err
		case err != nil:
			return nil, notes, fmt.Errorf("pipeline %s: %w", p.Journal.Pipeline(), err)
		default:
			answers = append(answers, a)
		}
	}
	if len(answers) == 0 && refused == nil {
		refused = ask("no pipeline %s here", q.pipeline())
	}
	answer, err = one(answers, refused)
	return answer, notes, err
}

// one chooses among the answers of several pipelines. That one has nothing says nothing of another
// one that could not be asked so, which is refused.
func one(answers []*Answer, refused error) (chosen *Answer, err error) {
	var names []string
	for _, a := range answers {
		if a.Found || a.Row != nil {
			names = append(names, a.Pipeline)
			chosen = a
		}
	}
	switch {
	case len(names) > 1:
		return nil, ask("pipelines %s have it: name one with --pipeline", strings.Join(names, " and "))
	case chosen != nil:
		return chosen, nil
	case refused != nil:
		return nil, refused
	default:
		return answers[0], nil
	}
}

// asking is one question to one journal.
type asking struct {
	reading
	q       *Question
	index   Index
	notes   []string
	control *control
	hints   []lineage.Row
}

func (a *asking) answer(ctx context.Context) (*Answer, error) {
	var err error
	if a.control, err = a.readControl(ctx); err != nil {
		return nil, err
	}
	a.c = a.control.config
	if a.control.seq == 0 {
		return a.say("the journal is empty: no configuration was ever in force"), nil
	}
	if a.zone, err = time.LoadLocation(a.c.Timezone); err != nil {
		return nil, fmt.Errorf("time zone %q of the pipeline: %w", a.c.Timezone, err)
	}
	switch {
	case a.q.ofCity():
		return a.cityRow(ctx)
	case a.q.Hub != "":
		return a.hubRow(ctx)
	default:
		return a.batch(ctx)
	}
}

// say is an answer without a row.
func (a *asking) say(state string) *Answer {
	return &Answer{
		Pipeline: a.j.Pipeline(), Journal: a.j.ID().String(), Timezone: a.zone.String(), Asked: a.q.String(), State: state, Lines: []Line{},
	}
}

// lookUp asks the index. Whatever is wrong with it, the journal knows too.
func (a *asking) lookUp(ctx context.Context, q lineage.Query) {
	if a.index == nil {
		return
	}
	rows, err := a.index.Lookup(ctx, a.j.ID(), q)
	switch {
	case err != nil:
		a.notes = append(a.notes, "lineage: "+err.Error()+"; searching the journal instead")
	case len(rows) == 0:
		a.notes = append(a.notes, "lineage: has no such row (yet); searching the journal instead")
	}
	a.hints = rows
}

// hint is what the index said of a row of a generation; the zero Row when it said nothing.
func (a *asking) hint(source domain.SourceID, g domain.Generation) lineage.Row {
	for _, h := range a.hints {
		if h.Source == source && h.Generation == g {
			return h
		}
	}
	return lineage.Row{}
}

// cityRow tells of a row by its place in its city.
func (a *asking) cityRow(ctx context.Context) (*Answer, error) {
	source, none, err := a.source()
	if err != nil {
		return nil, err
	}
	if none != "" {
		return a.say(none), nil
	}
	a.lookUp(ctx, lineage.AtSource(source.ID, a.q.Partition, a.q.Offset))
	return a.row(ctx, source, a.q)
}

// source finds the source that is asked for.
func (a *asking) source() (found domain.SourceConfig, none string, err error) {
	var names []string
	for _, s := range a.c.Sources {
		if a.q.Source == string(s.ID) || a.q.Source == "" && a.q.City == string(s.City) {
			found = s
			names = append(names, string(s.ID))
		}
	}
	switch {
	case len(names) > 1:
		return found, "", ask("city %s has several sources, name one: --source %s", a.q.City, strings.Join(names, ", --source "))
	case len(names) == 1 && a.q.City != "" && a.q.City != string(found.City):
		return found, "", ask("source %s is of city %s, not of %s", found.ID, found.City, a.q.City)
	case len(names) == 0 && a.q.Source != "":
		none = "no source " + a.q.Source + " was ever configured"
	case len(names) == 0:
		none = "no source of city " + a.q.City + " was ever configured"
	}
	return found, none, nil
}

// hubRow tells of a row by its place in the hub.
func (a *asking) hubRow(ctx context.Context) (*Answer, error) {
	at, err := a.q.hub()
	if err != nil {
		return nil, err
	}
	if at.Partition >= a.c.HubPartitions {
		return a.say(fmt.Sprintf("topic %s has no partition %d: it has %d", a.c.HubTopic, at.Partition, a.c.HubPartitions)), nil
	}
	a.lookUp(ctx, lineage.AtHub(at.Partition, at.Offset))
	if a.c.Direct {
		q := *a.q
		q.Partition, q.Offset = at.Partition, at.Offset
		return a.row(ctx, a.c.Sources[0], &q)
	}
	shard := domain.ShardOf(at.Partition, a.c.Shards)
	if err := a.ends(ctx, shard); err != nil {
		return nil, err
	}
	var hint domain.Seq
	for _, h := range a.hints {
		hint = h.Hub
	}
	spot, none, err := a.inHub(ctx, shard, at, hint)
	if err != nil {
		return nil, err
	}
	if none != "" {
		out, t := a.say(none), tell(&a.reading)
		if out.Shard = shard; a.control.rebuiltHub(t, out, at) {
			out.Lines, err = t.in(ctx)
		}
		return out, err
	}
	q := *a.q
	q.Partition, q.Offset, q.Generation = spot.run.Partition, spot.offset, int(spot.run.Generation)
	source, known := a.c.Source(spot.run.Source)
	if !known {
		return nil, contradiction(spot.entry, "is of source %s, which was never configured", spot.run.Source)
	}
	a.hints = append(a.hints, lineage.Row{Source: spot.run.Source, Generation: spot.run.Generation, Ingest: spot.entry.Seq, Hub: spot.commit.Seq})
	return a.row(ctx, source, &q)
}
