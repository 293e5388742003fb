package flink

// Value is what a column of a json source holds. Which of its parts counts is said by the
// column's type.
type Value struct {
	Null bool
	Int  int64 // whole numbers; BOOLEAN: 0 or 1; DATE: days since 1970; TIME: milliseconds of the day; TIMESTAMP, TIMESTAMP_LTZ: milliseconds since 1970
	Nano int64 // of a TIMESTAMP, in the millisecond
	// Float is a FLOAT or a DOUBLE.
	Float float64
	// Text is a STRING, as UTF-8 but with surrogates that stand alone in three bytes each;
	// BYTES in base64; a DECIMAL in plain digits, as many behind the point as its scale.
	Text []byte
}
