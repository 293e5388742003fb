package lineage

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
)

// leg is the open lineage leg of a shard.
type leg struct {
	*Lineage
	w      *journal.Writer
	conn   *clickhouseconn.Conn
	walk   *walk
	cursor domain.Cursor // the last outcome whose rows the table has
}

// intent is a LineageBegun with its place.
type intent struct {
	ref domain.Ref
	ev  *domain.LineageBegun
}

// Open takes the lineage stream over, connects, makes the table where it is not there, and
// brings a block that has no outcome to its end. Errors: *journal.FencedError, and any other
// that is tried again.
func (l *Lineage) Open(ctx context.Context) (projections.Leg, error) {
	w, err := l.j.Takeover(ctx, l.stream, l.incarnation, l.config)
	if err != nil {
		return nil, err
	}
	open := &leg{Lineage: l, w: w, walk: newWalk(l)}
	if err := open.open(ctx); err != nil {
		open.Close()
		return nil, err
	}
	return open, nil
}

func (l *leg) open(ctx context.Context) (err error) {
	if err := l.recall(ctx); err != nil {
		return err
	}
	if l.conn, err = clickhouseconn.Open(ctx, l.cfg.Conn); err != nil {
		return err
	}
	if err := l.prepareTable(ctx); err != nil {
		return err
	}
	t := l.w.Trail()
	if !t.Open() {
		return ctx.Err()
	}
	in, err := l.intent(ctx, t.Begun)
	if err != nil {
		return err
	}
	return l.settle(ctx, in)
}

// recall reads the cursor from the last outcome, which is the tail or one event before it.
func (l *leg) recall(ctx context.Context) error {
	t := l.w.Trail()
	if t.Commit == 0 {
		return nil
	}
	e, err := l.j.Get(ctx, l.stream, t.Commit)
	if err != nil {
		return err
	}
	c, ok := e.Event.(*domain.LineageCommitted)
	if !ok {
		return &journal.IntegrityError{Stream: l.stream, Seq: t.Commit, What: fmt.Sprintf("is a %s, the trail calls it a commit", e.Event.Kind())}
	}
	l.cursor = c.Cursor
	return nil
}

func (l *leg) intent(ctx context.Context, seq domain.Seq) (*intent, error) {
	e, err := l.j.Get(ctx, l.stream, seq)
	if err != nil {
		return nil, err
	}
	ev, ok := e.Event.(*domain.LineageBegun)
	if !ok {
		return nil, &journal.IntegrityError{Stream: l.stream, Seq: seq, What: fmt.Sprintf("is a %s, the trail calls it an intent", e.Event.Kind())}
	}
	return &intent{ref: e.Ref(), ev: ev}, nil
}

// Cursor implements projections.Leg.
func (l *leg) Cursor() domain.Cursor { return l.cursor }

// Close implements projections.Leg.
func (l *leg) Close() {
	l.walk.close()
	if l.conn != nil {
		l.conn.Close()
	}
}
