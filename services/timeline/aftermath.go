package timeline

import (
	"context"
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// unseen takes note of the rows that were fetched in the window and were not visible at its end.
// Which of them are late is seen later.
func (t *telling) unseen(ctx context.Context) error {
	for shard := range t.c.Shards {
		ingest := t.stream(shard, domain.LegIngest)
		before, err := t.j.Until(ctx, ingest, t.ask.From-1)
		if err != nil {
			return err
		}
		last, err := t.j.Until(ctx, ingest, t.ask.To-1)
		if err != nil {
			return err
		}
		seen, err := t.seen(ctx, shard)
		if err != nil {
			return err
		}
		r := t.reach[shard]
		r.by[causeLate], _ = r.by[causeLate].Add(domain.Span{First: int64(max(before, seen)) + 1, Next: int64(last) + 1})
	}
	return nil
}

// seen is the last ingest event of which the rows were visible at the end of the window.
func (t *telling) seen(ctx context.Context, shard int) (domain.Seq, error) {
	leg := domain.LegDoris
	if t.c.Table == "" {
		leg = domain.LegHub
	}
	s := t.stream(shard, leg)
	seq, err := t.j.Until(ctx, s, t.ask.To-1)
	if err != nil {
		return 0, err
	}
	upTo, err := t.carriedAt(ctx, s, seq)
	if err != nil || leg == domain.LegHub || t.c.Direct {
		return upTo, err
	}
	return t.carriedAt(ctx, t.stream(shard, domain.LegHub), upTo)
}

// aftermath says of lines which rows they are about and what became of those, and adds up what
// trouble touched.
func (t *telling) aftermath(ctx context.Context, say func(string)) error {
	for i, l := range t.story.Lines {
		c, known := t.about[l]
		if !known {
			continue
		}
		say(fmt.Sprintf("following what was late: line %d of %d", i+1, len(t.story.Lines)))
		var fetched domain.Micros
		var err error
		if l.Ranges, fetched, err = t.ranges(ctx, c.shard, c.span); err != nil {
			return err
		}
		if l.Later, err = t.became(ctx, l, c, fetched); err != nil {
			return err
		}
	}
	for shard := range t.reach {
		say(fmt.Sprintf("adding up what was touched of shard %d", shard))
		if err := t.addUp(ctx, shard); err != nil {
			return err
		}
	}
	t.story.Blast = t.accounts.touched(t.known)
	return nil
}

// became says what became of the rows of an attempt.
func (t *telling) became(ctx context.Context, l *Line, c carried, fetched domain.Micros) (string, error) {
	f := t.fates(c.shard)
	first, err := f.of(ctx, domain.Seq(c.span.First))
	if err != nil {
		return "", err
	}
	last, err := f.of(ctx, domain.Seq(c.span.Next-1))
	if err != nil {
		return "", err
	}
	var out []string
	if c.leg == domain.LegHub && l.Kind != string(domain.KindHubCommitted) {
		if last.hub == nil {
			return "these rows are not in the hub yet", nil
		}
		out = append(out, "carried by hub transaction "+through(begunOf(first.hub), begunOf(last.hub)))
	}
	at, there := t.there(last)
	switch {
	case !there:
		return strings.Join(append(out, "not in the table yet"), "; "), nil
	case t.c.Table == "":
		out = append(out, "in the hub since "+t.moment(at))
	default:
		out = append(out, fmt.Sprintf("visible since %s with load %s", t.moment(at), through(begunOf(first.table), begunOf(last.table))))
	}
	return strings.Join(out, "; ") + fmt.Sprintf(", %s after the first of these rows was fetched", lasting(at-fetched)), nil
}

// begunOf is the intent of a commit.
func begunOf(e *journal.Entry) domain.Ref { return endingOf(e).begun }

// moment is a time in the text of a line: with its day where that is another one than the window's.
func (t *telling) moment(at domain.Micros) string { return moment(t.time(at), t.story.From) }
