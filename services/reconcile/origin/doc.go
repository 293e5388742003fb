// Package origin reads what the journal and the cities say: which rows the hub must have, with
// all that it must have of them, what stands in the place of rows, and whether a city still says
// the same as the journal.
//
// It is the reconciler's own reader. It shares no enumeration, mapping or decoding code with the
// movers: record batches, Java's text, Flink's time text and the routing rule are written here
// once more, slow and obvious, and a city is decoded by kgo, which the journal's batches are not.
// A checker that shares the mover's bug cannot see it.
//
// What breaks the journal's own rules is a finding of the place "journal".
package origin
