// Package proof compares two places that should have the same rows: by windows of offsets,
// each of which is a vector on either side; where two vectors differ it asks for smaller ones
// and at last for the rows, and says of each row that is wrong what is wrong with it. It is
// pure arithmetic over what witnesses say; it knows no Kafka, no Doris and no journal.
package proof

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/hefu-io/hefu/domain"
)

// Columns of a row, in the order of the original's table. Which of them a proof compares is
// its mask.
const (
	City          = iota // sscsdm
	CityPartition        // city_partition_id
	CityOffset           // city_offset_id
	CityTime             // city_ts
	HubPartition         // hw_partition_id
	HubOffset            // hw_offset_id
	HubTime              // hw_ts
	ExtractTime          // extract_time
	Record               // record
	Columns
)

// ColumnName is the name of a column in the original's table.
func ColumnName(column int) string {
	return [Columns]string{
		"sscsdm", "city_partition_id", "city_offset_id", "city_ts",
		"hw_partition_id", "hw_offset_id", "hw_ts", "extract_time", "record",
	}[column]
}

// Mask is a set of columns: bit i is column i.
type Mask uint16

// All is every column.
const All Mask = 1<<Columns - 1

// MaskOf is the set of some columns.
func MaskOf(columns ...int) (m Mask) {
	for _, c := range columns {
		m |= 1 << c
	}
	return m
}

// Has reports whether a column is in the set.
func (m Mask) Has(column int) bool { return m>>column&1 != 0 }

func (m Mask) size() int { return bits.OnesCount16(uint16(m)) }

// Row is one row as a place has it: every column as the text that Doris renders of it
// (doris-wire.md §5.3), numbers in decimal, times in the pipeline's zone with the fraction of
// the table's column. The digest of a row is taken over the columns of a mask; null and empty
// differ.
type Row struct {
	Offset int64 // the one that windows are made of: the city's, or the hub's
	Text   [Columns]string
	Null   Mask // columns that are NULL
	// Hub is where the hub has the row, for a finding that says which of two; -1 where unknown.
	Hub domain.Coord
	// Generation is the source partition's, where the place knows it; 0 where not.
	Generation domain.Generation
}

// Range is a run of offsets of one partition that a proof compares: a window, a part of one,
// or its prefix so far.
type Range struct {
	domain.Window
	domain.Span
}

// String names the range for people.
func (r Range) String() string {
	if r.Proof == domain.ProofHubDoris {
		return fmt.Sprintf("hub partition %d %s", r.Partition, r.Span)
	}
	return fmt.Sprintf("%s/%d partition %d %s", r.Source, r.Generation, r.Partition, r.Span)
}

// Witness is one side of a proof. What it says is read from the place itself each time; it
// keeps no rows.
type Witness interface {
	// Name is "city", "journal", "hub" or "doris".
	Name() string
	// Vectors gives the vectors of consecutive parts, each of step offsets (a power of two,
	// aligned), of a range; parts without rows are left out, and rows of the first and last
	// part outside the range are not counted. The digest is over mask.
	Vectors(ctx context.Context, in Range, step int64, mask Mask) (map[int64]domain.Vector, error) // by first offset of the part
	// Rows calls each for every row in a range, in the order of the place: a row that is there
	// twice comes twice. A row and its texts are valid during the call only, so that a place
	// can use one buffer for all of them. An error of each ends it and is returned.
	Rows(ctx context.Context, in Range, each func(Row) error) error
}
