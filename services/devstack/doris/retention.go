package doris

import (
	"slices"
	"time"
)

// sweep applies time-outs and label retention, at most once per clean interval: as on the front end, nothing expires
// in between. It runs before each request instead of in a goroutine; nobody can tell the difference, and a test's
// clock decides alone.
func (e *Engine) sweep() {
	now := e.now()
	if now.Sub(e.lastSweep) < e.limits.CleanInterval {
		return
	}
	e.lastSweep = now
	for _, t := range e.sorted() {
		// An error of the ledger leaves the transaction as it was; the next sweep meets it again.
		switch {
		case t.Status == Prepare && now.Sub(t.PrepareTime) > t.Timeout,
			t.Status == Precommitted && now.Sub(t.PrecommitTime) > t.PrecommitTimeout:
			_ = e.abort(t, reasonTimeout)
		}
	}
	e.orphanLost(now)
	for db := range e.finished {
		_ = e.expire(db, now)
	}
}

func (e *Engine) sorted() []*Txn {
	all := make([]*Txn, 0, len(e.txns))
	for _, t := range e.txns {
		if !t.Status.finished() {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b *Txn) int { return int(a.ID - b.ID) })
	return all
}

func (e *Engine) expire(db int64, now time.Time) error {
	q, n := e.finished[db], 0
	for n < len(q) && now.Sub(q[n].FinishTime) > e.limits.LabelKeep {
		n++
	}
	return e.forget(db, q[:n])
}

// evict keeps the one queue of a database at its length. Aborted and visible transactions share it, so aborts alone
// push out the label of a committed load.
func (e *Engine) evict(db int64) error {
	over := len(e.finished[db]) - e.limits.LabelNum
	if e.limits.LabelNum <= 0 || over <= 0 {
		return nil
	}
	return e.forget(db, e.finished[db][:over])
}

// Clean forgets the finished transactions of a label (CLEAN LABEL); of all labels when label is empty. Unknown
// labels and unfinished transactions are passed over in silence.
func (e *Engine) Clean(db int64, label string) error {
	e.sweep()
	var gone []*Txn
	for _, t := range e.finished[db] {
		if label == "" || t.Label == label {
			gone = append(gone, t)
		}
	}
	return e.forget(db, gone)
}

func (e *Engine) forget(db int64, gone []*Txn) error {
	if len(gone) == 0 {
		return nil
	}
	ids := make([]int64, len(gone))
	for i, t := range gone {
		ids[i] = t.ID
	}
	if err := e.ledger.Forget(ids); err != nil {
		return err
	}
	for _, t := range slices.Clone(gone) {
		delete(e.txns, t.ID)
		k := labelKey{db, t.Label}
		e.labels[k] = slices.DeleteFunc(e.labels[k], func(o *Txn) bool { return o == t })
		if len(e.labels[k]) == 0 {
			delete(e.labels, k)
		}
	}
	e.finished[db] = slices.DeleteFunc(e.finished[db], func(t *Txn) bool { return e.txns[t.ID] == nil })
	return nil
}
