package doris

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
)

// carry takes one batch into the table. No request is made before the ack of its
// DorisBegun, and nothing is committed before the ack of its DorisPrepared. If the
// process dies on any line, the next owner settles by the journal and Doris.
func (l *leg) carry(ctx context.Context, b *draft) error {
	ev := &domain.DorisBegun{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Config: l.config, First: b.first, Last: b.last, Time: l.j.Now(),
		Table: l.table(), Ends: b.endList(l.ends), Excluded: b.excluded,
	}
	crash.Point("doris.begun.before")
	ref, err := l.w.Append(ctx, ev)
	if err != nil {
		return err
	}
	crash.Point("doris.begun.after")
	in := &intent{ref: ref, ev: ev}
	l.reporter.Update(func(s *projections.Status) { s.Open = ref.Seq })
	if b.rows == 0 {
		return l.committed(ctx, in, nil, howNothing, domain.IncidentID{})
	}
	if err := l.load(ctx, in, b); err != nil {
		return err
	}
	if err := l.settle(ctx, in); err != nil {
		return err
	}
	if l.w.Trail().Commit < ref.Seq {
		return fmt.Errorf("load %s was prepared, and then aborted at Doris", domain.Label(ref))
	}
	l.reporter.Update(func(s *projections.Status) { s.Bytes += b.bytes })
	return nil
}

// load sends the batch under its label, once, and appends DorisPrepared. After an error
// it is not known what Doris has of it.
func (l *leg) load(ctx context.Context, in *intent, b *draft) error {
	label := domain.Label(in.ref)
	body := l.body(ctx, b)
	reply, backEnd, err := l.fe.load(ctx, l.cfg.Database, l.cfg.Table, label, l.zone.String(), body)
	if failure := body.failure(); failure != nil {
		err = failure // what the client says of it only follows from that
	}
	var misfit *misfitError
	if errors.As(err, &misfit) {
		l.careful = true
	}
	if err != nil {
		return fmt.Errorf("load %s (%d rows) into %s: %w", label, b.rows, l.table(), err)
	}
	if reply.Loaded != b.rows {
		return fmt.Errorf("load %s into %s: Doris counted %d rows of %d", label, l.table(), reply.Loaded, b.rows)
	}
	crash.Point("doris.load.after")
	crash.Point("doris.prepared.before")
	_, err = l.w.Append(ctx, &domain.DorisPrepared{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Begun: in.ref, Label: label, Txn: reply.TxnID, Backend: backEnd,
		Rows: reply.Loaded, Bytes: reply.Bytes,
	})
	if err != nil {
		return err
	}
	crash.Point("doris.prepared.after")
	return nil
}
