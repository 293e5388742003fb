package origin

import (
	"context"
	"fmt"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// stream reads one stream of the journal up to ends that it is told, one after the other. Its
// reader stays open between them, until it is closed or sent elsewhere.
type stream struct {
	j  *journal.Journal
	s  domain.Stream
	at domain.Cursor // the last event that was taken
	r  *journal.Reader
}

func (s *stream) close() {
	if s.r != nil {
		s.r.Close()
		s.r = nil
	}
}

// after goes to the event with this seq, which counts as taken.
func (s *stream) after(ctx context.Context, seq domain.Seq) error {
	if s.at.Seq == seq {
		return nil
	}
	s.close()
	s.at = domain.Cursor{}
	if seq == 0 {
		return nil
	}
	e, err := s.j.Get(ctx, s.s, seq)
	if err == nil {
		s.at = e.Ref()
	}
	return err
}

// to hands out the events up to an end. After an error it stands behind the last event that was
// taken, and reads it again.
func (s *stream) to(ctx context.Context, end domain.Cursor, each func(*journal.Entry) error) error {
	for s.at.Seq < end.Seq {
		if s.r == nil {
			r, err := s.j.Read(ctx, s.s, s.at)
			if err != nil {
				return err
			}
			s.r = r
		}
		e, err := s.r.Next(ctx)
		if err == nil {
			err = s.is(e.Ref(), end)
		}
		if err == nil {
			err = each(e)
		}
		if err != nil {
			s.close()
			return err
		}
		s.at = e.Ref()
	}
	return nil
}

// is demands that an event is the end that was asked for, where that says which one it is.
func (s *stream) is(at, end domain.Cursor) error {
	if at.Seq != end.Seq || end.Hash.IsZero() || at.Hash == end.Hash {
		return nil
	}
	return &journal.IntegrityError{Stream: s.s, Seq: at.Seq, What: fmt.Sprintf("hash is %s, the end that was asked for has %s", at.Hash, end.Hash)}
}
