// Package replay puts the world right after an incident (replay.md). A replay is a projection
// with bounds, a filter and another target: what it will do is a plan on the control stream,
// an operator approves its digest, and whichever process runs the shards carries it out, settles
// it after a crash as any leg does, and has the reconciler prove it before it is done.
package replay
