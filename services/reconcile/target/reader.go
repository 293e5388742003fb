package target

import (
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// Reader makes rows of values that are not read from the hub: of a pipeline whose source is the
// hub topic itself the journal has them. It belongs to one goroutine.
type Reader struct {
	d   *decoder
	row HubRow
}

// NewReader reads values of the format.
func (f *Format) NewReader() *Reader { return &Reader{d: newDecoder(f)} }

// Read is the row of a value at a place of the hub, valid until the next call.
func (r *Reader) Read(partition int32, offset, ms int64, value string, null bool) *HubRow {
	rec := record{offset: offset, timestamp: ms, value: []byte(value)}
	if null {
		rec.value = nil
	}
	r.d.row(partition, &rec, &r.row)
	return &r.row
}

// Coordinates are the columns that say where a row is, in its city and in the hub.
const Coordinates = proof.Mask(1<<proof.City | 1<<proof.CityPartition | 1<<proof.CityOffset | 1<<proof.HubPartition | 1<<proof.HubOffset)
