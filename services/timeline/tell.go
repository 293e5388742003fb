package timeline

import (
	"context"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// rhythmLead is how long before the window ingest is read to know how often each partition has
// events.
const rhythmLead domain.Micros = 5 * 60 * 1_000_000

// Tell tells a journal's story between two times. say is given the steps, for whoever waits; it
// may be nil. Errors: *AskError, *journal.IntegrityError, those of the store.
func Tell(ctx context.Context, j *journal.Journal, ask *Ask, say func(string)) (*Story, error) {
	if err := ask.Check(); err != nil {
		return nil, err
	}
	if say == nil {
		say = func(string) {}
	}
	t := &telling{
		reading: reading{j: j, tails: map[domain.Stream]domain.Seq{}}, clock: clock{time.UTC}, ask: ask, courses: map[domain.Stream]*course{},
		spoke: map[domain.Seq]domain.Micros{}, taken: map[domain.Seq]*takeover{}, holes: map[hole]*Line{}, about: map[*Line]carried{}, accounts: accounts{},
	}
	say("reading the control stream")
	var err error
	if t.known, err = t.know(ctx, ask); err != nil {
		return nil, err
	}
	t.c, t.state = t.known.config, t.before
	if t.zone, err = time.LoadLocation(t.c.Timezone); err != nil {
		return nil, fmt.Errorf("time zone %q of the pipeline: %w", t.c.Timezone, err)
	}
	t.story = &Story{
		Pipeline: j.Pipeline(), Journal: j.ID().String(), Timezone: t.zone.String(), From: t.time(ask.From), To: t.time(ask.To), Slow: ask.Slow.String(),
		Alive: []string{}, Before: t.already(), Lines: []*Line{}, Blast: []Touched{},
	}
	for range t.c.Shards {
		t.reach = append(t.reach, &reach{})
	}
	for _, in := range t.before.Open() {
		t.troubled = append(t.troubled, stretch{ask.From, t.decidedAt(in.ID, ask.From)})
	}
	t.rhythm.begin(ask)
	if err := t.read(ctx, say); err != nil {
		return nil, err
	}
	t.sumUp()
	t.goesOn()
	if err := t.withoutLineage(ctx); err != nil {
		return nil, err
	}
	t.silentAtTheEnd()
	t.rhythm.tell(t)
	say("following what was late")
	if err := t.unseen(ctx); err != nil {
		return nil, err
	}
	if err := t.aftermath(ctx, say); err != nil {
		return nil, err
	}
	t.inOrder()
	t.judge()
	return t.story, nil
}

// read tells the events of the window in the order of their times.
func (t *telling) read(ctx context.Context, say func(string)) error {
	var all together
	defer func() { all.close() }()
	var total, done int64
	for _, s := range t.streams() {
		from := t.ask.From
		if s.Leg == domain.LegIngest {
			from -= rhythmLead
		}
		last, err := t.j.Until(ctx, s, t.ask.To-1)
		if err != nil {
			return err
		}
		before, err := t.j.Until(ctx, s, from-1)
		if err != nil {
			return err
		}
		if err := t.asOf(ctx, s, before); err != nil {
			return err
		}
		f, err := t.follow(ctx, s, before+1, last)
		if err != nil {
			return err
		}
		all = append(all, f)
		total += int64(last - before)
	}
	begun := false
	for said := time.Now(); ; done++ {
		e, err := all.next(ctx)
		if err != nil {
			return err
		}
		if !begun && (e == nil || e.At >= t.ask.From) {
			begun = true
			t.alive()
		}
		if e == nil {
			return nil
		}
		if time.Since(said) > time.Second {
			said = time.Now()
			say(fmt.Sprintf("%d of %d events, up to %s", done, total, t.time(e.At).Format(time.DateTime)))
		}
		if err := t.event(ctx, e); err != nil {
			return err
		}
	}
}

// streams are those that are told, the further ones first.
func (t *telling) streams() []domain.Stream {
	var out []domain.Stream
	for _, id := range t.plans {
		for shard := range t.c.Shards {
			out = append(out, t.stream(shard, domain.ReplayLeg(id)))
		}
	}
	for _, leg := range []domain.Leg{domain.LegLineage, domain.LegDoris, domain.LegHub, domain.LegIngest} {
		for shard := range t.c.Shards {
			out = append(out, t.stream(shard, leg))
		}
	}
	return append(out, domain.ControlStream(t.j.Pipeline()))
}
