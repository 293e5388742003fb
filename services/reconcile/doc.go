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
// What is compared is what was journaled: the sources with their topics, their formats and that
// of the hub, where each begins and, bounded, ends. Rows of the hub that do not say which city
// row they are (of a city with several topics, or without lineage) are told apart by the
// journal's runs, and then by what they are. What cannot be compared (a city that was removed, a
// form of text or time that is not written here once more) is listed as unchecked, and the
// verdict is then not a clean one.
//
// Books begin where a journal began. What others put into the hub or the table before, and,
// of a pipeline that reads the hub topic itself to a bounded end, beyond it, is counted and
// not checked (Others).
//
// This is the full compare: it holds some 130 bytes a row.
package reconcile
