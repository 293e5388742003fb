package doris

import (
	"errors"
	"time"
)

// Reasons that a transaction carries whose back end is not what it was (doris-wire.md §11.1, row 22).
const (
	reasonBackEndDown    = "coordinate BE is down"
	reasonBackEndRestart = "coordinate BE restart"
)

// Lose notes that a back end's heartbeat is missing from now on.
func (e *Engine) Lose(backEnd int64) {
	if e.lost == nil {
		e.lost = map[int64]time.Time{}
	}
	e.lost[backEnd] = e.now()
}

// Regain notes that a back end has come back. It knows nothing of the loads that it had begun: they are aborted.
func (e *Engine) Regain(backEnd int64) error {
	delete(e.lost, backEnd)
	return e.orphan(backEnd, reasonBackEndRestart)
}

// orphan aborts what a back end had begun. PRECOMMITTED transactions do not need it any more.
func (e *Engine) orphan(backEnd int64, reason string) error {
	var err error
	for _, t := range e.sorted() {
		if t.Status == Prepare && t.BackEnd == backEnd {
			err = errors.Join(err, e.abort(t, reason))
		}
	}
	return err
}

// orphanLost aborts what back ends had begun that have been gone for too long.
func (e *Engine) orphanLost(now time.Time) {
	for backEnd, since := range e.lost {
		if now.Sub(since) > e.limits.LostHeartbeat {
			_ = e.orphan(backEnd, reasonBackEndDown) // an error of the ledger: the next sweep meets it again
		}
	}
}
