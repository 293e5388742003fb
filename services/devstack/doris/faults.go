package doris

import (
	"sync/atomic"
	"time"
)

// Faults are switches that a test throws while the server runs. The zero value is a healthy server. Each may be set
// at any time; each answers for all requests until it is cleared.
type Faults struct {
	// DropPrecommitReply breaks the connection after a load was pre-committed (or committed, without two phases).
	DropPrecommitReply atomic.Bool
	// DropCommitReply breaks the connection after a second-phase commit happened.
	DropCommitReply atomic.Bool
	// DropAbortReply breaks the connection after a second-phase abort happened.
	DropAbortReply atomic.Bool
	// FailThoughPrecommitted answers a load with Fail although its transaction is PRECOMMITTED, as a back end does
	// whose RPC to the front end timed out.
	FailThoughPrecommitted atomic.Bool
	// FailLoad answers each load with Fail and this message, and rolls it back. Empty = off.
	FailLoad atomic.Pointer[string]
	// DelayReply holds back every reply of the back end by this many nanoseconds (a time.Duration).
	DelayReply atomic.Int64
	// HoldPublish keeps COMMITTED transactions from becoming VISIBLE.
	HoldPublish atomic.Bool
}

func (f *Faults) delay() time.Duration { return time.Duration(f.DelayReply.Load()) }
