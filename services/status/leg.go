package status

import (
	"time"

	"github.com/hefu-io/hefu/projections"
)

// LegReport is one leg of one shard.
type LegReport struct {
	Shard    int            `json:"shard"`
	Leg      string         `json:"leg"`
	State    string         `json:"state" enum:"opening,running,retrying,incident,stopped"`
	Since    time.Time      `json:"since" doc:"of the state"`
	Error    string         `json:"error,omitempty"`
	Waiting  string         `json:"waiting,omitempty" doc:"what rows are held back for"`
	Cursor   string         `json:"cursor" doc:"stream@seq of the last event that the target holds; empty for none"`
	Open     uint64         `json:"open_intent,omitempty" doc:"seq of the intent without an outcome"`
	Rows     int64          `json:"rows" doc:"since the process began"`
	Bytes    int64          `json:"bytes"`
	Excluded int64          `json:"excluded" doc:"rows that the target cannot carry, since the process began; the journal lists them"`
	Opens    int64          `json:"opens" doc:"how often the leg was opened"`
	Orphans  *OrphansReport `json:"orphans,omitempty" doc:"of a Doris leg that has looked for them"`
}

// OrphansReport is about loads that Doris holds without an end and that are not the one
// under way.
type OrphansReport struct {
	Checked   *time.Time `json:"checked,omitempty" doc:"when a look last got an answer"`
	Unchecked string     `json:"unchecked,omitempty" doc:"why the last look got none: then nothing is known"`
	Aborted   int64      `json:"aborted" doc:"since the process began"`
	Found     []Orphan   `json:"found" doc:"by the last look, the newest first"`
	More      int        `json:"more,omitempty" doc:"how many more it found"`
}

// Orphan is one of them.
type Orphan struct {
	Label string `json:"label"`
	Txn   int64  `json:"txn"`
	State string `json:"state"`
	Done  string `json:"done" doc:"what was done about it"`
}

func legReport(l projections.Status) LegReport {
	cursor := ""
	if !l.Cursor.IsZero() {
		cursor = l.Cursor.String()
	}
	return LegReport{
		Shard: l.Stream.Shard, Leg: string(l.Stream.Leg), State: string(l.State), Since: l.Since, Error: l.Error,
		Waiting: l.Waiting, Cursor: cursor, Open: uint64(l.Open), Rows: l.Rows, Bytes: l.Bytes, Excluded: l.Excluded,
		Opens: l.Opens, Orphans: orphansReport(l.Orphans),
	}
}

func orphansReport(o *projections.Orphans) *OrphansReport {
	if o == nil {
		return nil
	}
	r := &OrphansReport{Unchecked: o.Unchecked, Aborted: o.Aborted, Found: []Orphan{}, More: o.More}
	if !o.Checked.IsZero() {
		r.Checked = &o.Checked
	}
	for _, f := range o.Found {
		r.Found = append(r.Found, Orphan{Label: f.Label, Txn: f.Txn, State: f.State, Done: f.Done})
	}
	return r
}
