package dorisconn

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Commit asks for the second phase of a transaction. Whatever it answers, only the state
// of the label says what became of it.
func (c *Cluster) Commit(ctx context.Context, database string, txn int64) *Answer {
	return c.finish(ctx, question{phase: PhaseCommit, txn: txn}, database, "commit", "txn_id", strconv.FormatInt(txn, 10))
}

// Abort asks for the end of what is under way under a label, as Commit does.
func (c *Cluster) Abort(ctx context.Context, database, label string) *Answer {
	return c.finish(ctx, question{phase: PhaseAbort, label: label}, database, "abort", "label", label)
}

func (c *Cluster) finish(ctx context.Context, q question, database, operation, key, value string) *Answer {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Ask)
	defer cancel()
	h := http.Header{}
	h.Set("Expect", "100-continue")
	h.Set("txn_operation", operation)
	h.Set(key, value)
	r, front, err := c.put(ctx, "/api/"+url.PathEscape(database)+"/_stream_load_2pc", h, http.NoBody)
	if front || err != nil {
		return c.unfinished(q, r, front, err)
	}
	return c.decodeFinish(r, q)
}

// decodeFinish reads a back end's reply to a second phase (doris-wire.md §2.3), as
// decodeLoad does one to a load.
func (c *Cluster) decodeFinish(r reply, q question) *Answer {
	var w words
	if err := fields(r.raw, map[string]any{"status": &w.status, "msg": &w.text}); err != nil || w.status == "" {
		return &Answer{Phase: q.phase, Host: r.host, Text: c.shown(r.raw)}
	}
	return c.judge(&Answer{Phase: q.phase, Host: r.host}, q, w)
}
