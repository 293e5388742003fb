package domain

import (
	"fmt"
	"sort"
)

// Span is a half-open run of offsets of one partition: First <= o < Next.
type Span struct {
	First int64 `json:"first"`
	Next  int64 `json:"next"`
}

// Len is the number of offsets in the span; never negative.
func (s Span) Len() int64 { return max(0, s.Next-s.First) }

// Contains reports whether an offset is in the span.
func (s Span) Contains(o int64) bool { return s.First <= o && o < s.Next }

// String is "[first,next)".
func (s Span) String() string { return fmt.Sprintf("[%d,%d)", s.First, s.Next) }

// Spans is a set of offsets of one partition: spans that are sorted, not empty,
// and neither overlap nor touch. The zero value is the empty set.
type Spans []Span

// Add puts a span into the set and returns it with what was already there.
func (s Spans) Add(in Span) (set, already Spans) {
	if in.Len() == 0 {
		return s, nil
	}
	i := sort.Search(len(s), func(i int) bool { return s[i].Next >= in.First })
	j := i
	merged := in
	for ; j < len(s) && s[j].First <= in.Next; j++ {
		if both := (Span{max(s[j].First, in.First), min(s[j].Next, in.Next)}); both.Len() > 0 {
			already = append(already, both)
		}
		merged = Span{min(merged.First, s[j].First), max(merged.Next, s[j].Next)}
	}
	set = make(Spans, 0, len(s)+1-(j-i))
	set = append(set, s[:i]...)
	set = append(set, merged)
	return append(set, s[j:]...), already
}

// Gaps is what is missing of the set inside a span.
func (s Spans) Gaps(in Span) Spans {
	var out Spans
	at := in.First
	for _, have := range s {
		if have.Next <= at {
			continue
		}
		if have.First >= in.Next {
			break
		}
		if have.First > at {
			out = append(out, Span{at, have.First})
		}
		at = have.Next
	}
	if at < in.Next {
		out = append(out, Span{at, in.Next})
	}
	return out
}

// Within is what of the set is inside a span.
func (s Spans) Within(in Span) Spans {
	var out Spans
	for i := sort.Search(len(s), func(i int) bool { return s[i].Next > in.First }); i < len(s) && s[i].First < in.Next; i++ {
		if both := (Span{max(s[i].First, in.First), min(s[i].Next, in.Next)}); both.Len() > 0 {
			out = append(out, both)
		}
	}
	return out
}

// Len is the number of offsets in the set.
func (s Spans) Len() int64 {
	var n int64
	for _, x := range s {
		n += x.Len()
	}
	return n
}

// Contains reports whether an offset is in the set.
func (s Spans) Contains(o int64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].Next > o })
	return i < len(s) && s[i].First <= o
}

// Reason says why an offset of a source partition carries no row.
type Reason uint8

// The reasons (architecture.md, "Ingest"). The first four are innocent (compacted
// only on a compacting topic), as is the start policy; every other one is a finding.
const (
	ReasonCommitMarker   Reason = 1 // end of a committed Kafka transaction
	ReasonAbortMarker    Reason = 2 // end of an aborted Kafka transaction
	ReasonAborted        Reason = 3 // data of an aborted transaction
	ReasonCompacted      Reason = 4 // removed by log compaction
	ReasonDeleted        Reason = 5 // below the log start: retention or DeleteRecords
	ReasonEpochTruncated Reason = 6 // cut by a change of leader
	ReasonTopicRecreated Reason = 7 // the topic was made anew
	ReasonStartPolicy    Reason = 8 // before the journaled start of the generation
	ReasonUnexplained    Reason = 9 // a hole on a topic that does not compact
)

// reasonNames are the words that reports and events use, by number.
func reasonNames() [10]string {
	return [...]string{
		"", "commit_marker", "abort_marker", "aborted", "compacted", "deleted",
		"epoch_truncated", "topic_recreated", "start_policy", "unexplained",
	}
}

// String is the word.
func (r Reason) String() string {
	if names := reasonNames(); r.Valid() {
		return names[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// UnmarshalText reads the word.
func (r *Reason) UnmarshalText(b []byte) error {
	for i, name := range reasonNames() {
		if i > 0 && name == string(b) {
			*r = Reason(i)
			return nil
		}
	}
	return fmt.Errorf("reason %q is not known", b)
}

// MarshalText is the word.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Reasons are all of them.
func Reasons() []Reason {
	out := make([]Reason, 0, ReasonUnexplained)
	for r := ReasonCommitMarker; r <= ReasonUnexplained; r++ {
		out = append(out, r)
	}
	return out
}

// Valid reports whether the reason is one of the closed set.
func (r Reason) Valid() bool { return r >= ReasonCommitMarker && r <= ReasonUnexplained }

// Innocent reports whether a gap with this reason is no finding.
func (r Reason) Innocent() bool {
	switch r {
	case ReasonCommitMarker, ReasonAbortMarker, ReasonAborted, ReasonCompacted, ReasonStartPolicy:
		return true
	default:
		return false
	}
}

// Gap is a run of offsets that carry no row, with the reason.
type Gap struct {
	Span   Span
	Reason Reason
}
