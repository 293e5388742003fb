package domain

// TreeHead is the Merkle tree (RFC 6962) over a stream's events up to one of them: leaf i
// is the event hash of seq i + 1, so the size of the tree is the seq.
type TreeHead struct {
	Ref  Ref    // the last event in the tree
	Root Hash   // of the tree of size Ref.Seq
	Note string // the signed checkpoint (C2SP tlog-checkpoint in a signed note)
}

// Checkpoint says what the journal was, signed. The same notes stand in a file outside the
// journal's store and, for the streams of a shard, in the hub's progress topic.
type Checkpoint struct {
	Incarnation Seq    // of the process that signed
	Key         string // its verifier key, as sumdb/note writes it
	Heads       []TreeHead
}

// Archived says that a sealed segment is in a file outside the store, read back and found to
// be the same events.
type Archived struct {
	Last   Ref // the Rolled at the segment's end; its Stream is the segment's
	First  Seq
	File   string // name below the archive's root
	Bytes  int64  // of the file
	Digest Hash   // SHA-256 of the file's index, which has that of every block
}

// Dropped says that a segment is taken from the store: every reader has it from the archive.
// It stands before the deletion, which whoever comes next repeats if the process dies after it.
type Dropped struct {
	Stream Stream
	First  Seq // of the segment
	Last   Seq
}

// Reconciled says what one look of the reconciler found.
type Reconciled struct {
	Incarnation Seq
	Began, Done Micros
	Depth       string // "lineage": stored digests; "content": of fetched rows; "deep": every city row read again
	Through     []Ref  // how far the journal's streams were compared
	Windows     []WindowResult
	Findings    []Finding
	Report      Hash // SHA-256 of the report that was written, zero for none
}

// WindowResult is a window in the state that a look left it in. The vectors are of the rows
// of the window up to Through.
type WindowResult struct {
	Window  Window
	State   WindowState
	Through int64 // the offset up to which it was compared: of a prefix less than its end
	Left    Vector
	Right   Vector
	Why     string // for people, of a state that is not verified
}

// Accepted says that a person takes a finding as it is. It stays visible in every report.
type Accepted struct {
	Finding FindingID
	Who     string
	Why     string
}

// LineageBegun is the intent before a block of lineage rows: all outcomes in [First, Last] of
// the stream that the lineage follows (doris, or hub without a Doris leg). Its ref is the
// token by which ClickHouse knows the block again.
type LineageBegun struct {
	Owned
	Trail
	First, Last Ref
	Rows        int64
	Digest      Sum   // of the rows' digests: XXH3 of a record's value, as int64
	Block       int64 // rows of one INSERT at most: where they are cut is history, too
}

// LineageCommitted says that the block of Begun is in ClickHouse, once.
type LineageCommitted struct {
	Owned
	Trail
	Begun  Ref
	Cursor Ref // LineageBegun.Last
	Rows   int64
	How    string // "answer", or "rows of the table": it was found there
}

// Kind implements Event.
func (*Checkpoint) Kind() Kind { return KindCheckpoint }
func (*Checkpoint) sealed()    {}

// Kind implements Event.
func (*Archived) Kind() Kind { return KindArchived }
func (*Archived) sealed()    {}

// Kind implements Event.
func (*Dropped) Kind() Kind { return KindDropped }
func (*Dropped) sealed()    {}

// Kind implements Event.
func (*Reconciled) Kind() Kind { return KindReconciled }
func (*Reconciled) sealed()    {}

// Kind implements Event.
func (*Accepted) Kind() Kind { return KindAccepted }
func (*Accepted) sealed()    {}

// Kind implements Event.
func (*LineageBegun) Kind() Kind { return KindLineageBegun }
func (*LineageBegun) sealed()    {}

// Kind implements Event.
func (*LineageCommitted) Kind() Kind { return KindLineageCommitted }
func (*LineageCommitted) sealed()    {}
