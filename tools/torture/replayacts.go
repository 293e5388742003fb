package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/status"
)

// someRows is a life of hefu that has carried some rows of the cities.
func (w *world) someRows(ctx context.Context) (*child, error) {
	c, err := w.start(ctx, w.file, w.cfg.DataDir, "")
	if err != nil {
		return nil, err
	}
	if err := c.until(ctx, w.o.rounds, func(s status.Report) bool { return tableRows(s) > 1000 }); err != nil {
		c.kill()
		return nil, err
	}
	return c, nil
}

// rowsToReplay has some rows of the cities carried, and no more come.
func (r *replaying) rowsToReplay(ctx context.Context) error {
	c, err := r.w.someRows(ctx)
	if err != nil {
		return err
	}
	defer c.kill()
	if err := c.until(ctx, r.w.o.rounds, commits()); err != nil {
		return err
	}
	r.w.feeder.pausing.Lock()
	defer r.w.feeder.pausing.Unlock()
	return c.until(ctx, r.w.o.rounds, r.w.caughtUp(ctx))
}

// hit is a life that is to end at a point, and one that goes on from there.
func (r *replaying) hit(ctx context.Context, p replayPoint, x *result) error {
	r.plans++
	if err := r.harm(ctx, p.target.Mode); err != nil {
		return err
	}
	c, err := r.w.start(ctx, r.w.file, r.w.cfg.DataDir, fmt.Sprintf("%s:%d", p.name, p.nth))
	if err != nil {
		return err
	}
	id, err := r.carry(ctx, c, p, domain.PlanID{})
	if err == nil && !c.wait(ctx, time.Minute) {
		err = errors.New("did not come to the point: " + tail(c.log))
	}
	if err == nil && !c.killed() {
		err = fmt.Errorf("ended with code %d: %s", c.exitCode(), tail(c.log))
	}
	c.kill()
	if err != nil {
		x.stuck, x.note = x.stuck+1, err.Error()
		return ctx.Err()
	}
	x.hits++
	if c, err = r.w.start(ctx, r.w.file, r.w.cfg.DataDir, ""); err != nil {
		return err
	}
	defer func() { c.kill() }()
	if id, err = r.carry(ctx, c, p, id); err != nil {
		x.stuck, x.note = x.stuck+1, err.Error()
		return ctx.Err()
	}
	end, err := c.untilReplay(ctx, id, r.w.o.rounds, isOver)
	switch {
	case err != nil:
		x.stuck, x.note = x.stuck+1, err.Error()
	case end.State != domain.PlanDone:
		x.other, x.note = x.other+1, lastMove(&end)
	}
	return ctx.Err()
}

// carry has a replay planned and approved, as far as it is not yet. It is no error that hefu ends
// over it.
func (r *replaying) carry(ctx context.Context, c *child, p replayPoint, id domain.PlanID) (domain.PlanID, error) {
	if err := c.answers(ctx, time.Minute); err != nil {
		return id, err
	}
	now, err := r.planned(ctx, c, id)
	if err == nil && now == nil {
		target := p.target
		if target.Mode == domain.ModeShadow {
			target.Name = fmt.Sprintf("replayed_%d", r.plans)
		}
		now, err = c.plan(ctx, &replay.Ask{Pipeline: r.w.cfg.Pipelines[0].Name, Scope: r.scope, Target: target, Who: who, Why: r.why()})
	}
	switch {
	case errors.Is(err, errNoAnswer) && c.wait(ctx, time.Minute):
		return id, nil
	case err != nil:
		return id, err
	case now.State == domain.PlanPlanned:
		c.approve(ctx, now)
	}
	return now.ID, nil
}

// why names the plan that is made now, so that it is found though nobody was told its id.
func (r *replaying) why() string { return fmt.Sprintf("plan %d", r.plans) }

// planned is the replay that hefu has planned by now, nil for none.
func (r *replaying) planned(ctx context.Context, c *child, id domain.PlanID) (*replay.Shown, error) {
	var all []replay.Shown
	if !c.get(ctx, "/v1/replays", &all) {
		return nil, errNoAnswer
	}
	for i := range all {
		if all[i].ID == id || all[i].Why == r.why() {
			return &all[i], nil
		}
	}
	return nil, nil
}

// harm takes some rows out of the live table, or puts some in a second time, where a mode is to put
// it right.
func (r *replaying) harm(ctx context.Context, mode domain.TargetMode) error {
	table := r.w.cfg.Pipelines[0].Doris.Database + "." + hubTopic
	if mode != domain.ModeFillMissing && mode != domain.ModeDeleteDuplicates {
		return nil
	}
	offsets, err := r.newest(ctx, table)
	if err != nil {
		return err
	}
	if mode == domain.ModeFillMissing {
		_, err := r.w.db.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE hw_partition_id = 0 AND hw_offset_id IN (%d, %d, %d)", table, offsets[0], offsets[1], offsets[20]))
		return err
	}
	for i, n := 1, 0; i < len(offsets) && n < 3; i++ {
		if offsets[i]+1 == offsets[i-1] {
			continue
		}
		// Behind the last row of a transaction there is its marker: a key that no row has.
		n++
		if err := r.double(ctx, table, offsets[i]); err != nil {
			return err
		}
	}
	return nil
}

// newest are offsets of hub partition 0 in a table, from the last one on.
func (r *replaying) newest(ctx context.Context, table string) (offsets []int64, err error) {
	rows, err := r.w.db.QueryContext(ctx, "SELECT hw_offset_id FROM "+table+" WHERE hw_partition_id = 0 ORDER BY hw_offset_id DESC LIMIT 5000")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o int64
		if err := rows.Scan(&o); err != nil {
			return nil, err
		}
		offsets = append(offsets, o)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(offsets) < 100 {
		return nil, fmt.Errorf("%s has %d rows of hub partition 0", table, len(offsets))
	}
	return offsets, nil
}

// double puts a row in once more, under the offset behind its own.
func (r *replaying) double(ctx context.Context, table string, offset int64) error {
	const columns = "hw_offset_id, hw_partition_id, sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts"
	cells, to := make([]string, 9), make([]any, 9)
	for i := range cells {
		to[i] = &cells[i]
	}
	if err := r.w.db.QueryRowContext(ctx, "SELECT "+columns+" FROM "+table+" WHERE hw_partition_id = 0 AND hw_offset_id = ?", offset).Scan(to...); err != nil {
		return err
	}
	cells[0] = fmt.Sprint(offset + 1)
	_, err := r.w.db.ExecContext(ctx, "INSERT INTO "+table+" ("+columns+") VALUES ("+strings.TrimSuffix(strings.Repeat("?, ", 9), ", ")+")", to...)
	return err
}
