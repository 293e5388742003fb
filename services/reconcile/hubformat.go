package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// hubFormat says where a hub record has what is compared.
type hubFormat struct {
	city, record, partition, offset *domain.Column // nil: the hub does not have it
	timestamp, extract              *timeColumn
	// blind says that a row does not name its city row; the journal says which it is.
	blind     bool
	nulls     []string // columns that nothing is carried in
	unchecked []string // columns that are not compared
}

// formatOf is a hub format as the comparison needs it.
func formatOf(f *domain.HubFormat) *hubFormat {
	out := &hubFormat{}
	var doubtful []string
	for i := range f.Columns {
		col := &f.Columns[i]
		var place **domain.Column
		switch col.From {
		case domain.FromCity:
			place = &out.city
		case domain.FromPartition:
			place = &out.partition
		case domain.FromOffset:
			place = &out.offset
		case domain.FromRecord:
			place = &out.record
		case domain.FromField:
			if col.Field == "record" {
				place = &out.record
			}
		case domain.FromTimestamp:
			doubtful = append(doubtful, out.takeTime(&out.timestamp, col, f)...)
			continue
		case domain.FromExtractTime:
			doubtful = append(doubtful, out.takeTime(&out.extract, col, f)...)
			continue
		case domain.FromNull:
			out.nulls = append(out.nulls, col.Name)
			continue
		}
		if place != nil && *place == nil && (place != &out.record || isText(col.Type)) {
			*place = col
		} else {
			doubtful = append(doubtful, col.Name)
		}
	}
	if out.blind = out.city == nil || out.partition == nil || out.offset == nil; out.blind {
		for _, col := range []*domain.Column{out.city, out.partition, out.offset} {
			if col != nil {
				doubtful = append(doubtful, col.Name)
			}
		}
	}
	out.unchecked = doubtful
	if f.PassKey {
		out.unchecked = append(out.unchecked, "(key)")
	}
	if f.PassHeaders {
		out.unchecked = append(out.unchecked, "(headers)")
	}
	return out
}

// isText reports whether a type's JSON is a string that shows the value itself.
func isText(sql string) bool {
	name, _, _ := strings.Cut(strings.ToUpper(sql), "(")
	return slices.Contains([]string{"STRING", "VARCHAR", "BYTES", "VARBINARY"}, strings.TrimSpace(name))
}

// takeTime takes a column for a time, or names it as one that is not compared.
func (f *hubFormat) takeTime(place **timeColumn, col *domain.Column, of *domain.HubFormat) []string {
	t, ok := timeColumnOf(col, of.Timestamps == domain.TimestampISO)
	if !ok || *place != nil {
		return []string{col.Name}
	}
	*place = t
	return nil
}

// parse reads the hub's JSON by name: exactly, and with what is missing as NULL.
func (r *hubRow) parse(value []byte, f *hubFormat, same texts) error {
	r.city, r.cityTime, r.extract, r.null = nullText, nullText, nullText, true
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(value, &columns); err != nil || columns == nil {
		return errors.New("it is no JSON object")
	}
	text := func(name string) (*string, error) {
		var out *string
		if raw, has := columns[name]; has {
			if err := json.Unmarshal(raw, &out); err != nil {
				return nil, fmt.Errorf("column %s is of another type", name)
			}
		}
		return out, nil
	}
	if f.record != nil {
		record, err := text(f.record.Name)
		if err != nil {
			return err
		}
		if record != nil {
			r.null, r.record = false, hash(*record)
		}
	}
	times := []struct {
		into *string
		col  *timeColumn
	}{{&r.cityTime, f.timestamp}, {&r.extract, f.extract}}
	for _, t := range times {
		if t.col == nil {
			continue
		}
		got, err := text(t.col.name)
		if err != nil {
			return err
		}
		if got != nil {
			*t.into = same.one(*got)
		}
	}
	if !f.blind {
		city, err := text(f.city.Name)
		if err != nil {
			return err
		}
		if city != nil {
			r.city = same.one(*city)
		}
		if err := r.parseCoordinates(columns, f); err != nil {
			return err
		}
	}
	for i, name := range f.nulls {
		if raw, has := columns[name]; has && string(raw) != "null" {
			r.filled = int16(i + 1)
		}
	}
	return nil
}

func (r *hubRow) parseCoordinates(columns map[string]json.RawMessage, f *hubFormat) error {
	var err error
	if r.cityPartition, err = number(columns[f.partition.Name], f.partition); err == nil {
		r.cityOffset, err = number(columns[f.offset.Name], f.offset)
	}
	return err
}

func number(raw json.RawMessage, col *domain.Column) (int64, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nullNumber, nil
	}
	text := string(raw)
	if isText(col.Type) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nullNumber, fmt.Errorf("column %s is of another type", col.Name)
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nullNumber, fmt.Errorf("column %s is of another type", col.Name)
	}
	return n, nil
}
