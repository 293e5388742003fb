package doris

// Fault names something that goes wrong at the stand-in.
type Fault string

// The faults. What each breaks is what a real cluster was seen or read to do
// (doris-wire.md §1.4, §1.8, §8.3, §11.2).
const (
	DropPrecommitReply Fault = "drop-precommit-reply" // the connection breaks after a load was pre-committed, or committed without two phases
	DropCommitReply    Fault = "drop-commit-reply"    // … after a second-phase commit happened
	DropAbortReply     Fault = "drop-abort-reply"     // … after a second-phase abort happened
	// FailPhaseThoughDone answers a second phase with an error although it happened, as a back end does whose RPC
	// timed out.
	FailPhaseThoughDone Fault = "fail-phase-though-done"
	// FailThoughDone answers a load with Fail although its transaction is PRECOMMITTED
	// (or committed, without two phases), as a back end does whose RPC timed out.
	FailThoughDone  Fault = "fail-though-done"
	FailLoad        Fault = "fail-load"         // a load answers Fail with Text and is rolled back
	TooManyVersions Fault = "too-many-versions" // a load answers Fail with [E-235] and is rolled back
	PublishTimeout  Fault = "publish-timeout"   // a load without two phases answers Publish Timeout
	DelayReply      Fault = "delay-reply"       // a back end's reply comes Delay later
	HoldPublish     Fault = "hold-publish"      // COMMITTED becomes VISIBLE Delay later; without Delay not before it is disarmed
	ResetBody       Fault = "reset-body"        // the connection breaks in the middle of a body, and the load is rolled back
	SlowFE          Fault = "slow-fe"           // a front end's reply comes Delay later, over HTTP and SQL
	FEError         Fault = "fe-error"          // a front end answers HTTP 503
	BEError         Fault = "be-error"          // a back end answers HTTP 500 and does nothing
	LateHeartbeat   Fault = "late-heartbeat"    // front ends send loads to back ends that are gone, too
	// StaleFollower lets SELECTs on all front ends but the master see the rows of the moment when it was armed, unless
	// the session has enable_strong_consistency_read.
	StaleFollower Fault = "stale-follower"
)

// faultKind says what a fault does and what its arming may say.
type faultKind struct {
	name   Fault
	what   string
	delays bool // Arming.Delay means something
	speaks bool // Arming.Text does
}

func faultKinds() []faultKind {
	return []faultKind{
		{DropPrecommitReply, "a load is pre-committed, or committed without two phases, and its connection breaks instead of an answer", false, false},
		{FailThoughDone, "a load is pre-committed, or committed without two phases, and is answered with Fail", false, false},
		{FailLoad, "a load is rolled back and answered with Fail and the text, after its body was read", false, true},
		{TooManyVersions, "a load is rolled back and answered with Fail and [E-235], or the text", false, true},
		{ResetBody, "the connection breaks in the middle of a load's body, and the load is rolled back", false, false},
		{PublishTimeout, "a load without two phases is committed and answered with Publish Timeout", false, false},
		{DropCommitReply, "a second phase commits, and its connection breaks instead of an answer", false, false},
		{DropAbortReply, "a second phase aborts, and its connection breaks instead of an answer", false, false},
		{FailPhaseThoughDone, "a second phase happens, and is answered with an error", false, false},
		{DelayReply, "a back end answers a load or second phase the delay later", true, false},
		{BEError, "a back end answers HTTP 500 and does nothing", false, false},
		{FEError, "a front end answers HTTP 503 and does nothing", false, false},
		{SlowFE, "a front end answers the delay later, over HTTP and SQL", true, false},
		{HoldPublish, "a COMMITTED transaction becomes VISIBLE the delay later; without a delay when this is disarmed", true, false},
		{MissingReplicas, "a load's first phase is refused because replicas are missing, and the load rolled back", false, false},
		{PublishFails, "publishing a COMMITTED transaction fails, and is tried again a second later", false, false},
		{LateHeartbeat, "front ends send loads to stopped back ends, too", false, false},
		{StaleFollower, "followers show the rows of the moment when this was armed, except to sessions with enable_strong_consistency_read", false, false},
	}
}

// AllFaults are the names of all faults.
func AllFaults() []Fault {
	var all []Fault
	for _, k := range faultKinds() {
		all = append(all, k.name)
	}
	return all
}
