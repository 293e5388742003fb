// Package reconcile proves that cities, hub and Doris have the same rows, or names those that
// differ.
//
// It shares no reading, decoding or mapping code with the movers: a checker that shares the
// mover's bug cannot see it. Three packages below it say what each place has: origin (the
// journal, whose record batches it decodes itself, and the cities), target (the hub topic, with
// a fetcher and decoder of its own, and the table, by aggregate questions), proof (the
// arithmetic: vectors of windows, the search for rows, the life of a window).
//
// Two proofs hold two places against each other, window by window: what the journal says that
// the hub must have against a scan of the hub, and the same scan against the table. The cities
// themselves are read again in part, or deep, and held against the journal. Prover goes through
// all of it in constant memory; Prove makes a signed report of it; Service does it all the time.
//
// Books begin where a journal began. What others put into the hub or the table before is
// counted and not checked.
package reconcile
