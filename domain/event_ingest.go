package domain

// Position is how far one source partition is journaled. The position map (one for
// every partition of the shard, sorted by source and partition) stands in every
// event of an ingest stream, as it is after that event.
type Position struct {
	Source      SourceID
	Generation  Generation
	Partition   int32
	Next        int64 // the next offset to ingest
	LeaderEpoch int32 // of the last journaled batch, -1 when unknown
	LastBase    int64 // base offset of the last journaled batch, -1 when there is none
	LastCRC     uint32
	LastSeq     Seq      // the Ingested that holds the last journaled batch, 0 when there is none
	TopicID     [16]byte // of the topic as it was read, zero where the broker has none
	Bounded     bool     // the partition ends, at Stop
	Stop        int64    // the offset that is not read any more
	Closed      bool     // its source ended; it goes on here should the source come back
}

// Finished reports whether a bounded partition is journaled to its end.
func (p *Position) Finished() bool { return p.Bounded && p.Next >= p.Stop }

// SourceOpened says where a source's partitions begin, once per generation; the
// start mode is never resolved again.
type SourceOpened struct {
	Owned
	Source      SourceID
	Generation  Generation
	ClusterID   string
	Topic       string
	TopicID     [16]byte // zero where the broker has none
	StartPolicy string   // the mode as configured
	StopPolicy  string   // the bounded mode as configured, empty for none
	Config      Seq
	Starts      []Start
	Incident    IncidentID // the resolved incident that made a new generation, or zero
	Positions   []Position
}

// Start is the resolved beginning of one partition. [LogStart, First) is a gap with
// reason start_policy.
type Start struct {
	Partition int32
	LogStart  int64
	First     int64
	How       string // how the number was found: "log start", "log end", "committed offset", …
	Bounded   bool   // the partition ends, at Stop
	Stop      int64
	StopHow   string // how Stop was found; empty when it is unbounded
}

// Ingested holds rows: runs of one or more partitions of the shard, with the record
// batches as the broker sent them.
type Ingested struct {
	Owned
	ExtractTime Micros // never earlier than the event before it
	Runs        []Run
	Incident    IncidentID // the resolved incident that let a gap pass, or zero
	Positions   []Position
}

// Run is a gapless account of [First, Next) of one source partition:
// Next - First = Rows + the lengths of Gaps.
type Run struct {
	Source      SourceID
	Generation  Generation
	Partition   int32
	LeaderEpoch int32
	First, Next int64
	Rows        int64
	Gaps        []Gap
	// Batches are whole record batches (magic 2) as sent, in order. How they are cut
	// into slices means nothing; a reader gets one slice. Records outside
	// [First, Next) in them belong to other runs.
	Batches [][]byte
}

// Size is the number of bytes of the batches.
func (r *Run) Size() int {
	n := 0
	for _, b := range r.Batches {
		n += len(b)
	}
	return n
}

// SourceClosed says that a source ended. Its positions stay, marked as closed.
type SourceClosed struct {
	Owned
	Source    SourceID
	Why       string
	Positions []Position
}

// Kind implements Event.
func (*SourceOpened) Kind() Kind { return KindSourceOpened }
func (*SourceOpened) sealed()    {}

// Kind implements Event.
func (*Ingested) Kind() Kind { return KindIngested }
func (*Ingested) sealed()    {}

// Kind implements Event.
func (*SourceClosed) Kind() Kind { return KindSourceClosed }
func (*SourceClosed) sealed()    {}

// PositionsOf is the position map in force after an event of an ingest stream; nil
// after Genesis.
func PositionsOf(e Event) []Position {
	switch e := e.(type) {
	case *Opened:
		return e.Positions
	case *Rolled:
		return e.Positions
	case *SourceOpened:
		return e.Positions
	case *Ingested:
		return e.Positions
	case *SourceClosed:
		return e.Positions
	default:
		return nil
	}
}
