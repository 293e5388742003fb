package doris

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// columns is a load's column list: the original table's nine, under the names that the
// lines carry.
const columns = "sscsdm,extract_time,record,city_partition_id,city_offset_id,city_ts,hw_partition_id,hw_offset_id,hw_ts"

// carry takes one batch into the table, without the rows that Doris refuses: where there
// are some they are looked for, and the next load leaves them out. If the process dies on
// any line, the next owner settles by the journal and Doris, and begins the batch anew.
func (l *leg) carry(ctx context.Context, b *draft) error {
	if err := l.leaveOutPresent(ctx, b); err != nil {
		return err
	}
	for foundAll := false; ; {
		answer, err := l.attempt(ctx, b)
		if answer == nil || answer.Meaning != dorisconn.BadRows {
			return err
		}
		if foundAll {
			return l.unfindable(ctx, b, answer, "a load without the rows that were found is refused for its rows again")
		}
		if foundAll, err = l.search(ctx, b, answer); err != nil {
			return err
		}
	}
}

// attempt loads a batch once. No request is made before the ack of its DorisBegun, and
// nothing is committed before the ack of its DorisPrepared. The answer is why the load
// is settled as aborted, if that is why there is an error.
func (l *leg) attempt(ctx context.Context, b *draft) (*dorisconn.Answer, error) {
	if err := l.pace.wait(ctx); err != nil {
		return nil, err
	}
	var err error
	if b.fare, err = l.fareOf(ctx, b); err != nil {
		return nil, err
	}
	in, err := l.begin(ctx, b, nil)
	if err != nil {
		return nil, err
	}
	if b.rows == 0 {
		return nil, l.committed(ctx, in, nil, howNothing, domain.IncidentID{})
	}
	a, err := l.load(ctx, in, b)
	if err != nil {
		return nil, l.broken(ctx, in, err)
	}
	if err := l.answered(ctx, in, a, b.rows); err != nil {
		l.heed(a)
		return answerIn(err), err
	}
	l.cfg.Cadence.well()
	l.reporter.Update(func(s *projections.Status) { s.Bytes += b.bytes })
	return nil, nil
}

// answerIn is Doris's answer in an error, nil when there is none.
func answerIn(err error) *dorisconn.Answer {
	var a *dorisconn.Answer
	if !errors.As(err, &a) {
		return nil
	}
	return a
}

// heed makes the loads of the table come more slowly when Doris has too much to do.
func (l *leg) heed(a *dorisconn.Answer) {
	if a.Meaning == dorisconn.TryAgain {
		l.cfg.Cadence.slow()
	}
}

// begin appends the intent of a batch, or of a probe of it.
func (l *leg) begin(ctx context.Context, b *draft, probe *domain.DorisProbe) (*intent, error) {
	ev := &domain.DorisBegun{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Config: l.inForce(), First: b.first, Last: b.last, Time: l.j.Now(),
		Table: l.table(), Semantic: l.cfg.Semantic, Probe: probe, Ends: b.endList(l.ends), Excluded: b.excluded,
	}
	crash.Point("doris.begun.before")
	ref, err := l.w.Append(ctx, ev)
	if err != nil {
		return nil, err
	}
	crash.Point("doris.begun.after")
	l.reporter.Update(func(s *projections.Status) { s.Open = ref.Seq })
	return &intent{ref: ref, ev: ev}, nil
}

// load sends the batch under its label, once. The error is why the body broke off on our
// side: then no back end has all of it, and what was answered only follows from that.
func (l *leg) load(ctx context.Context, in *intent, b *draft) (*dorisconn.Answer, error) {
	body, ratio := l.body(ctx, b, in.ev.Probe), 0
	if in.ev.Probe != nil {
		ratio = 1
	}
	a := l.conn.Load(ctx, dorisconn.Load{
		Database: l.cfg.Database, Table: l.cfg.Table, Label: domain.Label(in.ref), TwoPhase: in.ev.TwoPhase(), Columns: columns,
		Timezone: l.zone.String(), MaxFilterRatio: ratio, Properties: l.cfg.Properties,
	}, body)
	err := body.failure()
	if err == nil {
		return a, nil
	}
	var misfit *misfitError
	if errors.As(err, &misfit) {
		l.careful = true
	}
	return nil, fmt.Errorf("load %s (%d rows) into %s: %w", domain.Label(in.ref), b.rows, l.table(), err)
}
