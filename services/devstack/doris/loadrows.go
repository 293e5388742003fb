package doris

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// loadRows reads, checks and stages the rows of the body. After nil they are with the kernel, in a file that only a
// PRECOMMITTED or COMMITTED transaction gives a meaning to.
func (b *backEnd) loadRows(r *http.Request, q *loadRequest, table *Table, txn int64, reply *loadReply) error {
	planning := time.Now()
	p, err := b.plan(r, q, table)
	reply.StreamLoadPutMs = sinceMs(planning)
	if err != nil {
		return err
	}
	out, err := b.stage.create(txn)
	if err != nil {
		return err
	}
	defer out.file.Close() // for the ways out that are not the good one
	reading := time.Now()
	r.Body = b.faults.body(r)
	in, err := openBody(r, q)
	if err != nil {
		return err
	}
	bad := &badRows{}
	err = copyRows(in, p, out, bad, q.ratio, reply)
	if err != nil {
		// A back end answers when it has the whole body: a client that still writes would not read an earlier answer.
		_, _ = io.Copy(io.Discard, &in.count)
	}
	reply.LoadBytes, reply.ReadDataTimeMs = in.count.n, sinceMs(reading)
	reply.ReceiveDataTimeMs, reply.WriteDataTimeMs = reply.ReadDataTimeMs, reply.ReadDataTimeMs
	if bad.rows > 0 {
		reply.FirstErrorMsg = bad.first
		reply.ErrorURL, err = b.saveErrorLog(txn, bad, err)
	}
	if err != nil {
		return err
	}
	return out.close()
}

// plan is what happens between the begin of a load and its first byte: checks of the back end, then of the front end.
func (s *Server) plan(r *http.Request, q *loadRequest, table *Table) (*plan, error) {
	if err := q.put(r.Header.Get); err != nil {
		return nil, err
	}
	if err := planned(table, r.Header.Get); err != nil {
		return nil, err
	}
	return newPlan(table, *q, s.zone)
}

func copyRows(in *body, p *plan, out *stageWriter, bad *badRows, ratio float64, reply *loadReply) error {
	parse := p.parseObject
	if p.csv != nil {
		parse = p.parseLine
	}
	for {
		text, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = parse(text)
		}
		var row *rowError
		switch {
		case err == nil:
			reply.TotalRows++
			reply.LoadedRows++
			if err := out.add(p.table, p.row, p.deleted); err != nil {
				return fmt.Errorf("stage row %d: %w", reply.TotalRows, err)
			}
		case errors.As(err, &row):
			reply.TotalRows++
			reply.FilteredRows++
			bad.add(row, text, p)
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

// errorLogLines is how many rows of one load a back end writes down at most: its counter of 50 is compared before it
// is raised (apache/doris be/src/runtime/runtime_state.cpp, MAX_ERROR_NUM). The others it only counts.
const errorLogLines = 51

func (b *badRows) add(why *rowError, text []byte, p *plan) {
	if b.rows++; b.rows > errorLogLines {
		return
	}
	switch why.line {
	case lineText:
	case lineValues:
		text = p.joined()
	case lineNothing:
		text = nil
	}
	if b.rows == 1 {
		b.first = fmt.Sprintf("%s. Src line: %s", why.text, text)
	}
	b.text = fmt.Appendf(b.text, "Reason: %s. src line [%s]; \n", why.text, text)
}

func (b *backEnd) saveErrorLog(txn int64, bad *badRows, err error) (string, error) {
	name := fmt.Sprintf("error_log_insert_stmt_%d", txn)
	if e := os.WriteFile(filepath.Join(b.cfg.Dir, "errors", name), bad.text, 0o644); e != nil {
		return "", errors.Join(err, fmt.Errorf("write error log of transaction %d: %w", txn, e))
	}
	return b.url() + errorLogPath + name, err
}
