package lineage

import "github.com/hefu-io/hefu/domain"

// State is what became of a record.
type State uint8

// The states. What is on its way has no row yet: the journal knows it.
const (
	InTable       State = 1 // of Doris; in the hub where the pipeline has no table
	ExcludedHub   State = 2 // the hub could not carry it
	ExcludedDoris State = 3 // it is in the hub, and the table could not hold it
)

// String is the state in words.
func (s State) String() string {
	switch s {
	case InTable:
		return "in the table"
	case ExcludedHub:
		return "excluded before the hub"
	case ExcludedDoris:
		return "excluded before Doris"
	default:
		return "?"
	}
}

// unknown stands where there is no number: of the place in the hub of a row that the hub does
// not hold, of the timestamp of a record that does not decode, of a city's coordinates where
// a hub record of another writer has none.
const unknown = -1

// Row is the way of one record, as the table has it.
type Row struct {
	Shard      int
	Block      domain.Seq // of the LineageBegun that brought it
	Source     domain.SourceID
	Generation domain.Generation
	City       domain.City
	Place      domain.Lineage // -1 where there is none
	Extract    domain.Micros  // when it was journaled
	Ingest     domain.Seq     // of its Ingested …
	Run        int            // … and the run in it
	Hub        domain.Seq     // of its HubCommitted; 0 in a direct pipeline
	Doris      domain.Seq     // of its DorisCommitted; 0 without a Doris leg
	Txn        int64          // of Doris, 0 where it is not known
	Label      string         // of the load that carried it or left it out
	// Length and Digest (XXH3) are of the record's value, as the source sent it: in a direct
	// pipeline the hub's own text. Length is -1 for null, and where the batch does not decode.
	Length int64
	Digest uint64
	State  State
}
