package target

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// defaultDigits is how many digits of a second are shown where no table says it.
const defaultDigits = 6

// Digits is how many digits of a second each time of a row is shown with, by column; those
// that are no times are 0.
type Digits [proof.Columns]int

// DefaultDigits is for a pipeline without a table.
func DefaultDigits() Digits {
	return Digits{proof.CityTime: defaultDigits, proof.HubTime: defaultDigits, proof.ExtractTime: defaultDigits}
}

// Format is how the records of a hub topic are read. It is fixed and may be shared.
type Format struct {
	zone   *time.Location
	direct bool
	fields []field
	digits Digits
	mask   proof.Mask
	blind  bool
	others []string
}

// field is a column of the hub's value that is read.
type field struct {
	name   string
	quoted []byte // the name as JSON, where it needs no escape
	col    int    // of a row; nothing for a column that must be NULL
	kind   kind
	time   timeForm
}

// nothing is the column of a field that carries nothing.
const nothing = -1

// kind is how a field's value is written.
type kind uint8

const (
	aText   kind = iota
	aNumber      // a whole number
	numeral      // a whole number in a text
	aTime
	anything // a column that must be NULL
)

// NewFormat is the format of a hub's records with times on the wall clock of zone, shown with
// the digits of the table's columns. direct is for a pipeline that reads the hub topic itself:
// others wrote it, so that its times may have any form that Flink reads and of a column that
// is given twice the last one counts, and Doris rounded the digits that its columns do not
// keep. Elsewhere a time of another form, or a column twice, is not what was written.
func NewFormat(f *domain.HubFormat, zone *time.Location, table Digits, direct bool) *Format {
	out := &Format{zone: zone, direct: direct, digits: table}
	out.carry(proof.HubPartition)
	out.carry(proof.HubOffset)
	out.carry(proof.HubTime)
	for i := range f.Columns {
		out.add(&f.Columns[i], f.Timestamps == domain.TimestampISO)
	}
	for _, col := range []int{proof.City, proof.CityPartition, proof.CityOffset} {
		out.blind = out.blind || !out.mask.Has(col)
	}
	if out.blind { // a part of the coordinates says nothing
		out.fields = slices.DeleteFunc(out.fields, func(have field) bool {
			part := have.col == proof.City || have.col == proof.CityPartition || have.col == proof.CityOffset
			if part {
				out.mask &^= 1 << have.col
				out.others = append(out.others, have.name)
			}
			return part
		})
	}
	if f.PassKey {
		out.others = append(out.others, "(key)")
	}
	if f.PassHeaders {
		out.others = append(out.others, "(headers)")
	}
	return out
}

// carry says that a column is compared.
func (f *Format) carry(col int) { f.mask |= 1 << col }

// add takes a column of the format: the first that a column of a row comes from is read. Of
// others, and of those in a form that is not known here, only the name is kept.
func (f *Format) add(c *domain.Column, iso bool) {
	have := field{name: c.Name, quoted: quotedName(c.Name), col: nothing}
	known := true
	switch c.From {
	case domain.FromNull:
		have.kind = anything
		f.fields = append(f.fields, have)
		return
	case domain.FromCity:
		have.col, have.kind, known = proof.City, aText, isText(c.Type)
	case domain.FromRecord:
		have.col, have.kind, known = proof.Record, aText, isText(c.Type)
	case domain.FromField:
		have.col, have.kind, known = proof.Record, aText, c.Field == "record" && isText(c.Type)
	case domain.FromPartition:
		have.col, have.kind = proof.CityPartition, number(c.Type)
	case domain.FromOffset:
		have.col, have.kind = proof.CityOffset, number(c.Type)
	case domain.FromTimestamp:
		have.col, have.kind = proof.CityTime, aTime
		have.time, known = timeFormOf(c.Type, iso)
	case domain.FromExtractTime:
		have.col, have.kind = proof.ExtractTime, aTime
		have.time, known = timeFormOf(c.Type, iso)
	default:
		known = false
	}
	if !known || f.mask.Has(have.col) {
		f.others = append(f.others, c.Name)
		return
	}
	if have.kind == aTime && !f.direct {
		f.digits[have.col] = min(f.digits[have.col], have.time.digits)
	}
	f.carry(have.col)
	f.fields = append(f.fields, have)
}

// Mask is the columns that the hub carries, in a form that is known here: those that can be
// compared with what it says.
func (f *Format) Mask() proof.Mask { return f.mask }

// Unplaced reports whether a row does not say which row of which city it is.
func (f *Format) Unplaced() bool { return f.blind }

// Digits is how many digits of a second each time is shown with, by the hub and by whoever is
// compared with it: those of the table's column, or of the hub's where it has fewer; the
// others are cut off.
func (f *Format) Digits() Digits { return f.digits }

// Others are the hub's columns, key and headers that are not read, in the hub's names: nobody
// compares them.
func (f *Format) Others() []string { return slices.Clone(f.others) }

// isText reports whether a type's JSON is a string that shows the value itself.
func isText(sql string) bool {
	name, _, _ := strings.Cut(strings.ToUpper(sql), "(")
	return slices.Contains([]string{"STRING", "CHAR", "VARCHAR", "BYTES", "BINARY", "VARBINARY"}, strings.TrimSpace(name))
}

func number(sql string) kind {
	if isText(sql) {
		return numeral
	}
	return aNumber
}

var timestampType = regexp.MustCompile(`^TIMESTAMP(_LTZ)?(?: *\( *([0-9]) *\))?$`)

// timeFormOf is a type's form of a time; false: what its text must be cannot be said here, as
// of a time in a STRING or a BIGINT.
func timeFormOf(sql string, iso bool) (timeForm, bool) {
	parts := timestampType.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(sql)))
	if parts == nil {
		return timeForm{}, false
	}
	t := timeForm{utc: parts[1] != "", separator: ' ', digits: defaultDigits}
	if iso {
		t.separator = 'T'
	}
	if parts[2] != "" {
		t.digits = int(parts[2][0] - '0')
	}
	return t, true
}
