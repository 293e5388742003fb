package doris

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// streamLoad is the back end's load: checks of the headers, begin, planning, rows, and the first phase (or the only
// one). Everything it answers has HTTP status 200.
func (b *backEnd) streamLoad(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	q, err := parseLoad(r)
	reply := loadReply{TxnID: -1, Label: q.label, Comment: q.comment, TwoPhaseCommit: fmt.Sprint(q.twoPhase)}
	if err == nil {
		err = b.load(r, q, &reply)
	}
	b.hold(r)
	var refused *Refusal
	switch {
	case errors.Is(err, errHangUp):
		hangUp()
	case err == nil:
	case errors.As(err, &refused) && refused.Code == codeLabelExists:
		reply.Status, reply.ExistingJobStatus, reply.Message = statusLabelExists, refused.Existing, message(err)
	default:
		reply.Status, reply.Message, reply.LoadedRows = statusFail, message(err), 0
	}
	reply.LoadTimeMs = sinceMs(start)
	writePretty(w, reply)
}

// errHangUp asks for a broken connection instead of a reply.
var errHangUp = errors.New("hang up")

// qualityError ends a load for its rows; its text is the reply's Message as it stands.
type qualityError struct{ text string }

func (e *qualityError) Error() string { return e.text }

func (b *backEnd) load(r *http.Request, q loadRequest, reply *loadReply) error {
	user, password, ok := r.BasicAuth()
	if !ok {
		return &argError{"NOT_AUTHORIZED", "no valid Basic authorization"}
	}
	if !b.admit(user, password) {
		return refuse("%s", accessDenied(r, user, password))
	}
	if err := b.accounts.mayBegin(user, q.db, q.table); err != nil {
		return err
	}
	began := time.Now()
	txn, table, err := b.begin(q)
	reply.BeginTxnTimeMs = sinceMs(began)
	if err != nil {
		return err
	}
	reply.TxnID = txn.ID
	if err := b.loadRows(r, &q, table, txn.ID, reply); err != nil {
		return errors.Join(err, b.rollback(txn.ID, err))
	}
	return b.finish(r.Context(), q, txn.ID, reply)
}

func (b *backEnd) begin(q loadRequest) (Txn, *Table, error) {
	var txn Txn
	var table *Table
	err := b.ask(func(e *Engine) (err error) {
		if table, err = b.catalog.table(q.db, q.table); err != nil {
			return err
		}
		txn, err = e.Begin(BeginRequest{
			DB: table.DB.ID, Table: table.ID, Label: q.label, RequestID: newUUID(), Coordinator: "BE: 127.0.0.1", BackEnd: b.id,
			Timeout: q.timeout, Quota: table.DB.Quota,
		})
		return err
	})
	return txn, table, err
}

// rollback gives the transaction up. That it is aborted already (by an operator, or a time-out) is as good. A back end
// that cannot ask any more leaves it as it is, but nobody will want its rows.
func (b *backEnd) rollback(id int64, reason error) error {
	if b.killed.Load() {
		return errKilled
	}
	err := b.ask(func(e *Engine) error { return e.Rollback(id, reason.Error()) })
	var refused *Refusal
	if errors.As(err, &refused) {
		err = nil
	}
	return errors.Join(err, b.stage.remove(id))
}

// finish pre-commits, or commits and waits for the rows to show. The faults hurt after the fact: the state has moved,
// and the client does not get to know.
func (b *backEnd) finish(ctx context.Context, q loadRequest, id int64, reply *loadReply) error {
	if err := b.faults.failedLoad(); err != nil {
		return errors.Join(err, b.rollback(id, err))
	}
	moving := time.Now()
	err := b.firstPhase(q.twoPhase, id)
	if err != nil {
		return errors.Join(err, b.rollback(id, err))
	}
	reply.Status, reply.Message = statusSuccess, "OK"
	if !q.twoPhase {
		b.committed()
		if _, hit := b.faults.take(PublishTimeout); hit || !b.waitVisible(ctx, id) {
			reply.Status = statusPublishTimeout
			reply.Message = "[PUBLISH_TIMEOUT]TStatus: errCode = 2, detailMessage = transaction commit successfully, BUT data will be visible later"
		}
		reply.CommitAndPublishMs = sinceMs(moving)
	}
	if _, hit := b.faults.take(DropPrecommitReply); hit {
		return errHangUp
	}
	if _, hit := b.faults.take(FailThoughDone); hit {
		return timedOut()
	}
	return nil
}

func (b *backEnd) firstPhase(twoPhase bool, id int64) error {
	_, missing := b.faults.take(MissingReplicas)
	return b.ask(func(e *Engine) error {
		if missing {
			return e.MissReplicas(id)
		}
		if twoPhase {
			return e.Precommit(id)
		}
		return e.CommitPrepared(id)
	})
}

func (s *Server) waitVisible(ctx context.Context, id int64) bool {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Limits.publishWait())
	defer cancel()
	for {
		rung := s.visible.wait()
		s.mu.Lock()
		t, ok := s.engine.txns[id]
		done := !ok || t.Status == Visible
		s.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return false
		}
	}
}

// message words an error as the Message of a load reply.
func message(err error) string {
	var refused *Refusal
	var arg *argError
	var quality *qualityError
	switch {
	case errors.As(err, &quality):
		return quality.text
	case errors.Is(err, errManyObjects):
		return errManyObjects.Error()
	case errors.As(err, &refused):
		return "[" + refused.Code + "]TStatus: " + refused.Error()
	case errors.As(err, &arg):
		return arg.Error()
	default:
		return "[" + codeInternal + "]" + err.Error()
	}
}
