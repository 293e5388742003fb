package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// guard compares the hub's progress record with the stream. A record that names an
// event which is not there says that the journal is older than the world: appending to
// it would give the seqs of events that the hub already holds to other rows.
func (s *Shard) guard(ctx context.Context) error {
	if s.c.Guard == nil || s.guarded {
		return nil
	}
	record, err := s.c.Guard(ctx)
	if err != nil {
		return fmt.Errorf("read the progress record of %s before the first append: %w", s.stream, err)
	}
	if record != nil {
		in, err := s.regressed(ctx, record)
		if err != nil {
			return err
		}
		if in != nil {
			// Nothing but looking again is offered, so what Decide gives is an error.
			_, err := s.incidents.Decide(ctx, in)
			return err
		}
	}
	s.guarded = true
	return nil
}

func (s *Shard) regressed(ctx context.Context, record *domain.ProgressRecord) (*domain.Incident, error) {
	var tail, there domain.Ref
	e, err := s.j.Tail(ctx, s.stream)
	if err == nil {
		tail = e.Ref()
		if record.Cursor.Seq > 0 && record.Cursor.Seq <= tail.Seq {
			if e, err = s.j.Get(ctx, s.stream, record.Cursor.Seq); err == nil {
				there = e.Ref()
			}
		}
	}
	// An event may be gone because its segment was dropped, after the hub had it.
	dropped := errors.Is(err, journal.ErrNotFound) && tail.Seq >= record.Cursor.Seq
	switch {
	case err != nil && !errors.Is(err, journal.ErrNotFound):
		return nil, fmt.Errorf("compare %s with the progress record: %w", s.stream, err)
	case dropped && record.Journal == s.j.ID():
		return nil, nil
	}
	return judgeRecord(s.stream, s.j.ID(), record, tail, there), nil
}

// judgeRecord is nil when the stream holds the event that the hub's progress record
// names. tail and there are the stream's last event and the one at the record's seq,
// zero for none.
func judgeRecord(s domain.Stream, id domain.JournalID, record *domain.ProgressRecord, tail, there domain.Ref) *domain.Incident {
	c := record.Cursor
	if record.Journal == id && (c.Seq == 0 || there.Hash == c.Hash) {
		return nil
	}
	found := "the hub holds an ingest event that this journal does not"
	switch {
	case record.Journal != id:
		found = "the hub's progress record was written by another journal"
	case c.Seq <= tail.Seq:
		found = "another event stands where the hub's progress record points"
	}
	return domain.NewIncident(domain.IncidentJournalRegressed, s, "", nil,
		domain.Fact{Key: "found", Value: found},
		domain.Fact{Key: "record's journal", Value: record.Journal.String()},
		domain.Fact{Key: "this journal", Value: id.String()},
		domain.Fact{Key: "record's cursor", Value: fmt.Sprintf("%s %s", c, c.Hash)},
		domain.Fact{Key: "tail", Value: fmt.Sprintf("%s %s", tail, tail.Hash)},
		domain.Fact{Key: "do", Value: "keep every node's files; put the journal back that the hub was written from, then resolve with retry"})
}
