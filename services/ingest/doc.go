// Package ingest reads city topics into the journal.
//
// A partition is read with raw read_committed fetches, so that every offset gets an
// account: it is a row, kept in the record batch as the broker sent it, or part of a
// gap with its reason. Classify makes that account of one response and does no I/O.
package ingest
