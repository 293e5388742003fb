package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
)

// leg is the open leg of a lane: projections.Leg.
type leg struct {
	f       *File
	w       *journal.Writer
	cursor  domain.Cursor
	outcome domain.Ref         // zero: the lane is not done
	intent  *domain.DorisBegun // that is open, nil for none
	begun   domain.Ref
}

// Cursor implements projections.Leg: the end of the lane, or its beginning.
func (l *leg) Cursor() domain.Cursor { return l.cursor }

// Close implements projections.Leg.
func (l *leg) Close() {}

// Run implements projections.Leg. It returns nil at the end of the lane too.
func (l *leg) Run(ctx context.Context) error {
	if !l.outcome.IsZero() {
		return l.f.forget() // a process that died behind the outcome has not
	}
	if lane := l.f.cfg.Replay.Lane; lane.Last.Seq < lane.First {
		return nil
	}
	if err := l.run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

func (l *leg) run(ctx context.Context) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	s, err := l.f.sheet(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := l.fill(ctx, s); err != nil {
		return err
	}
	if err := s.finish(); err != nil {
		return err
	}
	return l.end(ctx, s.at)
}

// begin appends the intent of the lane, unless one is open.
func (l *leg) begin(ctx context.Context) error {
	if l.intent != nil {
		return nil
	}
	lane := l.f.cfg.Replay.Lane
	first, err := l.f.j.Get(ctx, lane.Last.Stream, lane.First)
	if err != nil {
		return fmt.Errorf("begin of the lane of plan %s: %w", l.f.cfg.Replay.Plan.ID, err)
	}
	_, config := l.f.inForce()
	b := &domain.DorisBegun{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Config: config, First: first.Ref(), Last: lane.Last,
		Time: l.f.j.Now(), Table: l.f.name(), Semantic: domain.ExactlyOnce,
	}
	crash.Point("file.begun.before")
	if l.begun, err = l.w.Append(ctx, b); err != nil {
		return err
	}
	l.intent = b
	if err := l.f.point("begun.after"); err != nil {
		return err
	}
	l.f.reporter.Update(func(s *projections.Status) { s.Open = l.begun.Seq })
	return nil
}

// fill writes what is left of the lane.
func (l *leg) fill(ctx context.Context, s *sheet) error {
	lane, err := l.f.cfg.Replay.Read(ctx, l.f.j, s.at.After)
	if err != nil {
		return err
	}
	defer lane.Close()
	w := projections.NewWalker(l.f.j, l.f.stream.Shard, l.f.cfg.Pipeline.Direct)
	defer w.Close()
	lines := l.f.lines(s)
	for !lane.Done() {
		c, err := lane.Next(ctx)
		if err != nil {
			return l.pausing(ctx, s, err)
		}
		if c != nil && c.Rows > 0 {
			if err := l.f.cfg.Replay.Pace.Wait(ctx, c.Rows, c.Bytes); err != nil {
				return l.pausing(ctx, s, err)
			}
			if err := w.Walk(ctx, c, lines.pieces); err != nil {
				return err
			}
		}
		before := s.at
		s.reached(lane.At())
		l.f.reporter.Update(func(st *projections.Status) {
			st.Cursor = lane.At()
			st.Rows += s.at.Rows - before.Rows
			st.Bytes += s.at.Bytes - before.Bytes
			st.Excluded += s.at.Left - before.Left
		})
		if s.at.Bytes-s.saved >= l.f.saveEvery {
			if err := s.save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pausing keeps what is written when the leg is told to stop between two commits. Its error is
// never nil: the file is not whole.
func (l *leg) pausing(ctx context.Context, s *sheet, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return errors.Join(err, s.save())
}

// end appends the outcome. If the process died before it the next one finds the file whole.
func (l *leg) end(ctx context.Context, of mark) error {
	c := &domain.DorisCommitted{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Begun: l.begun, Cursor: l.f.cfg.Replay.Lane.Last, Rows: of.Rows,
		How: fmt.Sprintf(how, of.Bytes, of.Sum, of.Left), Visible: l.f.j.Now(), FoundBy: domain.FoundBySelf,
	}
	if l.intent.Incarnation != l.f.incarnation {
		c.FoundBy = domain.FoundByNextOwner
	}
	ref, err := l.w.Append(ctx, c)
	if err != nil {
		return err
	}
	l.outcome, l.cursor = ref, c.Cursor
	l.f.reporter.Update(func(st *projections.Status) { st.Cursor, st.Open = c.Cursor, 0 })
	if err := l.f.point("outcome.after"); err != nil {
		return err
	}
	return l.f.forget()
}
