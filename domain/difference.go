package domain

// Difference is what a table has of the rows that a replay is about, by the journal's word of
// what each must be.
type Difference struct {
	Expected int64     // rows that the table must have
	Present  int64     // of them there, once and as they must be
	Missing  []HubSpan // rows that are not there, sorted by partition and offset
	Altered  []Finding // there, and not as they must be
	More     int64     // rows that are altered or Equal and that Altered does not list
	// Doubled are rows of the table that stand for a row a second time, under a key that no row
	// must have: each key names one row, which may be deleted.
	Doubled []RowKey
	// Equal are rows that are there several times under one key, with how often: a DUPLICATE
	// table cannot be rid of one of them alone.
	Equal []EqualRows
	// Foreign are rows of the partitions and offsets in question that the journal has nowhere.
	Foreign []RowKey
}

// EqualRows is a key that several rows have.
type EqualRows struct {
	Key   RowKey
	Times int64
}

// MissingRows is how many rows are missing.
func (d *Difference) MissingRows() (n int64) {
	for _, m := range d.Missing {
		n += m.Span.Len()
	}
	return n
}

// None reports whether the table has every row once and no other.
func (d *Difference) None() bool {
	return len(d.Missing) == 0 && len(d.Altered) == 0 && len(d.Doubled) == 0 && len(d.Equal) == 0 && len(d.Foreign) == 0
}
