package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/status"
)

// who plans and decides here.
const who = "torture"

// errNoAnswer says that hefu did not answer, or not to the end: it may have been killed.
var errNoAnswer = errors.New("hefu did not answer")

// plan has hefu plan a replay. It is a dry run, which takes its time. Errors: errNoAnswer, and why
// it cannot be planned.
func (c *child) plan(ctx context.Context, ask *replay.Ask) (*replay.Shown, error) {
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	resp := c.ask(ctx, http.MethodPost, "/v1/replays", bytes.NewReader(text))
	if resp == nil {
		return nil, errNoAnswer
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("plan: %s: %s", resp.Status, why)
	}
	for lines := json.NewDecoder(resp.Body); ; {
		var l replay.Line
		switch err := lines.Decode(&l); {
		case err != nil:
			return nil, errNoAnswer
		case l.Error != "":
			return nil, fmt.Errorf("plan: %s", l.Error)
		case l.Replay != nil:
			return l.Replay, nil
		}
	}
}

// approve lets a planned replay run. Whether it does is what the next look says.
func (c *child) approve(ctx context.Context, r *replay.Shown) {
	c.post(ctx, "/v1/replays/"+r.ID.String()+"/approve", replay.Decision{Who: who, Why: "it was read", Digest: &r.Digest})
}

// replay is what hefu says of one replay; false when it does not answer.
func (c *child) replay(ctx context.Context, id domain.PlanID) (r replay.Shown, ok bool) {
	ok = c.get(ctx, "/v1/replays/"+id.String(), &r)
	return r, ok
}

// answers waits until hefu has opened its journal and every leg of it runs.
func (c *child) answers(ctx context.Context, within time.Duration) error {
	return c.until(ctx, within, runs)
}

// runs reports whether every leg does.
func runs(r status.Report) bool {
	if len(r.Pipelines) == 0 || len(r.Pipelines[0].Legs) == 0 {
		return false
	}
	for _, l := range r.Pipelines[0].Legs {
		if l.State != "running" {
			return false
		}
	}
	return true
}

// untilReplay polls a replay until something holds of it. It ends early, without an error, when
// hefu has ended.
func (c *child) untilReplay(ctx context.Context, id domain.PlanID, within time.Duration, holds func(*replay.Shown) bool) (last replay.Shown, err error) {
	for deadline := time.Now().Add(within); ; {
		if r, ok := c.replay(ctx, id); ok {
			if last = r; holds(&r) {
				return last, nil
			}
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-c.ended:
			return last, nil
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			text, _ := json.Marshal(last.Progress)
			return last, fmt.Errorf("replay %s is %s after %s: %s\n%s", id, last.State, within, text, tail(c.log))
		}
	}
}

// isOver reports whether nothing happens to a replay any more.
func isOver(r *replay.Shown) bool { return r.State.Ended() || r.State == domain.PlanFailed }

// lastMove is the end of a replay for people.
func lastMove(r *replay.Shown) string {
	if len(r.Moves) == 0 {
		return string(r.State)
	}
	return fmt.Sprintf("%s: %s", r.State, r.Moves[len(r.Moves)-1].Why)
}
