package doris

import "fmt"

// move keeps the changed transaction in the ledger, and only then lets the engine see it.
func (e *Engine) move(t *Txn, change func(*Txn)) error {
	next := *t
	change(&next)
	if next.Status == Committed || next.Status.finished() {
		next.Order = e.order + 1
	}
	if err := e.ledger.Keep(next); err != nil {
		return err
	}
	e.order = max(e.order, next.Order)
	was := t.Status
	*t = next
	switch {
	case t.Status == Committed:
		e.commits = append(e.commits, t)
	case t.Status.finished():
		if was == Committed {
			e.dropCommit(t)
		}
		e.running[t.DB]--
		e.finished[t.DB] = append(e.finished[t.DB], t)
		return e.evict(t.DB)
	}
	return nil
}

func (e *Engine) dropCommit(t *Txn) {
	for i, c := range e.commits {
		if c == t {
			e.commits = append(e.commits[:i], e.commits[i+1:]...)
			return
		}
	}
}

// Precommit makes a written load durable and open to commit or abort. Repeating it is fine.
func (e *Engine) Precommit(id int64) error {
	e.sweep()
	t, ok := e.txns[id]
	if !ok {
		return refuse("transaction not found")
	}
	switch t.Status {
	case Prepare:
		return e.move(t, func(t *Txn) { t.Status, t.PrecommitTime = Precommitted, e.now() })
	case Precommitted:
		return nil
	case Committed:
		return refuse("transaction is already committed")
	case Visible:
		return refuse("transaction is already visible")
	default:
		return refuse("%s", t.Reason)
	}
}

// MissReplicas is the answer to a first phase that comes while too few replicas have the rows: nothing has changed.
// The back end that gets it gives the load up.
func (e *Engine) MissReplicas(id int64) error {
	e.sweep()
	t, ok := e.txns[id]
	if !ok {
		return refuse("transaction not found")
	}
	if t.Status != Prepare {
		return e.Precommit(id)
	}
	return refuse("Failed to commit txn %d, cause tablet %d succ replica num 0 < load required replica num 1. "+
		"table %d, partition: [ id=%d, commit version 2, visible version 1 ], this tablet detail: 1 replicas write data failed: "+
		"{ };. Please try again later.", t.ID, t.Table, t.Table, t.Table)
}

// CommitPrepared is the one-phase commit of a back end: PREPARE -> COMMITTED. Repeating it is fine.
func (e *Engine) CommitPrepared(id int64) error {
	e.sweep()
	t, ok := e.txns[id]
	if !ok {
		return refuse("transaction not found")
	}
	switch t.Status {
	case Prepare:
		return e.move(t, func(t *Txn) { t.Status, t.CommitTime = Committed, e.now() })
	case Committed, Visible:
		return nil
	case Aborted:
		return refuse("%s", t.Reason)
	default:
		return refuse("transaction commit failed")
	}
}

// Commit is the second phase, by id: PRECOMMITTED -> COMMITTED. It never waits for rows to become visible.
func (e *Engine) Commit(db, id int64) error {
	e.sweep()
	t, ok := e.txns[id]
	if !ok || t.DB != db {
		return refuse("transaction [%d] not found", id)
	}
	if t.Status != Precommitted {
		return refuseCommit(t)
	}
	if !e.tableIs(t.Table) {
		return refuseMissing(codeAnalysis, "table not found, tableId=%d", t.Table)
	}
	return e.move(t, func(t *Txn) { t.Status, t.CommitTime = Committed, e.now() })
}

// Abort gives a transaction up, by id, from PREPARE or PRECOMMITTED.
func (e *Engine) Abort(db, id int64) error {
	e.sweep()
	t, ok := e.txns[id]
	if !ok || t.DB != db {
		return refuse("transaction [%d] not found", id)
	}
	if t.Status != Prepare && t.Status != Precommitted {
		return refuseAbort(t)
	}
	return e.abort(t, reasonUser)
}

// CommitLabel commits the one PRECOMMITTED transaction of a label.
func (e *Engine) CommitLabel(db int64, label string) error {
	id, err := e.byLabel(db, label, Precommitted)
	if err != nil {
		return err
	}
	return e.Commit(db, id)
}

// AbortLabel aborts the one PRECOMMITTED or PREPARE transaction of a label.
func (e *Engine) AbortLabel(db int64, label string) error {
	id, err := e.byLabel(db, label, Precommitted, Prepare)
	if err != nil {
		return err
	}
	return e.Abort(db, id)
}

func (e *Engine) byLabel(db int64, label string, states ...Status) (int64, error) {
	e.sweep()
	all := e.labels[labelKey{db, label}]
	if len(all) == 0 {
		return 0, refuse("transaction not found, label=%s", label)
	}
	for _, s := range states {
		for _, t := range all {
			if t.Status == s {
				return t.ID, nil
			}
		}
	}
	return 0, refuse("running transaction not found, label=%s", label)
}

// Rollback is the back end giving up a load of its own, with its reason kept word for word.
func (e *Engine) Rollback(id int64, reason string) error {
	e.sweep()
	t, ok := e.txns[id]
	if !ok || t.Status.finished() {
		return refuse("transaction not found")
	}
	if t.Status == Committed {
		return refuseAbort(t)
	}
	return e.abort(t, reason)
}

func (e *Engine) abort(t *Txn, reason string) error {
	return e.move(t, func(t *Txn) { t.Status, t.Reason, t.FinishTime = Aborted, reason, e.now() })
}

// NextCommitted is the transaction to publish next: versions come in the order of commits, not of ids.
func (e *Engine) NextCommitted() (Txn, bool) {
	if len(e.commits) == 0 {
		return Txn{}, false
	}
	return *e.commits[0], true
}

// Publish makes a COMMITTED transaction VISIBLE.
func (e *Engine) Publish(id int64) error {
	t, ok := e.txns[id]
	if !ok || t.Status != Committed {
		return refuse("transaction not found")
	}
	return e.move(t, func(t *Txn) { now := e.now(); t.Status, t.PublishTime, t.FinishTime, t.ErrMsg = Visible, now, now, "" })
}

// PublishFailed notes that no back end could publish a COMMITTED transaction. It stays what it is: it is tried again
// until it succeeds, and nobody can abort it.
func (e *Engine) PublishFailed(id int64) {
	if t, ok := e.txns[id]; ok && t.Status == Committed {
		t.ErrMsg = fmt.Sprintf("publish on tablet %d failed. succeed replica num 0 < load required replica num 1. "+
			"table: %d, partition: [ id=%d, commit version 2, visible version 1 ]", t.Table, t.Table, t.Table)
	}
}
