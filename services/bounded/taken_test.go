package bounded

import (
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// shard is a journal whose three streams are written by hand.
type shard struct {
	t       *testing.T
	o       *pipeline.Open
	streams map[domain.Leg]*journal.Writer
}

func newShard(t *testing.T, direct, table bool) *shard {
	t.Helper()
	j, err := journal.Open(t.Context(), "p", journal.Options{Store: journal.NewMemory(), RegressedAfter: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	s := &shard{t: t, streams: map[domain.Leg]*journal.Writer{}}
	s.o = &pipeline.Open{Config: config.Pipeline{Name: "p"}, Journal: j, Configured: domain.PipelineConfig{Direct: direct, Shards: 1}}
	if table {
		s.o.Config.Doris = &config.Doris{}
	}
	return s
}

// append adds an event to a leg's stream, as its owner.
func (s *shard) append(leg domain.Leg, event func(*journal.Writer) domain.ShardEvent) domain.Ref {
	s.t.Helper()
	w := s.streams[leg]
	if w == nil {
		var err error
		if w, err = s.o.Journal.Takeover(s.t.Context(), domain.Stream{Pipeline: "p", Leg: leg}, 1, 1); err != nil {
			s.t.Fatal(err)
		}
		s.streams[leg] = w
	}
	ref, err := w.Append(s.t.Context(), event(w))
	if err != nil {
		s.t.Fatal(err)
	}
	return ref
}

func (s *shard) ingested(rows int64) domain.Ref {
	return s.append(domain.LegIngest, func(w *journal.Writer) domain.ShardEvent {
		gap := []domain.Gap{{Span: domain.Span{First: rows, Next: rows + 1}, Reason: domain.ReasonCommitMarker}}
		return &domain.Ingested{Owned: w.Owned(), Runs: []domain.Run{{Source: "a", Generation: 1, Next: rows + 1, Rows: rows, Gaps: gap}}}
	})
}

func (s *shard) hub(upTo domain.Ref, rows int64) domain.Ref {
	begun := s.append(domain.LegHub, func(w *journal.Writer) domain.ShardEvent {
		return &domain.HubBegun{Owned: w.Owned(), Trail: w.Trail(), First: upTo, Last: upTo}
	})
	return s.append(domain.LegHub, func(w *journal.Writer) domain.ShardEvent {
		return &domain.HubCommitted{Owned: w.Owned(), Trail: w.Trail(), Begun: begun, Cursor: upTo, Rows: rows}
	})
}

func (s *shard) doris(upTo domain.Ref) {
	begun := s.append(domain.LegDoris, func(w *journal.Writer) domain.ShardEvent {
		return &domain.DorisBegun{Owned: w.Owned(), Trail: w.Trail(), First: upTo, Last: upTo}
	})
	s.append(domain.LegDoris, func(w *journal.Writer) domain.ShardEvent {
		return &domain.DorisCommitted{Owned: w.Owned(), Trail: w.Trail(), Begun: begun, Cursor: upTo}
	})
}

// is holds what is decided against what is wanted.
func (s *shard) is(want bool, when string) {
	s.t.Helper()
	if got, err := taken(s.t.Context(), s.o, 0); got != want || err != nil {
		s.t.Errorf("%s: everything is taken: %t, %v; want %t", when, got, err, want)
	}
}

// A leg has taken everything when nothing with a row lies behind its last commit.
func TestTaken(t *testing.T) {
	s := newShard(t, false, true)
	s.is(true, "nothing was ever written")
	s.ingested(0)
	s.is(true, "markers only")
	rows := s.ingested(5)
	s.is(false, "rows in the journal")
	commit := s.hub(rows, 5)
	s.is(false, "rows in the hub")
	s.ingested(0)
	s.append(domain.LegHub, func(w *journal.Writer) domain.ShardEvent {
		return &domain.HubBegun{Owned: w.Owned(), Trail: w.Trail(), First: rows, Last: rows}
	})
	s.append(domain.LegHub, func(w *journal.Writer) domain.ShardEvent {
		return &domain.HubAborted{Owned: w.Owned(), Trail: w.Trail(), Why: "test"}
	})
	s.doris(commit)
	s.is(true, "rows in the table, then markers and an intent that came to nothing")
	excluded := s.ingested(3)
	s.is(false, "rows that will be left out")
	s.hub(excluded, 0)
	s.is(true, "rows that were left out: there is nothing to load")
	s.hub(s.ingested(2), 2)
	s.is(false, "more rows in the hub")
}

// A pipeline without a table ends at the hub, and one that reads the hub has no hub leg.
func TestTakenWithFewerLegs(t *testing.T) {
	s := newShard(t, false, false)
	s.hub(s.ingested(5), 5)
	s.is(true, "no table")
	s.hub(s.ingested(5), 5)
	s.ingested(1)
	s.is(false, "no table, rows in the journal")
	s = newShard(t, true, true)
	rows := s.ingested(5)
	s.is(false, "direct, rows in the journal")
	s.doris(rows)
	s.is(true, "direct, rows in the table")
}
