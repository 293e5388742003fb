package replay

import (
	"context"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// remove deletes the rows that the plan names, and says how many it was. Which of its keys still
// are doubles is asked just before: since it was made somebody may have deleted some, and the hub
// may have come to an offset that one of them had made up, whose row is a good one. If the process
// dies among the deletes, those that happened name no row any more, and the others go next time.
func (x *run) remove(ctx context.Context) (said string, err error) {
	x.tell("comparing before rows are deleted")
	d, err := x.s.prover.Difference(ctx, x.plan.Pipeline, x.plan.Lanes, x.plan.Rows, x.plan.Target.Name, x.tell)
	if err != nil {
		return "", fmt.Errorf("compare before rows are deleted: %w", err)
	}
	doubled := map[domain.RowKey]bool{}
	for _, k := range d.Doubled {
		doubled[k] = true
	}
	keys := slices.DeleteFunc(slices.Clone(x.plan.Delete), func(k domain.RowKey) bool { return !doubled[k] })
	x.tell("deleting rows")
	err = x.s.withDoris(x.o, func(c *dorisconn.Cluster) error {
		did, err := doris.DeleteRows(ctx, c, x.plan.Target.Name, keys)
		said = fmt.Sprintf("%s rows are deleted, %s keys of the plan were no doubles any more",
			humanize.Comma(did.Rows), humanize.Comma(did.Gone+int64(len(x.plan.Delete)-len(keys))))
		return err
	})
	return said, err
}
