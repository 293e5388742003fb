package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/status"
)

// hit is a life that is to end at a point of an exchange, where need be after one that left an
// exchange open, and one that goes on from there.
func (s *swapping) hit(ctx context.Context, p swapPoint, x *result) error {
	was, err := s.inFront(ctx)
	if err != nil {
		return err
	}
	points := []string{p.name}
	if p.first != "" {
		points = []string{p.first, p.name}
	}
	for i, point := range points {
		if err := s.die(ctx, point, i == 0, was); err != nil {
			x.stuck, x.note = x.stuck+1, err.Error()
			return ctx.Err()
		}
	}
	x.hits++
	if err := s.goOn(ctx, was, p.exchanged); err != nil {
		x.other, x.note = x.other+1, err.Error()
	}
	return ctx.Err()
}

// die is a life that ends at a point: of an exchange that is asked for, or of settling one.
func (s *swapping) die(ctx context.Context, point string, ask, back bool) error {
	c, err := s.w.start(ctx, s.w.file, s.w.cfg.DataDir, point+":1")
	if err != nil {
		return err
	}
	defer c.kill()
	if ask {
		// There is something to be caught up.
		if err := c.until(ctx, time.Minute, func(r status.Report) bool { return tableRows(r) > 0 }); err != nil {
			return err
		}
		if done, err := c.swap(ctx, s, back); !errors.Is(err, errNoAnswer) {
			return fmt.Errorf("did not come to %s: %+v, error %v", point, done, err) //nolint:errorlint // both for people
		}
	}
	if !c.wait(ctx, time.Minute) || !c.killed() {
		return fmt.Errorf("did not come to %s: %s", point, tail(c.log))
	}
	return nil
}

// goOn is the life after: as soon as its legs run the outcome is known; what is asked for again is
// refused where it was done, and else done.
func (s *swapping) goOn(ctx context.Context, was, exchanged bool) error {
	c, err := s.w.start(ctx, s.w.file, s.w.cfg.DataDir, "")
	if err != nil {
		return err
	}
	defer c.kill()
	if err := c.answers(ctx, time.Minute); err != nil {
		return err
	}
	is, err := s.inFront(ctx)
	switch {
	case err != nil:
		return err
	case (is != was) != exchanged:
		return fmt.Errorf("the tables are exchanged: %t, want %t", is != was, exchanged)
	}
	done, err := c.swap(ctx, s, was)
	no := map[bool]string{false: "is the live one already", true: "is not the live one"}[was]
	switch {
	case exchanged && (err == nil || !strings.Contains(err.Error(), no)):
		return fmt.Errorf("they are exchanged, and hefu says %+v, error %v", done, err) //nolint:errorlint // both for people
	case !exchanged && err != nil:
		return fmt.Errorf("they are not exchanged, and to exchange them again says: %w", err)
	}
	is, err = s.inFront(ctx)
	switch {
	case err != nil:
		return err
	case is == was:
		return fmt.Errorf("hefu says that the tables are exchanged, and the replay's is the live one: %t, as before", is)
	case done == nil: // it was refused
		return nil
	}
	other, err := s.comment(ctx, done.Shadow)
	if err == nil && (other == doris.ShadowComment(s.plan)) != was {
		err = fmt.Errorf("table %s has the comment %q after an exchange back: %t", done.Shadow, other, was)
	}
	return err
}

// swap has the tables exchanged. Errors: errNoAnswer; any other is what hefu says.
func (c *child) swap(ctx context.Context, s *swapping, back bool) (*replay.Exchange, error) {
	text, err := json.Marshal(replay.SwapAsk{Who: who, Why: "to and fro", Back: back})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.w.o.rounds)
	defer cancel()
	resp := c.ask(ctx, http.MethodPost, "/v1/replays/"+s.plan.String()+"/swap", bytes.NewReader(text))
	if resp == nil {
		return nil, errNoAnswer
	}
	defer resp.Body.Close()
	for lines := json.NewDecoder(resp.Body); ; {
		var l replay.SwapLine
		switch err := lines.Decode(&l); {
		case err != nil:
			return nil, errNoAnswer
		case l.Error != "":
			return nil, errors.New(l.Error)
		case l.Swap != nil:
			return l.Swap, nil
		}
	}
}

// inFront asks Doris whether the replay's table is the live one.
func (s *swapping) inFront(ctx context.Context) (bool, error) {
	t := s.w.cfg.Pipelines[0].Doris
	comment, err := s.comment(ctx, t.Database+"."+t.Table)
	return comment == doris.ShadowComment(s.plan), err
}

func (s *swapping) comment(ctx context.Context, table string) (comment string, err error) {
	database, name, _ := strings.Cut(table, ".")
	err = s.w.db.QueryRowContext(ctx, "SELECT TABLE_COMMENT FROM information_schema.tables WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", database, name).Scan(&comment)
	if err != nil {
		err = fmt.Errorf("ask for the comment of table %s: %w", table, err)
	}
	return comment, err
}
