package doris

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// leg is the open Doris leg of a shard.
type leg struct {
	*Doris
	w      *journal.Writer
	conn   *dorisconn.Cluster
	cursor domain.Cursor   // the last event of the hub stream that the table holds
	ends   map[int32]int64 // of the committed loads, by hub partition
	unique bool            // a row that is loaded again replaces itself
}

// intent is a DorisBegun with its place.
type intent struct {
	ref  domain.Ref
	ev   *domain.DorisBegun
	said *dorisconn.Answer // to its load; nil when an owner before us sent it
	// found is what a probe found out, which is why it is aborted.
	found string
}

// Open takes the doris stream over, settles what is open by asking Doris, and demands
// that the table has no row beyond this journal. Errors: *journal.FencedError,
// *domain.Incident, and, as long as it was never open, *projections.Refusal when the
// table is not there or Doris does not know the user.
func (d *Doris) Open(ctx context.Context) (projections.Leg, error) {
	w, err := d.j.Takeover(ctx, d.stream, d.incarnation, d.inForce())
	if err != nil {
		return nil, err
	}
	crash.Point("doris.opened.after")
	conn, err := dorisconn.Open(d.cfg.Conn)
	if err != nil {
		return nil, err
	}
	l := &leg{Doris: d, w: w, conn: conn}
	err = l.untilExchanged(ctx)
	if err == nil {
		err = l.open(ctx)
	}
	if err != nil {
		l.Close()
		return nil, l.refusal(err)
	}
	d.opened = true
	return l, nil
}

// untilExchanged waits for the outcome of an exchange of the live table with another one that an
// owner before us began: a statement of its may be carried out yet, and what is loaded before that
// would be in the wrong one. None is begun once we are on control.
func (l *leg) untilExchanged(ctx context.Context) error {
	settled, done := func(c *domain.ControlState) bool { return c.OpenSwap() == nil }, false
	l.incidents.Control.State(func(c *domain.ControlState) { done = settled(c) })
	if done || l.cfg.Replay != nil { // while tables are exchanged no replay runs
		return nil
	}
	l.say("an exchange of the table with another has no outcome yet")
	defer l.say("")
	return l.incidents.Control.Wait(ctx, settled)
}

func (l *leg) open(ctx context.Context) error {
	if err := l.recall(ctx); err != nil {
		return err
	}
	if err := l.checkTable(ctx); err != nil {
		return err
	}
	if err := l.checkFrontEnd(ctx); err != nil {
		return err
	}
	if err := l.checkTarget(ctx); err != nil {
		return err
	}
	if t := l.w.Trail(); t.Open() {
		in, err := l.intent(ctx, t.Begun)
		if err != nil {
			return err
		}
		if err := l.settle(ctx, in); err != nil {
			return err
		}
	}
	if err := l.checkRows(ctx); err != nil {
		return err
	}
	l.lookForOrphans(ctx)
	return ctx.Err()
}

// checkFrontEnd asks for a label that nobody has, so that a front end that is not there
// or does not know the user is found before there is an intent.
func (l *leg) checkFrontEnd(ctx context.Context) error {
	_, err := l.conn.State(ctx, l.cfg.Database, "hefu")
	return err
}

// refusal makes what only an operator can mend the end of a start. A leg that was open
// once goes on trying: a password may be on its way to every host.
func (d *Doris) refusal(err error) error {
	var table *tableError
	if !d.opened && (errors.As(err, &table) || errors.Is(err, dorisconn.ErrUnauthorized)) {
		return &projections.Refusal{Reason: err.Error()}
	}
	return err
}

// recall reads the cursor and the table's ends from the last commit: the tail and at
// most two events more.
func (l *leg) recall(ctx context.Context) error {
	l.ends = map[int32]int64{}
	t := l.w.Trail()
	if t.Commit == 0 {
		return nil
	}
	e, err := l.j.Get(ctx, l.stream, t.Commit)
	if err != nil {
		return err
	}
	c, ok := e.Event.(*domain.DorisCommitted)
	if !ok {
		return &journal.IntegrityError{Stream: l.stream, Seq: t.Commit, What: fmt.Sprintf("is a %s, the trail calls it a commit", e.Event.Kind())}
	}
	in, err := l.intent(ctx, c.Begun.Seq)
	if err != nil {
		return err
	}
	l.moveTo(in.ev)
	return nil
}

// moveTo makes the end of a committed load the leg's own.
func (l *leg) moveTo(ev *domain.DorisBegun) {
	l.cursor = ev.Last
	for _, e := range ev.Ends {
		l.ends[e.Partition] = e.Next
	}
}

func (l *leg) intent(ctx context.Context, seq domain.Seq) (*intent, error) {
	e, err := l.j.Get(ctx, l.stream, seq)
	if err != nil {
		return nil, err
	}
	ev, ok := e.Event.(*domain.DorisBegun)
	if !ok {
		return nil, &journal.IntegrityError{Stream: l.stream, Seq: seq, What: fmt.Sprintf("is a %s, the trail calls it an intent", e.Event.Kind())}
	}
	return &intent{ref: e.Ref(), ev: ev}, nil
}

// Cursor implements projections.Leg.
func (l *leg) Cursor() domain.Cursor { return l.cursor }

// Close implements projections.Leg.
func (l *leg) Close() { l.conn.Close() }
