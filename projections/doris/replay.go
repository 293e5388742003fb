package doris

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
)

// fills reports whether the leg is a replay into the live table, where it loads what is
// missing among the rows of others.
func (d *Doris) fills() bool {
	return d.cfg.Replay != nil && d.cfg.Replay.Plan.Target.Mode == domain.ModeFillMissing
}

// goesOn reports whether the leg brings a table up to a later state that another plan filled:
// its rows are beside the leg's own.
func (d *Doris) goesOn() bool {
	return d.cfg.Replay != nil && d.cfg.Replay.Plan.Target.Mode == domain.ModeShadow && !d.cfg.Replay.Plan.Target.Shadow.IsZero()
}

// checkReplay holds a plan against the leg that is to carry it.
func (d *Doris) checkReplay() error {
	if d.cfg.Replay == nil {
		return nil
	}
	plan, lane := d.cfg.Replay.Plan, d.cfg.Replay.Lane
	target, input := plan.Target, d.streamOf(d.input)
	var why string
	switch {
	case target.Kind != domain.TargetTable || target.Mode != domain.ModeShadow && target.Mode != domain.ModeFillMissing:
		why = fmt.Sprintf("its target is a %s in mode %q", target.Kind, target.Mode)
	case target.Name != d.table():
		why = fmt.Sprintf("its target is %s, not %s", target.Name, d.table())
	case lane.Shard != d.cfg.Shard:
		why = fmt.Sprintf("its lane is of shard %d", lane.Shard)
	case lane.First < 1 || lane.Last.Seq >= lane.First && lane.Last.Stream != input:
		why = fmt.Sprintf("its lane, from %d to %s, is no part of %s", lane.First, lane.Last, input)
	default:
		return nil
	}
	return fmt.Errorf("doris of shard %d cannot carry replay %s: %s", d.cfg.Shard, plan.ID, why)
}

// Done reports whether a replay has carried its lane to the end; a lane without an event is
// carried. It is for who has just opened the leg, or seen Run return.
func (l *leg) Done() bool {
	if l.cfg.Replay == nil {
		return false
	}
	lane := l.cfg.Replay.Lane
	return lane.Last.Seq < lane.First || l.cursor == lane.Last
}

// follow reads the input after the cursor, of a replay not before its lane.
func (l *leg) follow(ctx context.Context) (*journal.Reader, error) {
	input := l.streamOf(l.input)
	if l.cfg.Replay != nil && l.cursor.IsZero() {
		return l.j.ReadFrom(ctx, input, l.cfg.Replay.Lane.First)
	}
	return l.j.Read(ctx, input, l.cursor)
}

// isLast reports whether an event of the input is the last one of a replay's lane. Another
// event in its place is another history than the one that was planned for.
func (l *leg) isLast(e *journal.Entry) (bool, error) {
	if l.cfg.Replay == nil || e.Seq < l.cfg.Replay.Lane.Last.Seq {
		return false, nil
	}
	if last := l.cfg.Replay.Lane.Last; e.Ref() != last {
		return false, &journal.IntegrityError{Stream: e.Stream, Seq: e.Seq, What: fmt.Sprintf("hash is %s, the plan says %s", e.Hash, last.Hash)}
	}
	return true, nil
}

// checkTarget demands of a replay's table that it is the one that the plan means, before
// anything that is open is settled in it. Errors: *projections.Refusal.
func (l *leg) checkTarget(ctx context.Context) error {
	switch {
	case l.cfg.Replay == nil:
		return nil
	case l.fills():
		return l.checkBelow(ctx)
	case l.goesOn():
		// It stands under this name before it is exchanged, and the live one does after: either is
		// what the plan means.
		_, err := Swapped(ctx, l.conn, l.cfg.Pipeline.Table, l.table(), l.cfg.Replay.Plan.Marker())
		return err
	}
	comment, there, err := TableComment(ctx, l.conn, l.table())
	if err != nil {
		return err
	}
	if want := ShadowComment(l.cfg.Replay.Plan.ID); !there || comment != want {
		return &projections.Refusal{Reason: fmt.Sprintf("table %s has the comment %q, the shadow table of replay %s has %q: nothing is loaded into it",
			l.table(), comment, l.cfg.Replay.Plan.ID, want)}
	}
	return nil
}

// checkBelow demands that a lane which fills the live table ends where the live leg has been:
// what is missing beyond its cursor may just be on its way. Errors: *projections.Refusal.
func (l *leg) checkBelow(ctx context.Context) error {
	live, at := l.streamOf(domain.LegDoris), domain.Cursor{}
	tail, err := l.j.Tail(ctx, live)
	switch {
	case err == nil:
		if commit := domain.TrailOf(tail.Event).After(tail.Seq, tail.Event).Commit; commit > 0 {
			e, err := l.j.Get(ctx, live, commit)
			if err != nil {
				return err
			}
			c, ok := e.Event.(*domain.DorisCommitted)
			if !ok {
				return &journal.IntegrityError{Stream: live, Seq: commit, What: fmt.Sprintf("is a %s, the trail calls it a commit", e.Event.Kind())}
			}
			at = c.Cursor
		}
	case !errors.Is(err, journal.ErrNotFound):
		return err
	}
	if last := l.cfg.Replay.Lane.Last; last.Seq > at.Seq {
		return &projections.Refusal{Reason: fmt.Sprintf("replay %s fills table %s up to %s, and the live leg has come to %s: rows beyond it are not missing yet; make a plan that ends there",
			l.cfg.Replay.Plan.ID, l.table(), last, at)}
	}
	return nil
}

// checkRows demands that the table has no row that this journal does not account for, as far
// as that is the leg's to say: among the rows of a live table a replay has no say.
func (l *leg) checkRows(ctx context.Context) error {
	switch {
	case l.cfg.Replay == nil:
		return l.checkAhead(ctx)
	case l.fills(), l.goesOn():
		return nil
	default:
		return l.checkShadow(ctx)
	}
}
