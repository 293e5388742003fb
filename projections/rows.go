package projections

import (
	"errors"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
)

// Rows walks the rows of one ingest run in order. Its row is called with each row's
// ordinal in the run, counting from 0; bad, which may be nil, with the ordinal and the
// bytes of each batch that does not decode: such a batch counts as many rows as its
// header gives for the offsets of the run. Control batches hold no rows. Errors: those
// of batch.Next, and those of row and bad as they are.
func Rows(d *batch.Decoder, run *domain.Run, row func(ordinal int64, r *batch.Record) error, bad func(ordinal int64, h batch.Header, b []byte) error) error {
	ordinal := int64(0)
	each := func(r *batch.Record) error {
		ordinal++
		return row(ordinal-1, r)
	}
	for _, section := range run.Batches {
		for len(section) > 0 {
			h, b, rest, err := batch.Next(section)
			if err != nil {
				return err
			}
			section = rest
			if h.Control() {
				continue
			}
			err = d.Batch(h, b, run.First, run.Next, each)
			var undecodable *batch.DecodeError
			if errors.As(err, &undecodable) {
				err = nil
				if bad != nil {
					err = bad(ordinal, h, b)
				}
				ordinal += h.Overlap(run.First, run.Next)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
