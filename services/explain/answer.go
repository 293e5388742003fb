// Package explain tells the whole life of a row: when and how it was fetched from its city, every hub
// transaction and every Doris load that carried it or tried to, what stood in the way, and what the
// reconciler found. It reads events and nothing else; the same journal gives the same text, whoever
// reads it and however the events were found.
package explain

// Answer is the life of a row, or of the rows of one batch.
type Answer struct {
	Pipeline string `json:"pipeline"`
	Journal  string `json:"journal" doc:"journal id"`
	Timezone string `json:"timezone" doc:"of the pipeline; times called local are in it"`
	Shard    int    `json:"shard"`
	Asked    string `json:"asked" doc:"what was asked for, in words"`
	Found    bool   `json:"found" doc:"false: the journal says that there is no such row, or that it is carried to no target"`
	State    string `json:"state" doc:"where it is, or why it is nowhere"`
	// Row is nil where a batch was asked for, and where no row was ever there.
	Row    *Row    `json:"row,omitempty"`
	Batch  *Batch  `json:"batch,omitempty"`
	Hub    *Place  `json:"hub,omitempty"`
	Doris  *Loaded `json:"doris,omitempty"`
	Others []int   `json:"other_generations,omitempty" doc:"generations that have the same offset: ask for them by their number"`
	// Rebuilt is there where the row, or the place, is of before the journal took the place of another one.
	Rebuilt string `json:"rebuilt,omitempty" doc:"what the journal goes on from, and why it does not know more"`
	Lines   []Line `json:"lines" doc:"the events, in the order in which they happened"`
}

// Row is a row as its city sent it.
type Row struct {
	Source      string   `json:"source"`
	City        string   `json:"city,omitempty"`
	Topic       string   `json:"topic"`
	Generation  uint32   `json:"generation"`
	Partition   int32    `json:"partition"`
	Offset      int64    `json:"offset"`
	Event       string   `json:"event" doc:"stream@seq of the Ingested that holds it"`
	Run         int      `json:"run" doc:"index in the event"`
	First       int64    `json:"first" doc:"of the run"`
	Next        int64    `json:"next" doc:"of the run: the first offset that is not in it"`
	Ordinal     int64    `json:"ordinal" doc:"place among the rows of the run, from 0"`
	LeaderEpoch int32    `json:"leader_epoch"`
	ExtractTime *Time    `json:"extract_time"`
	Gaps        []GapSum `json:"gaps,omitempty" doc:"offsets of the run without a row"`
	Before      *Gap     `json:"gap_before,omitempty" doc:"the gap that ends where the row begins"`
	After       *Gap     `json:"gap_after,omitempty" doc:"the gap that begins behind it"`
	Record      *Record  `json:"record,omitempty"`
}

// Gap is a run of offsets without a row.
type Gap struct {
	First  int64  `json:"first"`
	Next   int64  `json:"next"`
	Reason string `json:"reason"`
}

// GapSum counts the gaps of one reason.
type GapSum struct {
	Reason  string `json:"reason"`
	Offsets int64  `json:"offsets"`
}

// Record is what the journal holds of the row itself.
type Record struct {
	Batch     Recorded `json:"batch"`
	Decodes   bool     `json:"decodes" doc:"false: the batch cannot be read, and nothing below is known"`
	Timestamp *Time    `json:"timestamp,omitempty" doc:"as the city stamped it"`
	Millis    int64    `json:"millis"`
	Null      bool     `json:"null,omitempty"`
	Bytes     int      `json:"bytes"`
	SHA256    string   `json:"sha256,omitempty" doc:"of the value as the city sent it"`
	XXH3      string   `json:"xxh3,omitempty" doc:"of the same bytes, 64 bits"`
	Text      *string  `json:"text,omitempty" doc:"the value itself, only when it was asked for"`
}

// Recorded is the record batch in which the broker sent the row.
type Recorded struct {
	First  int64  `json:"first"`
	Last   int64  `json:"last"`
	Bytes  int    `json:"bytes"`
	CRC32C string `json:"crc32c"`
}

// Place is where the hub has the row.
type Place struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Timestamp *Time  `json:"timestamp,omitempty" doc:"of the hub's record"`
}

// Loaded is the load that carried the row into the table.
type Loaded struct {
	Table   string `json:"table"`
	Label   string `json:"label"`
	Txn     int64  `json:"txn,omitempty" doc:"0: not known"`
	Visible *Time  `json:"visible"`
}

// Batch is a hub transaction or a Doris load, with what it carried.
type Batch struct {
	Event    string  `json:"event" doc:"stream@seq of its intent"`
	Replay   *Replay `json:"replay,omitempty" doc:"that it is of"`
	Label    string  `json:"label,omitempty" doc:"of a load"`
	Txn      int64   `json:"txn,omitempty"`
	Table    string  `json:"table,omitempty" doc:"of a replay into files the file, of one into nothing null"`
	Probe    bool    `json:"probe,omitempty" doc:"it only looked for rows that Doris refuses, and was never to be committed"`
	First    string  `json:"first" doc:"stream@seq of the first event that it carries"`
	Last     string  `json:"last"`
	Rows     int64   `json:"rows" doc:"that it carries, without the excluded ones"`
	Excluded int64   `json:"excluded"`
	Ranges   []Range `json:"ranges"`
}

// Replay is the plan by which rows are carried once more.
type Replay struct {
	Plan   string `json:"plan" doc:"its id"`
	Digest string `json:"digest" doc:"what was approved"`
	Into   string `json:"into" doc:"where the rows go, and how"`
	State  string `json:"state" doc:"of its life, now"`
	Who    string `json:"who" doc:"planned it"`
	Why    string `json:"why"`
}

// Range is what a batch has of one source partition and one hub partition.
type Range struct {
	Source     string `json:"source"`
	City       string `json:"city,omitempty"`
	Generation uint32 `json:"generation"`
	Partition  int32  `json:"partition"`
	First      int64  `json:"first" doc:"city offset of the first row"`
	Last       int64  `json:"last" doc:"city offset of the last row"`
	Rows       int64  `json:"rows" doc:"those among them that a load excludes too"`
	// Placed says that the hub's coordinates are known: of an intent that was aborted they are not.
	Placed       bool  `json:"placed"`
	HubPartition int32 `json:"hub_partition"`
	HubFirst     int64 `json:"hub_first"`
	HubLast      int64 `json:"hub_last"`
}

// Line is one event in the life of the row.
type Line struct {
	Time  *Time  `json:"time" doc:"by the word of the event, or else when its writer made it"`
	Event string `json:"event" doc:"stream@seq"`
	Hash  string `json:"hash"`
	Kind  string `json:"kind"`
	What  string `json:"what"`
}

// Time is a moment as the journal has it.
type Time struct {
	UTC   string `json:"utc"`
	Local string `json:"local" doc:"on the wall clock of the pipeline's zone"`
}
