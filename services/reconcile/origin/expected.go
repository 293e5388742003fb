package origin

import (
	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// Expected is what the hub must have of one row, or why it does not have it. It is valid until
// the function that it was given to returns; its texts stay.
type Expected struct {
	// Row has the texts of all nine columns, as Doris shows them, but for those in Unread.
	// Offset is the city's; in a pipeline that reads the hub topic itself, the hub's.
	proof.Row
	Source  domain.SourceID
	City    domain.Coord // of a direct pipeline: the hub's
	Extract domain.Micros
	Ingest  domain.Seq // the event that has the row
	Run     int        // of it
	Ordinal int64      // of the row in the run
	Commit  domain.Seq // the HubCommitted that carries it; of a direct pipeline 0
	// Excluded says why the row was left out before the hub (domain.Excluded…); empty: the hub
	// must have it. What a target did not acknowledge may be there all the same.
	Excluded string
	Unread   proof.Mask // columns that cannot be said
	Why      string     // they cannot
	Value    string     // as the city sent it; empty where Row.Null has the record
}

// The columns of a direct pipeline's rows that the hub's own JSON says, which is not read here.
const (
	directUnread = 1<<proof.City | 1<<proof.CityPartition | 1<<proof.CityOffset | 1<<proof.CityTime | 1<<proof.ExtractTime | 1<<proof.Record
	directWhy    = "the hub topic is the source: what the row says of its city is in the hub's JSON"
)

// place is where a commit says that some rows of an ingest run are, or why they are nowhere.
type place struct {
	first, next int64 // ordinals of the run
	partition   int32 // of the hub
	offset      int64 // of the first
	excluded    string
}

// runKey names a run of an ingest event.
type runKey struct {
	ingest domain.Seq
	run    int
}
