package doris

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// Pauses between the probes of a search. They are shorter than those after loads that
// fail: a search is bounded by maxProbes and ends, a load that fails may do so for ever.
const (
	firstProbePause = 100 * time.Millisecond
	pauseGrowth     = 20 // the longest one, in first ones
)

// search looks for the rows of a batch that Doris refuses, and excludes them. refused is
// what Doris answered to a load of the batch, which is settled as aborted. It did not find
// all when it came to the end of its probes; the next search has fewer rows to find.
// Errors: those of a probe, with its intent open or aborted; *domain.Incident when it
// finds nothing, or there is more than it may leave out.
func (l *leg) search(ctx context.Context, b *draft, refused *dorisconn.Answer) (all bool, err error) {
	l.log.WarnContext(ctx, "looking for rows that Doris refuses", "stream", l.stream.String(), "first", b.first.String(),
		"last", b.last.String(), "rows", b.rows, "answer", refused.Error())
	defer l.reporter.Update(func(s *projections.Status) { s.Waiting = "" })
	s := newSearch(b.rows)
	pause := l.probePause
	for p, more := s.next(); more; p, more = s.next() {
		l.reporter.Update(func(st *projections.Status) { st.Waiting = s.String() })
		if s.probes > 0 {
			if err := wait(ctx, pause); err != nil {
				return false, err
			}
			pause = min(2*pause, pauseGrowth*l.probePause)
		}
		err := l.probe(ctx, b, s, p)
		if errors.Is(err, errContradicts) {
			return false, l.unfindable(ctx, b, refused, err.Error())
		}
		if err != nil {
			return false, err
		}
	}
	switch {
	case s.total > maxRefused, s.givenUp() && len(s.refused) == 0:
		return false, l.unfindable(ctx, b, refused, s.String())
	case len(s.refused) == 0:
		return false, l.unfindable(ctx, b, refused, "a load of the same rows that allows refusals has none")
	}
	return !s.givenUp(), l.excludeRefused(ctx, b, s.refused)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// probe loads some rows of a batch, has them aborted again, and tells the search what
// Doris said of them.
func (l *leg) probe(ctx context.Context, b *draft, s *search, p domain.DorisProbe) error {
	in, err := l.begin(ctx, b, &p)
	if err != nil {
		return err
	}
	a, err := l.load(ctx, in, b)
	if err != nil {
		return l.broken(ctx, in, err)
	}
	in.said = a
	rows := p.Next - p.First
	if a.Meaning == dorisconn.Unknown {
		return l.failed(in, rows)
	}
	if a.Meaning == dorisconn.Prepared {
		in.found = fmt.Sprintf("looked for rows that Doris refuses: %d of %d", a.Filtered, rows)
	}
	if err := l.settle(ctx, in); err != nil {
		return err
	}
	switch {
	case a.Meaning == dorisconn.BadRows:
		return fmt.Errorf("%w: it takes no load at all of rows %d to %d, with every refusal allowed: %s", errContradicts, p.First, p.Next-1, a.Text)
	case a.Meaning != dorisconn.Prepared:
		l.heed(a)
		return l.undone(ctx, in, rows)
	case a.Rows+a.Filtered != rows:
		return fmt.Errorf("%w: %d rows loaded and %d refused of %d", errContradicts, a.Rows, a.Filtered, rows)
	case a.Filtered == 0:
		return s.learn(p, 0, nil, "")
	}
	all := l.complaints(ctx, a)
	named, err := l.named(ctx, b, p, all)
	if err != nil {
		return err
	}
	line := detail(a.FirstErrorMsg)
	if len(all) > 0 {
		line = all[0].line
	}
	return s.learn(p, a.Filtered, named, line)
}

// complaints are the entries of the error log of a load. A log that cannot be read is as
// good as one that names nothing: the counts are enough.
func (l *leg) complaints(ctx context.Context, a *dorisconn.Answer) []complaint {
	if a.ErrorURL == "" {
		return nil
	}
	text, err := l.conn.ErrorLog(ctx, a.ErrorURL, maxErrorLog)
	if err != nil {
		l.log.WarnContext(ctx, "error log of a load is not to be had", "stream", l.stream.String(), "txn", a.Txn, "error", err)
		return nil
	}
	return readErrorLog(text)
}

// named finds the rows of a probe that an error log quotes, with the line that does. What
// does not equal a row of the probe in all nine columns names none: a record may hold
// anything, another row's line included.
func (l *leg) named(ctx context.Context, b *draft, p domain.DorisProbe, all []complaint) (map[int64]string, error) {
	quoted := map[domain.Coord]*complaint{}
	for i := range all {
		if r := all[i].row; r != nil {
			quoted[domain.Coord{Partition: *r.HubPartition, Offset: *r.HubOffset}] = &all[i]
		}
	}
	if len(quoted) == 0 {
		return nil, nil
	}
	found := map[int64]string{}
	format := flink.NewRowFormat(l.zone)
	err := l.eachRow(ctx, b, &p, func(row *batchRow) error {
		c := quoted[domain.Coord{Partition: row.HubPartition, Offset: row.HubOffset}]
		if c == nil {
			return nil
		}
		ours, _ := readLine(row.appendLine(format, nil))
		if ours != nil && ours.equal(c.row) {
			found[row.place] = c.line
		}
		return nil
	})
	return found, err
}

// excludeRefused moves rows of a batch, by their places in it, to what it leaves out.
func (l *leg) excludeRefused(ctx context.Context, b *draft, refused map[int64]string) error {
	var more []domain.Exclusion
	err := l.eachRow(ctx, b, nil, func(row *batchRow) error {
		if words, ok := refused[row.place]; ok {
			more = append(more, exclusion(row.run, row.ordinal, row.offset, row.value, unfit{domain.ExcludedByDoris, words}))
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.leaveOut(more)
	return nil
}

// unfindable files that Doris refuses rows which a search does not tell apart. The hub
// events name the batch; a label would be another one each time.
func (l *leg) unfindable(ctx context.Context, b *draft, refused *dorisconn.Answer, why string) error {
	_, err := l.file(ctx, domain.NewIncident(domain.IncidentDorisRefused, l.stream, "", nil,
		domain.Fact{Key: "found", Value: "Doris refuses rows that cannot be told apart from the rest"},
		domain.Fact{Key: "table", Value: l.table()},
		domain.Fact{Key: "batch", Value: fmt.Sprintf("%d rows of %s to %s", b.rows, b.first, b.last)},
		domain.Fact{Key: "search", Value: why},
		domain.Fact{Key: "Doris says", Value: detail(string(bytes.TrimSpace([]byte(refused.Status + ": " + refused.Text + " " + refused.FirstErrorMsg))))},
		domain.Fact{Key: "do", Value: "look whether the table still takes what it took, and mend it, then resolve with retry"}))
	return err
}
