package domain

import (
	"fmt"
	"strings"
)

// Rebased says that this journal takes the place of another one, which was lost, or was older
// than what its hub holds. It follows control's Genesis; what the new journal goes on from was
// derived from the rows of the hub and of the table, and approved by an operator. Nothing that
// lies before the positions is in this journal: the rows there are in the hub and in the table,
// and their way cannot be explained any more.
type Rebased struct {
	Digest    Hash      // of the plan that was approved
	Old       JournalID // the journal that was before, zero where nobody remembers one
	Known     []Ref     // the newest events of it that anybody remembers, by stream
	Evidence  []Fact    // where that was found
	Positions []RebasedPosition
	Hub       []RebasedHub
	Unproven  []Unproven // what the rows cannot tell
	Who       string
	Why       string
}

// RebasedPosition is where a source partition goes on: its rows before Next are in the hub, or
// are named in Unproven.
type RebasedPosition struct {
	Source     SourceID
	Generation Generation
	Partition  int32
	Next       int64
	How        string // how the number was found, for people
}

// RebasedHub is what a hub partition held: Rows records at offsets of Span, of which the table
// has InTable. Offsets below the span were deleted by the topic's retention.
type RebasedHub struct {
	Partition     int32
	Span          Span
	Rows, InTable int64
}

// Unproven is what a rebuilt journal cannot vouch for: the operator who approved it knew.
type Unproven struct {
	What  string // in words, without numbers
	Where string // "source north partition 1", "hub partition 3"
	Count int64  // offsets or rows, as What says
	Spans Spans  // of offsets, the first ones; empty where there are none to name
}

// String is one line for people.
func (u *Unproven) String() string {
	s := fmt.Sprintf("%s: %d %s", u.Where, u.Count, u.What)
	if len(u.Spans) == 0 {
		return s
	}
	named := int64(0)
	texts := make([]string, 0, len(u.Spans))
	for _, span := range u.Spans {
		texts = append(texts, span.String())
		named += span.Len()
	}
	s += ": " + strings.Join(texts, " ")
	if named < u.Count {
		s += " and more"
	}
	return s
}

// String is one line for people.
func (r *Rebased) String() string {
	old := "a journal that nobody remembers"
	if r.Old != (JournalID{}) {
		old = "journal " + r.Old.String()
	}
	return fmt.Sprintf("journal rebuilt from the rows of hub and table, in the place of %s: %d source partitions, %d things not proven; by %s: %s",
		old, len(r.Positions), len(r.Unproven), r.Who, r.Why)
}

// Kind implements Event.
func (*Rebased) Kind() Kind { return KindRebased }
func (*Rebased) sealed()    {}
