package flink

import (
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// NewHubEncoder returns the encoder of one source's rows, with times on the wall clock of
// zone. The error names the column that the format, or the source, does not allow.
func NewHubEncoder(f domain.HubFormat, s domain.SourceFormat, zone *time.Location) (*HubEncoder, error) {
	e := &HubEncoder{
		iso: f.Timestamps == domain.TimestampISO, ignoreNull: f.IgnoreNull, plain: f.DecimalAsPlain,
		zone: zone, columns: make([]hubColumn, len(f.Columns)),
	}
	if err := CheckHub(f); err != nil {
		return nil, err
	}
	for i := range f.Columns {
		of := &f.Columns[i]
		c := &e.columns[i]
		if err := c.fill(of, &s, zone); err != nil {
			return nil, fmt.Errorf("hub column %s: %w", of.Name, err)
		}
		c.prefix = append(AppendJSONString([]byte{','}, []byte(of.Name)), ':')
		if c.quoted() {
			c.prefix = append(c.prefix, '"')
		}
	}
	if kindOf(&s) == domain.FormatRaw && !e.iso && !e.ignoreNull && slices.Equal(f.Columns, domain.FlinkColumns()) {
		e.usual = NewRowFormat(zone)
	}
	return e, nil
}

// CheckHub says what is wrong with a format of the hub whatever the source is: a type that is
// none, or that its column cannot have.
func CheckHub(f domain.HubFormat) error {
	if f.Timestamps != domain.TimestampSQL && f.Timestamps != domain.TimestampISO && f.Timestamps != "" {
		return fmt.Errorf("timestamp format %q: allowed: SQL, ISO-8601", f.Timestamps)
	}
	if len(f.Columns) == 0 {
		return fmt.Errorf("the hub's value has no columns")
	}
	seen := map[string]bool{}
	for i := range f.Columns {
		c := &f.Columns[i]
		if seen[c.Name] {
			return fmt.Errorf("hub column %s is there twice", c.Name)
		}
		seen[c.Name] = true
		t, err := ParseSQLType(c.Type)
		if err != nil {
			return fmt.Errorf("hub column %s: %w", c.Name, err)
		}
		if allowed, known := kindsFrom(c.From); !known || len(allowed) > 0 && !slices.Contains(allowed, t.Kind) {
			return refused(c, t, allowed, known)
		}
		if err := checkVia(c, t); err != nil {
			return err
		}
	}
	return nil
}

func refused(c *domain.Column, t SQLType, allowed []SQLKind, known bool) error {
	if !known {
		return fmt.Errorf("hub column %s is from %q; allowed: city, extract_time, record, partition, offset, timestamp, field, null", c.Name, c.From)
	}
	return fmt.Errorf("hub column %s of type %s cannot be from %s; allowed: %v", c.Name, t, c.From, allowed)
}

// kindsFrom are the types that a column can have by where its value is from; none: any.
func kindsFrom(from domain.From) (allowed []SQLKind, known bool) {
	switch from {
	case domain.FromCity:
		return []SQLKind{SQLString}, true
	case domain.FromRecord:
		return []SQLKind{SQLString, SQLBytes}, true
	case domain.FromPartition:
		return []SQLKind{SQLInt, SQLBigint, SQLString}, true
	case domain.FromOffset:
		return []SQLKind{SQLBigint, SQLString}, true
	case domain.FromTimestamp, domain.FromExtractTime:
		return []SQLKind{SQLTimestamp, SQLTimestampLTZ, SQLString, SQLBigint}, true
	case domain.FromField, domain.FromNull:
		return nil, true
	default:
		return nil, false
	}
}

// checkVia holds Via to be a time's type, of a time that is written as something else.
func checkVia(c *domain.Column, t SQLType) error {
	if c.Via == "" {
		return nil
	}
	if c.From != domain.FromTimestamp && c.From != domain.FromExtractTime || t.Kind != SQLString && t.Kind != SQLBigint {
		return fmt.Errorf("hub column %s: a type in between (%s) is for a time in a STRING or a BIGINT", c.Name, c.Via)
	}
	via, err := ParseSQLType(c.Via)
	if err != nil {
		return fmt.Errorf("hub column %s: in between: %w", c.Name, err)
	}
	if via.Kind != SQLTimestamp && via.Kind != SQLTimestampLTZ {
		return fmt.Errorf("hub column %s: in between is %s; allowed: TIMESTAMP(p), TIMESTAMP_LTZ(p)", c.Name, via)
	}
	return nil
}

// naturalDigits is the precision of TIMESTAMP_LTZ(3), the type of Kafka's timestamp and of
// Flink's CURRENT_TIMESTAMP.
const naturalDigits = 3

// fill makes c write a column that Check allows, of a source.
func (c *hubColumn) fill(of *domain.Column, s *domain.SourceFormat, zone *time.Location) error {
	c.typ, _ = ParseSQLType(of.Type) // checked
	c.from, c.digits, c.cut = of.From, naturalDigits, 9
	if of.Via != "" {
		via, _ := ParseSQLType(of.Via) // checked
		c.digits = via.Precision
	}
	text := c.typ.Kind == SQLString
	switch of.From {
	case domain.FromCity:
		c.write = writeCity
	case domain.FromRecord:
		return c.fillRecord(s)
	case domain.FromPartition:
		c.write = pick(text, writePartitionText, writePartition)
	case domain.FromOffset:
		c.write = pick(text, writeOffsetText, writeOffset)
	case domain.FromExtractTime:
		c.fillTime(6, writeExtract, zone)
	case domain.FromTimestamp:
		c.fillTime(3, writeTimestamp, zone)
	case domain.FromField:
		return c.fillField(of, s)
	case domain.FromNull:
		c.write = writeNull
	}
	return nil
}

func pick(first bool, a, b hubWrite) hubWrite {
	if first {
		return a
	}
	return b
}

// fillTime makes c write a time that has so many digits of a second; usual is how it is
// written where the type holds them all.
func (c *hubColumn) fillTime(has int, usual hubWrite, zone *time.Location) {
	c.hour = hourText{loc: zone}
	switch c.typ.Kind {
	case SQLTimestampLTZ:
		c.write, c.hour = writeInstant, hourText{loc: time.UTC}
	case SQLString:
		c.write = writeTimeText
	case SQLBigint:
		c.write = writeEpoch
	default:
		c.write = pick(c.typ.Precision >= has, usual, writeTime)
	}
}

// fillRecord makes c write the record as its source declares it.
func (c *hubColumn) fillRecord(s *domain.SourceFormat) error {
	has, err := recordType(s)
	if err != nil {
		return err
	}
	if !c.typ.holds(has) {
		return fmt.Errorf("type %s, the record is %s; allowed: %s", c.typ, has, has)
	}
	c.write = pick(s.Kind == domain.FormatJSON, writeJavaRecord, writeRecord)
	return nil
}

// fillField makes c write a declared column of its source.
func (c *hubColumn) fillField(of *domain.Column, s *domain.SourceFormat) error {
	for i := range s.Columns {
		if s.Columns[i].Name != of.Field {
			continue
		}
		has, err := ParseSQLType(s.Columns[i].Type)
		if err != nil {
			return fmt.Errorf("field %s: %w", of.Field, err)
		}
		if !c.typ.holds(has) {
			return fmt.Errorf("type %s, field %s is declared %s; allowed: %s, or a wider number", c.typ, of.Field, has, has)
		}
		if c.typ.Precision < has.Precision {
			c.cut = c.typ.Precision
		}
		c.write, c.field = writeField, i
		return nil
	}
	return fmt.Errorf("field %q is not declared by the source, whose format is %s", of.Field, kindOf(s))
}

// quoted reports whether the prefix of a column has the quote of its text already.
func (c *hubColumn) quoted() bool {
	switch c.write {
	case writeExtract, writeTimestamp, writeTime, writeInstant, writeTimeText:
		return true
	default:
		return false
	}
}
