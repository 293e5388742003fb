package config

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hefu-io/hefu/domain"
)

// rules are those of a topic that is read, whosever it is.
func (r *Reading) rules(at string) []rule {
	fromGroup := r.Start == StartGroupOffsets
	byTime := r.Start == string(domain.StartTimestamp)
	byOffset := r.Start == string(domain.StartSpecificOffsets)
	rules := []rule{
		oneOf(at+".start", r.Start, StartEarliest, string(domain.StartLatest), StartGroupOffsets, string(domain.StartTimestamp), string(domain.StartSpecificOffsets)),
		only(at+".start_timestamp", r.StartTimestamp != "", byTime, "start: timestamp"),
		only(at+".start_timestamps", r.StartTimestamps != "", byTime, "start: timestamp"),
		only(at+".start_offsets", r.StartOffsets != "", byOffset, "start: specific-offsets"),
		only(at+".on_missing_cursor", r.OnMissingCursor != "", fromGroup, "start: "+StartGroupOffsets),
	}
	switch {
	case fromGroup:
		rules = append(rules,
			need(at+".group", r.Group, true, "the consumer group whose offsets are the start"),
			oneOf(at+".on_missing_cursor", r.OnMissingCursor, MissingEarliest, MissingLatest, MissingFail))
	case byTime:
		rules = append(rules,
			rule{at + ".start_timestamp", r.StartTimestamp != "" || r.StartTimestamps != "", "is missing", timesAllowed},
			parsed(at+".start_timestamp", r.StartTimestamp, domain.ParseTimestamp, timesAllowed),
			parsed(at+".start_timestamps", r.StartTimestamps, domain.ParseTimestamps, "partition:0,timestamp:1714536000000;…"))
	case byOffset:
		rules = append(rules,
			need(at+".start_offsets", r.StartOffsets, true, offsetsAllowed),
			parsed(at+".start_offsets", r.StartOffsets, domain.ParseOffsets, offsetsAllowed))
	}
	return append(append(rules, r.bounds(at)...),
		oneOf(at+".isolation", r.Isolation, ReadCommitted, ReadUncommitted),
		rule{at + ".catch_up", r.CatchUp == 0 || r.CatchUp >= 1<<10, fmt.Sprintf("is %v", r.CatchUp), "0B, which is no limit, or at least 1KiB a second"})
}

const (
	timesAllowed   = "milliseconds since 1970, or a time as in 2026-11-25T02:00:00+08:00"
	offsetsAllowed = "partition:0,offset:42;partition:1,offset:300"
)

// bounds are the rules of where it ends.
func (r *Reading) bounds(at string) []rule {
	byTime := r.Bounded == string(domain.StopTimestamp)
	byOffset := r.Bounded == string(domain.StopSpecificOffsets)
	rules := []rule{
		only(at+".bounded_timestamp", r.BoundedTimestamp != "", byTime, "bounded: timestamp"),
		only(at+".bounded_offsets", r.BoundedOffsets != "", byOffset, "bounded: specific-offsets"),
	}
	if r.Bounded != "" {
		rules = append(rules, oneOf(at+".bounded", r.Bounded,
			string(domain.StopLatest), string(domain.StopGroupOffsets), string(domain.StopTimestamp), string(domain.StopSpecificOffsets)))
	}
	switch {
	case r.Bounded == string(domain.StopGroupOffsets):
		rules = append(rules, need(at+".group", r.Group, true, "the consumer group whose offsets are the end"))
	case byTime:
		rules = append(rules,
			need(at+".bounded_timestamp", r.BoundedTimestamp, true, timesAllowed),
			parsed(at+".bounded_timestamp", r.BoundedTimestamp, domain.ParseTimestamp, timesAllowed))
	case byOffset:
		rules = append(rules,
			need(at+".bounded_offsets", r.BoundedOffsets, true, offsetsAllowed),
			parsed(at+".bounded_offsets", r.BoundedOffsets, domain.ParseOffsets, offsetsAllowed))
	}
	return rules
}

// parsed is a rule over a text that has a grammar; an empty one is somebody else's matter.
func parsed[T any](key, value string, parse func(string) (T, error), allowed string) rule {
	if value == "" {
		return rule{key: key, good: true}
	}
	if _, err := parse(value); err != nil {
		return rule{key, false, err.Error(), allowed}
	}
	return rule{key: key, good: true}
}

// topics are the rules of which topics a source reads: one, a list, or a pattern.
func (s *Source) topics(at string) []rule {
	given := 0
	for _, has := range []bool{s.Topic != "", len(s.Topics) > 0, s.TopicPattern != ""} {
		if has {
			given++
		}
	}
	if given == 0 {
		return []rule{topicName(at+".topic", s.Topic)}
	}
	rules := []rule{{at + ".topic", given == 1, "is given beside topics or topic_pattern", "one of topic, topics and topic_pattern"}}
	switch {
	case s.Topic != "":
		rules = append(rules, topicName(at+".topic", s.Topic))
	case s.TopicPattern != "":
		_, err := regexp.Compile(s.TopicPattern)
		rules = append(rules, need(at+".topic_pattern", s.TopicPattern, err == nil, "a regular expression (RE2: no look-around, no back references)"))
	default:
		rules = append(rules, each(at+".topics", s.Topics, topicName, topicsAllowed)...)
		rules = append(rules, unique(func(i int) string { return fmt.Sprintf("%s.topics[%d]", at, i) }, s.Topics, "each topic once")...)
	}
	return rules
}

// reads says whether a source reads a topic, as far as names tell.
func (s *Source) reads(topic string) bool {
	if s.TopicPattern != "" {
		re, err := regexp.Compile("^(?:" + s.TopicPattern + ")$")
		return err == nil && re.MatchString(topic)
	}
	return s.Topic == topic || slices.Contains(s.Topics, topic)
}
