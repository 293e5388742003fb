package dorisconn

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// MayLoad asks a front end whether we may load into a table, and begins nothing: a front
// end checks the privilege before it names a back end (doris-wire.md §11.1, 21), to which
// nobody goes. It does not know then whether the table is there. Errors: ErrUnauthorized;
// *Answer with what the front end said.
func (c *Cluster) MayLoad(ctx context.Context, database, table string) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Ask)
	defer cancel()
	h := http.Header{}
	h.Set("Expect", "100-continue")
	h.Set("two_phase_commit", "true") // harmless even at a back end that is taken for a front end
	r, err := c.toBackEnd(ctx, loadPath(database, table), h, unsent{})
	if err == nil && r.location != nil {
		return nil
	}
	return fmt.Errorf("may we load into %s.%s: %w", database, table, c.unfinished(question{phase: PhaseLoad}, r, true, err))
}

func loadPath(database, table string) string {
	return "/api/" + url.PathEscape(database) + "/" + url.PathEscape(table) + "/_stream_load"
}
