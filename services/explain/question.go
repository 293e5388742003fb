package explain

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// Question names a row or a batch, in one of five ways.
type Question struct {
	Pipeline string // empty: of whichever pipeline it is

	City       string // of a row, or Source
	Source     string
	Partition  int32 // -1: not given
	Offset     int64 // -1: not given
	Generation int   // 0: the newest that has the offset

	Hub   string // "<partition>:<offset>" of the hub topic
	Label string // of a Doris load, a replay's too
	Txn   int64  // of Doris, the same; 0: not given
	Event string // "<stream>@<seq>" of a hub transaction or a load: any of its events

	Record bool // the record's text as well
}

// AskError says what is wrong with a question, or that it fits no pipeline or several.
type AskError struct{ Reason string }

// Error is the reason.
func (e *AskError) Error() string { return e.Reason }

func ask(format string, args ...any) error { return &AskError{fmt.Sprintf(format, args...)} }

// Check demands that exactly one thing is asked for. Errors: *AskError.
func (q *Question) Check() error {
	ways := 0
	for _, given := range []bool{q.City != "" || q.Source != "", q.Hub != "", q.Label != "", q.Txn != 0, q.Event != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return ask("ask for one thing: --city (or --source) with --partition and --offset, --hub, --label, --txn or --event")
	case q.ofCity() && (q.Partition < 0 || q.Offset < 0):
		return ask("--partition and --offset say which row of the city it is")
	case !q.ofCity() && (q.Partition >= 0 || q.Offset >= 0 || q.Generation != 0):
		return ask("--partition, --offset and --generation go with --city or --source")
	case q.Generation < 0 || q.Txn < 0:
		return ask("generations and transactions are counted from 1")
	}
	if q.Hub != "" {
		if _, err := q.hub(); err != nil {
			return err
		}
	}
	if q.Label != "" {
		if _, ok := domain.ParseLabel(q.Label); !ok {
			return ask("label %q is none of Hefu's: they are hefu-<pipeline>-<shard>-<seq>-<12 hex digits>, of a replay with r<plan>- before the seq", q.Label)
		}
	}
	if q.Event != "" {
		_, _, err := q.event()
		return err
	}
	return nil
}

func (q *Question) ofCity() bool { return q.City != "" || q.Source != "" }

// String is the question in words.
func (q *Question) String() string {
	switch {
	case q.ofCity():
		name := "city " + q.City
		if q.Source != "" {
			name = "source " + q.Source
		}
		s := fmt.Sprintf("%s partition %d offset %d", name, q.Partition, q.Offset)
		if q.Generation > 0 {
			s += fmt.Sprintf(" generation %d", q.Generation)
		}
		return s
	case q.Hub != "":
		return "hub " + q.Hub
	case q.Label != "":
		return "label " + q.Label
	case q.Txn != 0:
		return fmt.Sprintf("Doris transaction %d", q.Txn)
	default:
		return "event " + q.Event
	}
}

// hub reads "<partition>:<offset>".
func (q *Question) hub() (domain.Coord, error) {
	p, o, ok := strings.Cut(q.Hub, ":")
	partition, err1 := strconv.ParseInt(p, 10, 32)
	offset, err2 := strconv.ParseInt(o, 10, 64)
	if !ok || err1 != nil || err2 != nil || partition < 0 || offset < 0 {
		return domain.Coord{}, ask("hub %q: want <partition>:<offset>", q.Hub)
	}
	return domain.Coord{Partition: int32(partition), Offset: offset}, nil
}

// event reads "<stream>@<seq>".
func (q *Question) event() (domain.Stream, domain.Seq, error) {
	name, number, ok := strings.Cut(q.Event, "@")
	seq, err1 := strconv.ParseUint(number, 10, 63)
	s, err2 := domain.ParseStream(name)
	_, replay := s.Leg.Plan()
	if !ok || err1 != nil || err2 != nil || seq == 0 || s.Leg != domain.LegHub && s.Leg != domain.LegDoris && !replay {
		return s, 0, ask("event %q: want an event of a hub or doris stream, as in bridge.0.hub@57, or of a replay's", q.Event)
	}
	return s, domain.Seq(seq), nil
}

// pipeline is the one that the question itself names, "" for none.
func (q *Question) pipeline() string {
	if parts, ok := domain.ParseLabel(q.Label); ok {
		return parts.Stream.Pipeline
	}
	if q.Event != "" {
		if s, _, err := q.event(); err == nil {
			return s.Pipeline
		}
	}
	return q.Pipeline
}
