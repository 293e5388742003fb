// Package checkpoint makes a stream's history hard to rewrite: a Merkle tree (RFC 6962) over
// the hashes of its events, and the tree's root signed with a key that is no part of the
// journal. A signed root is a promise about every event before it; kept by somebody else, it
// binds also whoever holds the key.
//
// Nothing here talks to the journal's store. What verifies is pure, so that a report can be
// verified with it offline.
package checkpoint
