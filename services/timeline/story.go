// Package timeline tells an incident out of the events of a journal: what failed, began anew, was
// taken over, was left out, and what was decided, between two times; what flowed in the meantime,
// summed up; and which rows of which cities were touched by it, how late they came, and which are
// still not there. It reads events and nothing else, and sums up as it reads: how long the window
// is costs time, not memory.
package timeline

import (
	"time"

	"github.com/hefu-io/hefu/domain"
)

// Story is what happened to one pipeline between two times, which are in its time zone.
type Story struct {
	Pipeline string    `json:"pipeline"`
	Journal  string    `json:"journal" doc:"journal id"`
	Timezone string    `json:"timezone" doc:"of the pipeline, in which all times are"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to" doc:"the first moment that is not told"`
	Slow     string    `json:"slow" doc:"what takes longer than this is told"`
	Alive    []string  `json:"alive" doc:"the processes that owned streams when the window began"`
	Before   []string  `json:"before" doc:"what was so already when the window began: open incidents, paused sources, replays"`
	Lines    []*Line   `json:"lines" doc:"in the order in which it began"`
	LeftOut  int       `json:"lines_left_out" doc:"there were too many: a smaller window has them"`
	Sums     Counts    `json:"sums" doc:"of the whole window"`
	Found    int64     `json:"findings" doc:"of the reconciler that are new in the window"`
	Blast    []Touched `json:"blast_radius" doc:"what trouble touched, by city and partition"`
	Verdict  string    `json:"verdict"`
	// Good says that every row that trouble touched is where it belongs, or was left out for a
	// reason that is told, and that the reconciler found nothing new.
	Good bool `json:"good"`
}

// Line is something that happened.
type Line struct {
	At     time.Time  `json:"at"`
	Until  *time.Time `json:"until,omitempty" doc:"of what lasted, or happened again and again"`
	Event  string     `json:"event,omitempty" doc:"stream@seq, of the first one"`
	Kind   string     `json:"kind" doc:"of the event; Normal and Meanwhile sum up what flowed, Silence is a time without events"`
	What   string     `json:"what"`
	Times  int        `json:"times,omitempty" doc:"how often, of what happened more than once"`
	Ranges []Range    `json:"ranges,omitempty" doc:"the rows that it is about"`
	Later  string     `json:"later,omitempty" doc:"what became of it"`
	Counts *Counts    `json:"counts,omitempty" doc:"of a stretch of time"`
}

// Range is rows of one source partition.
type Range struct {
	City       string `json:"city,omitempty"`
	Source     string `json:"source"`
	Generation uint32 `json:"generation"`
	Partition  int32  `json:"partition"`
	First      int64  `json:"first" doc:"offset in the city"`
	Last       int64  `json:"last"`
	Rows       int64  `json:"rows" doc:"of a gap: offsets"`
}

// Counts sum up what flowed.
type Counts struct {
	Fetched      int64 `json:"fetched_rows"`
	Transactions int64 `json:"hub_transactions"`
	InHub        int64 `json:"hub_rows"`
	Loads        int64 `json:"loads"`
	Loaded       int64 `json:"loaded_rows"`
	Probes       int64 `json:"probes" doc:"loads that only looked for rows that Doris refuses"`
	Replays      int64 `json:"replay_batches"`
	Replayed     int64 `json:"replayed_rows"`
	Looks        int64 `json:"looks" doc:"of the reconciler"`
	Checkpoints  int64 `json:"checkpoints"`
	Archived     int64 `json:"archived_segments"`
	Dropped      int64 `json:"dropped_segments"`
}

// Touched is what trouble touched of one source partition.
type Touched struct {
	City       string        `json:"city,omitempty"`
	Source     string        `json:"source"`
	Generation uint32        `json:"generation"`
	Partition  int32         `json:"partition"`
	Offsets    []domain.Span `json:"offsets" doc:"in the city"`
	LeftOut    int           `json:"offsets_left_out,omitempty" doc:"so many spans more"`
	Rows       int64         `json:"rows" doc:"that were to be carried there"`
	Longest    int64         `json:"longest_ms" doc:"from the fetch to being visible, of the row for which it took longest"`
	NotThere   int64         `json:"not_there" doc:"rows that are still on their way"`
	Excluded   int64         `json:"excluded" doc:"rows that were left out"`
	Gone       int64         `json:"gone" doc:"offsets that hold no row, for a reason that is a finding"`
	Findings   int64         `json:"findings" doc:"of the reconciler"`
	Why        []string      `json:"why"`
}
