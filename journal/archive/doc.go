// Package archive keeps sealed segments of a journal in files outside its store: in a
// folder or in a bucket of an S3-compatible one. A file holds the events of one segment,
// compressed, and their proof: which journal, stream and seqs, the hash before the first
// event and of the last one, and the SHA-256 of each of its blocks.
//
// Store puts the archive behind a journal.Store: segments that were dropped there are read
// from their files, and nothing above it notices. Which segments those are is not asked of
// the archive, which may lie, but of the control stream, whose segments are never dropped:
// Archived names the file and the digest of its index, and the index the digest of each
// block. So no byte of a file is handed out that control does not vouch for, and a file
// that no Archived names is never looked at.
package archive
