package target

import (
	"strconv"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// HubRow is a record of the hub topic. The row's Offset and Hub are the record's coordinates;
// columns that the format does not carry (Format.Mask) are NULL.
type HubRow struct {
	proof.Row
	City          domain.City // as the row says; empty where it says none
	CityPartition int64       // -1 where the row says none
	CityOffset    int64       // -1 where the row says none
	Unplaced      bool        // the format leaves out which city row it is: the three above say nothing
	Broken        string      // why it is no row of the hub's format; all but the hub's columns are NULL then
	Filled        string      // a column that carries nothing, by the format, and is not NULL
}

// decoder makes rows of records. It belongs to one goroutine.
type decoder struct {
	f      *Format
	hub    clock
	text   []byte // of the row's columns
	bounds [proof.Columns][2]int
	null   proof.Mask
	seen   []bool // by field
	filled string
}

func newDecoder(f *Format) *decoder {
	return &decoder{f: f, hub: clock{zone: f.zone, digits: f.digits[proof.HubTime]}, seen: make([]bool, len(f.fields))}
}

// row fills in a row of what a record says.
func (d *decoder) row(partition int32, r *record, out *HubRow) {
	*out = HubRow{CityPartition: -1, CityOffset: -1, Unplaced: d.f.blind}
	out.Offset, out.Hub = r.offset, domain.Coord{Partition: partition, Offset: r.offset, Timestamp: r.timestamp}
	d.begin()
	if r.value == nil {
		out.Broken = "it has no value"
	} else if !d.fast(r.value) {
		d.begin()
		out.Broken = d.slow(r.value)
	}
	if out.Broken != "" {
		d.begin()
	}
	d.put(proof.HubPartition, strconv.AppendInt(d.text, int64(partition), 10))
	d.put(proof.HubOffset, strconv.AppendInt(d.text, r.offset, 10))
	d.put(proof.HubTime, d.hub.append(d.text, r.timestamp))
	text := string(d.text) // all of the row's texts at once
	for col, b := range d.bounds {
		if !d.null.Has(col) {
			out.Text[col] = text[b[0]:b[1]]
		}
	}
	out.Null, out.Filled = d.null, d.filled
	out.City = domain.City(out.Text[proof.City])
	out.CityPartition, out.CityOffset = numberOf(out.Text[proof.CityPartition]), numberOf(out.Text[proof.CityOffset])
}

// numberOf is the number of a text that is one or nothing.
func numberOf(text string) int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return -1
}

func (d *decoder) begin() {
	d.text, d.null, d.filled = d.text[:0], proof.All, ""
	clear(d.seen)
}

// put takes a column's text, which has been appended to the row's.
func (d *decoder) put(col int, text []byte) {
	d.bounds[col] = [2]int{len(d.text), len(text)}
	d.text = text
	d.null &^= 1 << col
}

// putTime takes a text as a time, false where it is none that a column holds.
func (d *decoder) putTime(f *field, text []byte) bool {
	digits := d.f.digits[f.col]
	if !d.f.direct {
		d.put(f.col, f.time.appendHub(d.text, text, d.f.zone, digits))
		return true
	}
	shown, ok := appendAny(d.text, text, d.f.zone, digits)
	if ok {
		d.put(f.col, shown)
	}
	return ok
}

// isWhole reports whether a text is a whole number of 64 bits as it is written.
func isWhole(text []byte) bool {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	for _, c := range digits {
		if !isDigit(c) {
			return false
		}
	}
	switch {
	case len(digits) == 0, digits[0] == '0' && (len(digits) > 1 || len(text) > 1):
		return false
	case len(digits) < len("9223372036854775807"):
		return true
	}
	_, err := strconv.ParseInt(string(text), 10, 64)
	return err == nil
}
