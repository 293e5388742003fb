package doris

import (
	"slices"
	"time"
)

// Limits are the front end's configuration values that shape transactions.
type Limits struct {
	PrecommitTimeout  time.Duration // stream_load_default_precommit_timeout_second
	LabelKeep         time.Duration // streaming_label_keep_max_second
	LabelNum          int           // label_num_threshold: finished transactions kept per database; 0 = no limit
	CleanInterval     time.Duration // transaction_clean_interval_second: how often time-outs and retention are looked at
	MaxRunning        int           // max_running_txn_num_per_db: of databases that are made from now on
	MaxPublishing     int           // max_publishing_txn_num_per_table
	DefaultTimeout    time.Duration // stream_load_default_timeout_second
	MaxPrepareTimeout time.Duration // max_stream_load_timeout_second
	LostHeartbeat     time.Duration // abort_txn_after_lost_heartbeat_time_second
	RPCTimeout        time.Duration // txn_commit_rpc_timeout_ms of back ends; a front end waits half of it for a publish
}

// DefaultLimits are those of an untouched front end.
func DefaultLimits() Limits {
	return Limits{
		PrecommitTimeout: time.Hour, LabelKeep: 12 * time.Hour, LabelNum: 2000, CleanInterval: 30 * time.Second,
		MaxRunning: 10000, MaxPublishing: 500,
		DefaultTimeout: 259200 * time.Second, MaxPrepareTimeout: 259200 * time.Second, LostHeartbeat: 300 * time.Second,
		RPCTimeout: time.Minute,
	}
}

// publishWait is how long a commit in one phase waits for its rows to show: a front end gives it half of the time that
// the back end has for its call (doris-wire.md §11.2).
func (l *Limits) publishWait() time.Duration {
	if l.RPCTimeout <= 0 {
		return DefaultLimits().RPCTimeout / 2
	}
	return l.RPCTimeout / 2
}

// Ledger keeps what a restarted front end still knows. Each call is durable when it returns; after an error the
// engine has not moved.
type Ledger interface {
	Keep(t Txn) error
	Forget(ids []int64) error
	ReserveIDs(below int64) error // ids below this may have been handed out
}

// idStep is how far ids jump at a restart, as a front end reserves them in blocks.
const idStep = 1000

type labelKey struct {
	db    int64
	label string
}

// Engine decides over load transactions: a pure state machine with a clock and a ledger. It is not safe for
// concurrent use; its owner holds a lock.
type Engine struct {
	limits   Limits
	now      func() time.Time
	ledger   Ledger
	tableIs  func(table int64) bool // does the table still exist
	txns     map[int64]*Txn
	labels   map[labelKey][]*Txn // by id
	finished map[int64][]*Txn    // per database, in the order of finishing
	running  map[int64]int       // per database
	commits  []*Txn              // COMMITTED, in the order of committing
	lost     map[int64]time.Time // back ends that are gone, since when

	nextID, reserved int64
	order            int64
	lastSweep        time.Time
}

// NewEngine starts from what the ledger remembered: kept transactions, and the bound below which ids are used up.
func NewEngine(limits Limits, now func() time.Time, ledger Ledger, tableIs func(int64) bool, kept []Txn, reserved int64) *Engine {
	e := &Engine{
		limits: limits, now: now, ledger: ledger, tableIs: tableIs,
		txns: map[int64]*Txn{}, labels: map[labelKey][]*Txn{}, finished: map[int64][]*Txn{}, running: map[int64]int{},
		nextID: max(reserved, 1), reserved: reserved, lastSweep: now(),
	}
	slices.SortFunc(kept, func(a, b Txn) int { return int(a.ID - b.ID) })
	for _, t := range kept {
		t.PrecommitTimeout = limits.PrecommitTimeout
		if t.Status == Visible {
			t.PublishTime = time.Time{}
		}
		e.add(&t)
		e.order = max(e.order, t.Order)
		switch {
		case t.Status.finished():
			e.finished[t.DB] = append(e.finished[t.DB], &t)
		case t.Status == Committed:
			e.commits = append(e.commits, &t)
		}
	}
	byOrder := func(a, b *Txn) int { return int(a.Order - b.Order) }
	slices.SortFunc(e.commits, byOrder)
	for _, q := range e.finished {
		slices.SortFunc(q, byOrder)
	}
	return e
}

func (e *Engine) add(t *Txn) {
	e.txns[t.ID] = t
	k := labelKey{t.DB, t.Label}
	e.labels[k] = append(e.labels[k], t)
	if !t.Status.finished() {
		e.running[t.DB]++
	}
}

// BeginRequest is what a back end asks for before it reads a body.
type BeginRequest struct {
	DB, Table   int64
	Label       string
	RequestID   string
	Coordinator string
	BackEnd     int64         // the back end that asks
	Quota       int           // of the database; 0 = Limits.MaxRunning
	Timeout     time.Duration // 0 = default; whole seconds
}

// Begin opens a transaction under a label. A label is free when no transaction of the database holds it, or only
// aborted ones do. Errors are *Refusal, or the ledger's.
func (e *Engine) Begin(r BeginRequest) (Txn, error) {
	e.sweep()
	if err := checkLabel(r.Label); err != nil {
		return Txn{}, err
	}
	if r.Timeout == 0 {
		r.Timeout = e.limits.DefaultTimeout
	}
	if r.Timeout < time.Second {
		return Txn{}, refuse("Invalid timeout: %d. Timeout should be higher than Config.min_load_timeout_second: 1", r.Timeout/time.Second)
	}
	if r.Timeout > e.limits.MaxPrepareTimeout {
		return Txn{}, refuse("Invalid timeout: %d. Timeout should be lower than Config.max_stream_load_timeout_second: %d",
			r.Timeout/time.Second, e.limits.MaxPrepareTimeout/time.Second)
	}
	for _, t := range e.labels[labelKey{r.DB, r.Label}] {
		switch {
		case t.Status == Aborted:
		case t.Status == Prepare && r.RequestID != "" && t.RequestID == r.RequestID:
			return *t, nil
		default:
			return Txn{}, refuseLabel(t)
		}
	}
	quota := r.Quota
	if quota == 0 {
		quota = e.limits.MaxRunning
	}
	if n := e.running[r.DB]; n >= quota {
		return Txn{}, refuse("current running txns on db %d is %d, larger than limit %d", r.DB, n, quota)
	}
	if n := e.publishing(r.Table); n >= e.limits.MaxPublishing {
		return Txn{}, refuse("current committed txns on table %d is %d, larger than limit %d", r.Table, n, e.limits.MaxPublishing)
	}
	id, err := e.takeID()
	if err != nil {
		return Txn{}, err
	}
	t := &Txn{
		ID: id, DB: r.DB, Table: r.Table, Label: r.Label, RequestID: r.RequestID, Coordinator: r.Coordinator, BackEnd: r.BackEnd,
		PrepareTime: e.now(), Timeout: r.Timeout, PrecommitTimeout: e.limits.PrecommitTimeout,
	}
	e.add(t)
	return *t, nil
}

func (e *Engine) publishing(table int64) int {
	n := 0
	for _, t := range e.commits {
		if t.Table == table {
			n++
		}
	}
	return n
}

// takeID reserves before it hands out: a crash here costs a gap in the numbers, never an id used twice.
func (e *Engine) takeID() (int64, error) {
	if e.nextID >= e.reserved {
		if err := e.ledger.ReserveIDs(e.nextID + idStep); err != nil {
			return 0, err
		}
		e.reserved = e.nextID + idStep
	}
	id := e.nextID
	e.nextID++
	return id, nil
}
