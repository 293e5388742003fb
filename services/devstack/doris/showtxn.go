package doris

import (
	"strconv"
	"time"
)

const txnWhere = "Where clause should looks like one of them: id = 123 or label =/like 'label' or status = 'prepare/precommitted/committed/visible/aborted'"

// showTransaction answers SHOW TRANSACTION [FROM db] WHERE, with one of the predicates that the real one takes:
// id = N, label = 'L' (the newest under it), label LIKE 'p%' (all of them, newest first).
func (c *session) showTransaction(p *parser) (*relation, error) {
	db := ""
	if p.accept("FROM") || p.accept("IN") {
		var err error
		if db, err = p.name(); err != nil {
			return nil, err
		}
	}
	if !p.accept("WHERE") {
		return nil, refuse("Missing transaction id")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	schema, err := c.schema(db)
	if err != nil {
		return nil, err
	}
	if err := c.s.accounts.mayWatch(c.user, schema.Name); err != nil {
		return nil, err
	}
	found, err := c.findTransactions(p, schema.ID)
	if err != nil {
		return nil, err
	}
	r := newRelation("TransactionId", "Label", "Coordinator", "TransactionStatus", "LoadJobSourceType", "PrepareTime",
		"PreCommitTime", "CommitTime", "PublishTime", "FinishTime", "Reason", "ErrorReplicasCount", "ListenerId",
		"TimeoutMs", "ErrMsg")
	loc := c.location()
	for _, t := range found {
		r.add(strconv.FormatInt(t.ID, 10), t.Label, t.Coordinator, t.Status.String(), "BACKEND_STREAMING",
			timeCell(t.PrepareTime, loc), timeCell(t.PrecommitTime, loc), timeCell(t.CommitTime, loc),
			timeCell(t.PublishTime, loc), timeCell(t.FinishTime, loc), t.Reason, "0", "-1",
			strconv.FormatInt(t.Timeout.Milliseconds(), 10), t.ErrMsg)
	}
	return r, nil
}

func (c *session) findTransactions(p *parser, db int64) ([]Txn, error) {
	e := c.s.engine
	like := false
	switch {
	case p.accept("ID", "="), p.accept("ID", "LIKE"): // as observed: id LIKE 5 is id = 5
		id, err := p.integer()
		if err != nil || p.end() != nil {
			return nil, refuse(txnWhere)
		}
		t, ok := e.Get(db, id)
		if !ok {
			return nil, refuse("transaction with id %d does not exist", id)
		}
		return []Txn{t}, nil
	case p.accept("LABEL", "LIKE"):
		like = true
	case p.accept("LABEL", "="):
	default:
		return nil, refuse(txnWhere)
	}
	label, err := p.text()
	if err != nil || p.end() != nil {
		return nil, refuse(txnWhere)
	}
	if like {
		return e.LabelLike(db, label)
	}
	t, ok := e.Newest(db, label)
	if !ok {
		return nil, refuse("transaction with label %s does not exist", label)
	}
	return []Txn{t}, nil
}

// timeCell prints a time in the session's zone, and NULL where there is none.
func timeCell(t time.Time, loc *time.Location) any {
	if t.IsZero() {
		return nil
	}
	return t.In(loc).Format(time.DateTime)
}
