// Package journal is the one ordered record: streams of immutable events, each
// with exactly one writer (control: many, one at a time), kept in segments of a
// Store. It owns the stored form of events, the hash chain, the takeover of
// streams and the resolution of appends without a clear answer.
//
// Store is where bytes lie: NATS JetStream, or memory beside it under the same
// contract suite (journaltest). Everything that makes it a journal is above Store
// and common to both.
package journal
