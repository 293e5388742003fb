package config

import "github.com/hefu-io/hefu/domain"

// StartSpec is where the topic begins. The texts passed the rules, so that they parse.
func (r *Reading) StartSpec() domain.StartSpec {
	s := domain.StartSpec{At: domain.StartAt(r.Start), Missing: domain.OnMissingCursor(r.OnMissingCursor), Timestamp: -1}
	if r.StartTimestamp != "" {
		s.Timestamp, _ = domain.ParseTimestamp(r.StartTimestamp)
	}
	if r.StartTimestamps != "" {
		s.Timestamps, _ = domain.ParseTimestamps(r.StartTimestamps)
	}
	if r.StartOffsets != "" {
		s.Offsets, _ = domain.ParseOffsets(r.StartOffsets)
	}
	return s
}

// StopSpec is where the topic ends, if it does. The texts passed the rules.
func (r *Reading) StopSpec() domain.StopSpec {
	s := domain.StopSpec{At: domain.StopAt(r.Bounded)}
	if r.BoundedTimestamp != "" {
		s.Timestamp, _ = domain.ParseTimestamp(r.BoundedTimestamp)
	}
	if r.BoundedOffsets != "" {
		s.Offsets, _ = domain.ParseOffsets(r.BoundedOffsets)
	}
	return s
}
