package doris

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// MoveShadow gives the table that stands beside the live one another name of the same database. No
// statement that was sent before and names it by the first one does anything any more, however late
// it is carried out: Doris looks the name up under the lock under which it exchanges (fe:
// Alter.processReplaceTable), and has no other fence. Neither name may ever be given to another
// table. It may be called again after any error. Errors: *projections.Refusal when the table stands under
// neither name; any other means that nobody knows.
func MoveShadow(ctx context.Context, conn *dorisconn.Cluster, from, to string) error {
	a, err := parseName(from)
	if err != nil {
		return err
	}
	b, err := parseName(to)
	if err != nil {
		return err
	}
	// In this order: somebody else may move it between the two questions.
	_, there, err := TableComment(ctx, conn, from)
	if err != nil {
		return err
	}
	_, moved, err := TableComment(ctx, conn, to)
	switch {
	case err != nil || moved:
		return err
	case !there:
		return &projections.Refusal{Reason: fmt.Sprintf("neither table %s is there nor %s: somebody dropped it or gave it another name", from, to)}
	}
	// To be denied is no answer to what was sent before.
	if err := conn.Change(ctx, "ALTER TABLE "+a.quoted()+" RENAME "+dorisconn.Quoted(b.table)); err != nil {
		return fmt.Errorf("give table %s the name %s: %w", from, to, err)
	}
	return nil
}
