package dorisconn

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Load is one Stream Load.
type Load struct {
	Database, Table, Label string
	// TwoPhase leaves the transaction PRECOMMITTED; otherwise Doris commits it itself.
	TwoPhase bool
	Columns  string // the names that the lines carry
	Timezone string
	// MaxFilterRatio is the share of rows that may be refused: 0, or 1 to find them all.
	MaxFilterRatio int
	// Properties are further headers, as the original job's sink.properties.*; they win
	// over none of the above.
	Properties map[string]string
}

// Load sends one Stream Load under its label and says what the answer means. body is
// read once, at the back end only, and closed. A request that may have reached a back
// end is never repeated.
func (c *Cluster) Load(ctx context.Context, l Load, body io.ReadCloser) *Answer {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Load)
	defer cancel()
	h := http.Header{}
	for k, v := range l.Properties {
		h.Set(k, v)
	}
	for k, v := range map[string]string{
		"Expect": "100-continue", "label": l.Label, "two_phase_commit": strconv.FormatBool(l.TwoPhase), "format": "json",
		"read_json_by_line": "true", "max_filter_ratio": strconv.Itoa(l.MaxFilterRatio), "strict_mode": "true",
		"group_commit": "off_mode", "columns": l.Columns, "timezone": l.Timezone,
		"timeout": strconv.Itoa(int(c.cfg.Timeouts.Load / time.Second)),
	} {
		h.Set(k, v)
	}
	r, front, err := c.put(ctx, loadPath(l.Database, l.Table), h, body)
	q := question{phase: PhaseLoad, label: l.Label, twoPhase: l.TwoPhase}
	if front || err != nil {
		return c.unfinished(q, r, front, err)
	}
	return c.decodeLoad(r, q)
}

// decodeLoad reads a back end's reply (doris-wire.md §1.8). It never fails: what it does
// not understand is Unknown.
func (c *Cluster) decodeLoad(r reply, q question) *Answer {
	var w words
	var read, none Answer
	err := fields(r.raw, map[string]any{
		"TxnId": &w.txn, "Label": &w.label, "TwoPhaseCommit": &w.twoPhase, "Status": &w.status,
		"ExistingJobStatus": &w.existing, "Message": &w.text, "ErrorURL": &w.errors,
		"NumberLoadedRows": &read.Rows, "NumberFilteredRows": &read.Filtered, "LoadBytes": &read.Bytes,
		"FirstErrorMsg": &read.FirstErrorMsg,
	})
	if err != nil || w.status == "" {
		none.Phase, none.Host, none.Text = PhaseLoad, r.host, c.shown(r.raw)
		return &none
	}
	read.Phase, read.Host, read.Txn, read.ErrorURL = PhaseLoad, r.host, w.txn, w.errors
	read.FirstErrorMsg = c.shown([]byte(read.FirstErrorMsg))
	return c.judge(&read, q, w)
}
