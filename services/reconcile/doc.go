// Package reconcile compares city, hub and Doris row by row, by all lineage columns,
// and says what is lost, doubled, altered or strayed.
//
// It shares no reading, decoding or mapping code with the movers: a checker that
// shares the mover's bug cannot see it. City and hub are read with a plain kgo
// consumer (the movers fetch raw), hub rows with encoding/json, and Java's text rules
// and Flink's time text are written here once more, slow and obvious. From the journal
// it takes the accounts: where a partition begins, how far it is carried, and what was
// excluded.
//
// This is the full compare: it holds some 130 bytes a row.
package reconcile
