package config

// Reading is from where to where a topic is read, and how fast. Its words are Flink's
// (scan.startup.*, scan.bounded.*; flink-contract.md §1.3 to §1.5).
type Reading struct {
	Start           string `yaml:"start"`                       // a domain.StartAt; resolved once, when a source is first opened
	StartTimestamp  string `yaml:"start_timestamp,omitempty"`   // milliseconds since 1970, or RFC 3339; with start: timestamp
	StartTimestamps string `yaml:"start_timestamps,omitempty"`  // partition:0,timestamp:1714536000000;…: for partitions of their own
	StartOffsets    string `yaml:"start_offsets,omitempty"`     // partition:0,offset:42;…: with start: specific-offsets
	Group           string `yaml:"group,omitempty"`             // the consumer group: where to start, and told the position
	OnMissingCursor string `yaml:"on_missing_cursor,omitempty"` // a domain.OnMissingCursor; with start: group-offsets

	Bounded          string `yaml:"bounded,omitempty"` // a domain.StopAt
	BoundedTimestamp string `yaml:"bounded_timestamp,omitempty"`
	BoundedOffsets   string `yaml:"bounded_offsets,omitempty"`

	Isolation string `yaml:"isolation"`          // ReadCommitted or ReadUncommitted
	Paused    bool   `yaml:"paused,omitempty"`   // not read; its cursors stay
	CatchUp   Bytes  `yaml:"catch_up,omitempty"` // bytes a second while it is behind; 0: no limit
}

// The isolation levels.
const (
	ReadCommitted   = "read_committed"
	ReadUncommitted = "read_uncommitted"
)

// ReadHub makes the hub topic the one source of a pipeline: the original's second job alone.
type ReadHub struct {
	Reading `yaml:",inline"`
}
