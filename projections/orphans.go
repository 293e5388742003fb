package projections

import "time"

// Orphan is a load of this shard that Doris holds without an end and that is not the
// one under way: of an owner that died or stood still, or of another journal.
type Orphan struct {
	Label string
	Txn   int64
	State string // as Doris says it: PREPARE or PRECOMMITTED
	Done  string // what was done about it, for people
}

// Orphans is what a Doris leg found when it last looked for such loads. It is never
// changed once it is in a Status.
type Orphans struct {
	Checked   time.Time // of the last look that got an answer, zero without one
	Unchecked string    // why the last look got none; empty: it did
	Aborted   int64     // orphans that this process aborted
	Found     []Orphan  // by the last look, the newest first
	More      int       // how many more there were than Found lists
}
