package domain

// Trail names, in the same stream, what came before an event of a hub or doris
// stream. With it each stream opens from its tail and at most three events, and its commits can
// be walked back. An intent is open when Begun > Outcome.
type Trail struct {
	Begun    Seq // the last HubBegun or DorisBegun
	Prepared Seq // the last DorisPrepared
	Outcome  Seq // the last Committed or Aborted
	Commit   Seq // the last Committed
}

// Open reports whether the last intent has no outcome.
func (t Trail) Open() bool { return t.Begun > t.Outcome }

// After is the trail once the event with this seq stands.
func (t Trail) After(seq Seq, e Event) Trail {
	switch e.(type) {
	case *HubBegun, *DorisBegun, *LineageBegun:
		t.Begun = seq
	case *DorisPrepared:
		t.Prepared = seq
	case *HubCommitted, *DorisCommitted, *LineageCommitted:
		t.Outcome, t.Commit = seq, seq
	case *HubAborted, *DorisAborted:
		t.Outcome = seq
	}
	return t
}

// TrailOf is the trail that an event of a hub or doris stream carries: what stood
// before it.
func TrailOf(e Event) Trail {
	switch e := e.(type) {
	case *Opened:
		return e.Trail
	case *Rolled:
		return e.Trail
	case *HubBegun:
		return e.Trail
	case *HubCommitted:
		return e.Trail
	case *HubAborted:
		return e.Trail
	case *DorisBegun:
		return e.Trail
	case *DorisPrepared:
		return e.Trail
	case *DorisCommitted:
		return e.Trail
	case *DorisAborted:
		return e.Trail
	case *LineageBegun:
		return e.Trail
	case *LineageCommitted:
		return e.Trail
	default:
		return Trail{}
	}
}

// Finder says who found an outcome.
type Finder uint8

// Who found it: the process that began, or a later owner at Open.
const (
	FoundBySelf      Finder = 1
	FoundByNextOwner Finder = 2
)

// String is the word for people.
func (f Finder) String() string {
	switch f {
	case FoundBySelf:
		return "self"
	case FoundByNextOwner:
		return "next owner"
	default:
		return "?"
	}
}

// Exclusion is a row, or a whole batch, that a target cannot carry; it stays in the
// journal and in the books. It counts only with the Begun that committed.
type Exclusion struct {
	Ingest  Seq    // the Ingested event
	Run     int    // index of its run
	Ordinal int64  // of the first excluded row in the run, counting from 0
	Count   int64  // 1, the header's count of a batch that does not decode, or rows one after the other of which nothing is wrong
	Offset  int64  // city offset of the first excluded row
	Reason  string // one of the Excluded… constants
	Digest  Hash   // SHA-256 of the record's or batch's bytes; zero where it is not their fault
	Detail  string // what the target itself said of the row, empty when it was not asked
}

// Why a row is excluded.
const (
	ExcludedTooLarge       = "larger than the hub accepts"
	ExcludedUnacknowledged = "not acknowledged by the hub, semantic none" // it may be there all the same
	ExcludedUndecodable    = "batch does not decode"
	ExcludedUnreadable     = "record does not read as its source declares it" // Detail says what is wrong
	ExcludedTimestamp      = "timestamp outside 0000-9999"                    // no DATETIME of Doris holds it
	ExcludedTooLargeDoris  = "larger than the column record accepts"
	ExcludedByDoris        = "refused by Doris" // Detail has the line of Doris's error log
	// ExcludedPresent is of a replay that fills what is missing: somebody else's hand put the
	// rows there after the plan was made.
	ExcludedPresent = "already in the table"
)

// HubBegun is the intent before a hub batch. It repeats the refs of its first and last
// ingest event, so that settling does not read the ingest stream; only the semantic none
// does, to list the rows that it does not know of.
type HubBegun struct {
	Owned
	Trail
	Config      Seq
	First, Last Ref
	Time        Micros   // the hub timestamp of every row
	Semantic    Semantic // what the batch promises; it chooses the column of SettleHub
	Excluded    []Exclusion
}

// HubCommitted says that the transaction of Begun is committed, or what a weaker semantic
// has in its place, and where its rows are.
type HubCommitted struct {
	Owned
	Trail
	Begun          Ref
	Cursor         Ref // HubBegun.Last: how far the hub has come
	Runs           []HubRun
	Time           Micros // HubBegun.Time: what the hub's rows carry
	ProgressOffset int64  // of its record; where the semantic none has none, of one before it, or 0
	Rows           int64
	Bytes          int64
	Excluded       []Exclusion
	FoundBy        Finder
	Incident       IncidentID
}

// HubRun maps n rows of an ingest run, from the ordinal First on and leaving out
// what is excluded, to consecutive offsets of a hub partition.
type HubRun struct {
	Ingest    Seq
	Run       int
	First     int64
	N         int64
	Partition int32
	Offset    int64
}

// HubAborted says that the transaction of Begun is known not to be; or, at least once,
// that its progress record was not there when it was looked for.
type HubAborted struct {
	Owned
	Trail
	Begun    Ref
	Why      string
	FoundBy  Finder
	Incident IncidentID
}

// DorisBegun is the intent before a load: all HubCommitted in [First, Last] of the
// hub stream; in a direct pipeline all Ingested of the ingest stream (DirectCommit).
type DorisBegun struct {
	Owned
	Trail
	Config      Seq
	First, Last Ref
	Time        Micros
	Table       string
	Semantic    Semantic // what the load promises; it chooses the column of SettleDoris
	Probe       *DorisProbe
	Ends        []HubEnd // of every hub partition of the shard that ever had a row, sorted
	Excluded    []Exclusion
}

// DorisProbe makes a load one that only looks for rows which Doris refuses: it takes
// some rows of the batch with every refusal allowed, is never prepared, and is aborted
// whatever the answer is.
type DorisProbe struct {
	First, Next int64 // rows of the batch in the order of the hub, without the excluded ones
}

// HubEnd is where the rows of a hub partition end once a load is visible: the offset
// after its last row. A row of the table at or beyond it is not of this journal.
type HubEnd struct {
	Partition int32
	Next      int64
}

// DorisPrepared says that Doris answered PRECOMMITTED. Its ack is the fence: no
// commit before it.
type DorisPrepared struct {
	Owned
	Trail
	Begun   Ref
	Label   string
	Txn     int64
	Backend string
	Rows    int64 // as Doris counted them
	Bytes   int64
}

// DorisCommitted says that the load of Begun is VISIBLE.
type DorisCommitted struct {
	Owned
	Trail
	Begun    Ref
	Cursor   Ref // DorisBegun.Last: how far the table has come
	Txn      int64
	How      string // "transaction state", "rows of the table", "operator", "nothing to load": all rows are excluded, or "not asked": the semantic none
	Rows     int64
	Visible  Micros
	FoundBy  Finder
	Incident IncidentID
}

// DorisAborted says that the load of Begun is known not to be.
type DorisAborted struct {
	Owned
	Trail
	Begun    Ref
	Why      string
	FoundBy  Finder
	Incident IncidentID
}

// Kind implements Event.
func (*HubBegun) Kind() Kind { return KindHubBegun }
func (*HubBegun) sealed()    {}

// Kind implements Event.
func (*HubCommitted) Kind() Kind { return KindHubCommitted }
func (*HubCommitted) sealed()    {}

// Kind implements Event.
func (*HubAborted) Kind() Kind { return KindHubAborted }
func (*HubAborted) sealed()    {}

// Kind implements Event.
func (*DorisBegun) Kind() Kind { return KindDorisBegun }
func (*DorisBegun) sealed()    {}

// Kind implements Event.
func (*DorisPrepared) Kind() Kind { return KindDorisPrepared }
func (*DorisPrepared) sealed()    {}

// Kind implements Event.
func (*DorisCommitted) Kind() Kind { return KindDorisCommitted }
func (*DorisCommitted) sealed()    {}

// Kind implements Event.
func (*DorisAborted) Kind() Kind { return KindDorisAborted }
func (*DorisAborted) sealed()    {}
