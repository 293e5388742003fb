package lineage

import (
	"context"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
)

// How it is known that a block is in the table.
const (
	howAnswer = "answer"
	howRows   = "rows of the table"
)

// carry takes one block into the table. If the process dies on any line, the next owner
// finds the intent and does the same.
func (l *leg) carry(ctx context.Context, b *block) error {
	crash.Point("lineage.begun.before")
	ref, err := l.w.Append(ctx, &domain.LineageBegun{
		Owned: l.w.Owned(), Trail: l.w.Trail(), First: b.first, Last: b.last,
		Rows: int64(len(b.lines)), Digest: b.digest, Block: int64(l.cfg.Batch.Rows),
	})
	if err != nil {
		return err
	}
	crash.Point("lineage.begun.after")
	l.reporter.Update(func(s *projections.Status) { s.Open = ref.Seq })
	in, err := l.intent(ctx, ref.Seq)
	if err != nil {
		return err
	}
	return l.write(ctx, in, b)
}

// settle ends an intent that somebody left without an outcome: its rows are made again from
// the journal, and written unless they are all there.
func (l *leg) settle(ctx context.Context, in *intent) error {
	b, err := l.walk.block(ctx, in.ev)
	if err != nil {
		return err
	}
	if int64(len(b.lines)) != in.ev.Rows || b.digest != in.ev.Digest {
		return fmt.Errorf("block %s: its outcomes have %d rows with the digest %s, the intent says %d with %s: use the release that began it",
			in.ref, len(b.lines), b.digest, in.ev.Rows, in.ev.Digest)
	}
	rows, digest, err := l.there(ctx, in.ref, b)
	if err != nil {
		return err
	}
	if rows == uint64(in.ev.Rows) && digest == in.ev.Digest.Lo {
		return l.committed(ctx, in, b, howRows)
	}
	return l.write(ctx, in, b)
}

// write sends the rows of an intent, in as many INSERTs as it says, and appends the outcome.
func (l *leg) write(ctx context.Context, in *intent, b *block) error {
	table := quoted(l.cfg.Database, l.cfg.Table)
	journalID := l.j.ID().String()
	var cols columns
	for n, part := range b.parts(in.ev.Block) {
		cols.reset()
		for i := range part {
			row := part[i].row(in.ref.Seq)
			cols.add(journalID, &row)
		}
		token := fmt.Sprintf("%s/%s-%x/%d", journalID, in.ref, in.ref.Hash[:6], n)
		if err := l.conn.Insert(ctx, table, cols.input(), token); err != nil {
			return fmt.Errorf("insert %d rows of block %s into %s.%s: %w", len(part), in.ref, l.cfg.Database, l.cfg.Table, err)
		}
		crash.Point("lineage.insert.after")
	}
	return l.committed(ctx, in, b, howAnswer)
}

// there counts the rows of an intent that the table has: each once, however often it came,
// as FINAL would; but it follows the indices, which FINAL need not.
func (l *leg) there(ctx context.Context, begun domain.Ref, b *block) (rows, digest uint64, err error) {
	var n, sum proto.ColUInt64
	first, last := b.days()
	query := fmt.Sprintf("SELECT count() AS n, sum(record_xxh3) AS digest FROM (SELECT DISTINCT %s, record_xxh3 FROM %s"+
		" WHERE journal = %s AND shard = %d AND block = %d AND extract_time >= %d AND extract_time <= %d)",
		key, quoted(l.cfg.Database, l.cfg.Table), clickhouseconn.Text(l.j.ID().String()), l.stream.Shard, begun.Seq, first, last)
	err = l.conn.Ask(ctx, query, proto.Results{{Name: "n", Data: &n}, {Name: "digest", Data: &sum}}, func() error {
		rows, digest = n[0], sum[0]
		return nil
	})
	if err != nil {
		err = fmt.Errorf("count rows of block %s in %s.%s: %w", begun, l.cfg.Database, l.cfg.Table, err)
	}
	return rows, digest, err
}

func (l *leg) committed(ctx context.Context, in *intent, b *block, how string) error {
	crash.Point("lineage.committed.before")
	_, err := l.w.Append(ctx, &domain.LineageCommitted{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Begun: in.ref, Cursor: in.ev.Last, Rows: in.ev.Rows, How: how,
	})
	if err != nil {
		return err
	}
	crash.Point("lineage.committed.after")
	l.cursor = in.ev.Last
	l.reporter.Update(func(s *projections.Status) {
		s.Open, s.Cursor = 0, l.cursor
		s.Rows += in.ev.Rows - b.excluded
		s.Excluded += b.excluded
	})
	return nil
}

// integrity is an event that contradicts another.
func integrity(e *journal.Entry, format string, args ...any) error {
	return &journal.IntegrityError{Stream: e.Stream, Seq: e.Seq, What: fmt.Sprintf(format, args...)}
}
