package doris

import "time"

// Status is the state of a load transaction.
type Status uint8

// The five states, in the order of a life: Prepare -> Precommitted -> Committed -> Visible, and Aborted from the
// first two. Prepare lives in memory only: a restarted front end has never heard of it.
const (
	Prepare Status = iota
	Precommitted
	Committed
	Visible
	Aborted
)

// String is the word that get_load_state and SHOW TRANSACTION print.
func (s Status) String() string {
	switch s {
	case Prepare:
		return "PREPARE"
	case Precommitted:
		return "PRECOMMITTED"
	case Committed:
		return "COMMITTED"
	case Visible:
		return "VISIBLE"
	case Aborted:
		return "ABORTED"
	default:
		return "UNKNOWN"
	}
}

func (s Status) finished() bool { return s == Visible || s == Aborted }

// jobStatus is the ExistingJobStatus of a "Label Already Exists" reply.
func (s Status) jobStatus() string {
	switch s {
	case Prepare:
		return "RUNNING"
	case Precommitted:
		return "PRECOMMITTED"
	default:
		return "FINISHED"
	}
}

// Txn is one load transaction. Zero times are unset.
type Txn struct {
	ID          int64 // unique over all databases
	DB          int64 // database id
	Table       int64 // table id
	Label       string
	RequestID   string // the back end's own id of the load; a repeated begin with it is the same begin
	Coordinator string
	BackEnd     int64 // id of the back end that began it; of no use, and not kept, once it is PRECOMMITTED
	Status      Status
	Reason      string // why it was aborted
	ErrMsg      string // why it is not published yet; not kept over a restart

	PrepareTime, PrecommitTime, CommitTime, PublishTime, FinishTime time.Time

	Timeout          time.Duration // of PREPARE, from the request
	PrecommitTimeout time.Duration // of PRECOMMITTED, fixed at begin, not kept over a restart
	Order            int64         // place in the order of committing, then of finishing
}
