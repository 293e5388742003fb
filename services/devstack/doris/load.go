package doris

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// streamLoad is the back end's load: checks of the headers, begin, planning, rows, and the first phase (or the only
// one). Everything it answers has HTTP status 200.
func (s *Server) streamLoad(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	q, err := parseLoad(r)
	reply := loadReply{TxnID: -1, Label: q.label, Comment: q.comment, TwoPhaseCommit: fmt.Sprint(q.twoPhase)}
	if err == nil {
		err = s.load(r, q, &reply)
	}
	s.hold(r)
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

func (s *Server) load(r *http.Request, q loadRequest, reply *loadReply) error {
	user, password, ok := r.BasicAuth()
	if !ok {
		return &argError{"NOT_AUTHORIZED", "no valid Basic authorization"}
	}
	if !s.admit(user, password) {
		return refuse("%s", accessDenied(r, user, password))
	}
	began := time.Now()
	txn, table, err := s.begin(q)
	reply.BeginTxnTimeMs = sinceMs(began)
	if err != nil {
		return err
	}
	reply.TxnID = txn.ID
	if err := s.loadRows(r, q, table, txn.ID, reply); err != nil {
		return errors.Join(err, s.rollback(txn.ID, err))
	}
	return s.finish(r.Context(), q, txn.ID, reply)
}

func (s *Server) begin(q loadRequest) (Txn, *Table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	table, err := s.catalog.table(q.db, q.table)
	if err != nil {
		return Txn{}, nil, err
	}
	txn, err := s.engine.Begin(BeginRequest{
		DB: table.DB.ID, Table: table.ID, Label: q.label, RequestID: newUUID(), Coordinator: "BE: 127.0.0.1", Timeout: q.timeout,
	})
	return txn, table, err
}

// rollback gives the transaction up. That it is aborted already (by an operator, or a time-out) is as good.
func (s *Server) rollback(id int64, reason error) error {
	if s.killed.Load() {
		return errKilled
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.engine.Rollback(id, reason.Error())
	var refused *Refusal
	if errors.As(err, &refused) {
		err = nil
	}
	return errors.Join(err, s.stage.remove(id))
}

// loadRows reads, checks and stages the rows of the body. After nil they are with the kernel, in a file that only a
// PRECOMMITTED or COMMITTED transaction gives a meaning to.
func (s *Server) loadRows(r *http.Request, q loadRequest, table *Table, txn int64, reply *loadReply) error {
	planned := time.Now()
	p, err := newPlan(table, q, s.zone)
	reply.StreamLoadPutMs = sinceMs(planned)
	if err != nil {
		return err
	}
	out, err := s.stage.create(txn)
	if err != nil {
		return err
	}
	defer out.file.Close() // for the ways out that are not the good one
	reading := time.Now()
	in, err := openBody(r, q)
	if err != nil {
		return err
	}
	bad := &badRows{}
	err = s.copyRows(in, p, out, bad, q.ratio, reply)
	reply.LoadBytes, reply.ReadDataTimeMs = in.count.n, sinceMs(reading)
	reply.ReceiveDataTimeMs, reply.WriteDataTimeMs = reply.ReadDataTimeMs, reply.ReadDataTimeMs
	if bad.rows > 0 {
		reply.FirstErrorMsg = bad.first
		reply.ErrorURL, err = s.saveErrorLog(txn, bad, err)
	}
	if err != nil {
		return err
	}
	return out.close()
}

func (s *Server) copyRows(in *body, p *plan, out *stageWriter, bad *badRows, ratio float64, reply *loadReply) error {
	for {
		text, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.parse(text)
		}
		var row *rowError
		switch {
		case err == nil:
			reply.TotalRows++
			reply.LoadedRows++
			if err := out.add(p.table, p.row); err != nil {
				return fmt.Errorf("stage row %d: %w", reply.TotalRows, err)
			}
		case errors.As(err, &row):
			reply.TotalRows++
			reply.FilteredRows++
			bad.add(row, text)
			if ratio == 0 {
				return &qualityError{"[DATA_QUALITY_ERROR]Encountered unqualified data, stop processing"}
			}
		case errors.Is(err, io.ErrUnexpectedEOF):
			return &qualityError{"[NETWORK_ERROR]receive body don't equal with body bytes"}
		default:
			return err
		}
	}
	if reply.TotalRows > 0 && float64(reply.FilteredRows)/float64(reply.TotalRows) > ratio {
		return &qualityError{"[DATA_QUALITY_ERROR]too many filtered rows"}
	}
	return nil
}

// badRows is the error log of one load.
type badRows struct {
	rows  int
	first string
	text  []byte
}

const badRowsMax = 1 << 20 // bytes of error log kept for one load

func (b *badRows) add(why *rowError, row []byte) {
	if b.rows++; b.rows == 1 {
		b.first = why.text
	}
	if len(b.text) < badRowsMax {
		b.text = fmt.Appendf(b.text, "Reason: %s. src line [%s];\n", why.text, row)
	}
}

func (s *Server) saveErrorLog(txn int64, bad *badRows, err error) (string, error) {
	name := fmt.Sprintf("error_log_insert_stmt_%d", txn)
	if e := os.WriteFile(filepath.Join(s.cfg.Dir, "errors", name), bad.text, 0o644); e != nil {
		return "", errors.Join(err, fmt.Errorf("write error log of transaction %d: %w", txn, e))
	}
	return s.BEURL() + errorLogPath + name, err
}

const publishWait = 30 * time.Second // half of the back end's RPC time-out of 60 s

// finish pre-commits, or commits and waits for the rows to show. The faults hurt after the fact: the state has moved,
// and the client does not get to know.
func (s *Server) finish(ctx context.Context, q loadRequest, id int64, reply *loadReply) error {
	if text := s.faults.FailLoad.Load(); text != nil {
		err := &qualityError{*text}
		return errors.Join(err, s.rollback(id, err))
	}
	moving := time.Now()
	err := s.firstPhase(q.twoPhase, id)
	if err != nil {
		return errors.Join(err, s.rollback(id, err))
	}
	reply.Status, reply.Message = statusSuccess, "OK"
	if !q.twoPhase {
		s.committed()
		if !s.waitVisible(ctx, id) {
			reply.Status = statusPublishTimeout
			reply.Message = "[PUBLISH_TIMEOUT]TStatus: errCode = 2, detailMessage = transaction commit successfully, BUT data will be visible later"
		}
		reply.CommitAndPublishMs = sinceMs(moving)
	}
	switch {
	case s.faults.DropPrecommitReply.Load():
		return errHangUp
	case s.faults.FailThoughPrecommitted.Load():
		return &qualityError{"[THRIFT_RPC_ERROR]failed to call frontend service, code: 4, reason: time out"}
	}
	return nil
}

func (s *Server) firstPhase(twoPhase bool, id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if twoPhase {
		return s.engine.Precommit(id)
	}
	return s.engine.CommitPrepared(id)
}

func (s *Server) waitVisible(ctx context.Context, id int64) bool {
	ctx, cancel := context.WithTimeout(ctx, publishWait)
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
