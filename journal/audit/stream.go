package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// HeadError says that a stream does not lead to a root that was signed.
type HeadError struct {
	Head  checkpoint.Head
	Found string
}

// Error says which checkpoint, and what is there.
func (e *HeadError) Error() string {
	return fmt.Sprintf("journal rewritten: the signed checkpoint of %s has root %s, and %s. Keep the files of every node", e.Head.Ref, e.Head.Root, e.Found)
}

// auditor reads one stream.
type auditor struct {
	j    *journal.Journal
	o    *Options
	told func(bytes int)
	out  *Stream

	heads []checkpoint.Head // of the stream, by seq, those still to come
	tree  frontier
	dec   batch.Decoder
}

func (a *auditor) stream(ctx context.Context) error {
	tail, err := a.j.Tail(ctx, a.out.Stream)
	if err != nil {
		return a.judge(err)
	}
	after := a.o.After[a.out.Stream]
	if a.o.Deep {
		after = domain.Ref{}
		for _, h := range a.o.Heads {
			if h.Ref.Stream == a.out.Stream {
				a.heads = append(a.heads, h)
			}
		}
		slices.SortFunc(a.heads, func(x, y checkpoint.Head) int { return int(int64(x.Ref.Seq) - int64(y.Ref.Seq)) })
	}
	a.out.From = after.Seq + 1
	if after.Seq >= tail.Seq {
		a.out.Last = after
		return nil
	}
	r := a.j.Continue(a.out.Stream, after)
	defer r.Close()
	for a.out.Last.Seq < tail.Seq {
		e, err := r.Next(ctx)
		if err == nil {
			err = a.entry(e)
		}
		if err != nil {
			return a.judge(err)
		}
		a.out.Last = e.Ref()
		a.out.Events++
		a.out.Bytes += int64(e.Size)
		a.told(e.Size)
	}
	if len(a.heads) > 0 {
		a.out.Wrong = &HeadError{a.heads[0], fmt.Sprintf("the stream ends at %d", a.out.Last.Seq)}
	}
	return nil
}

// judge makes what is wrong with the stream part of the result. Everything else is an error:
// nobody could look.
func (a *auditor) judge(err error) error {
	var broken *journal.IntegrityError
	var breach *journal.BreachError
	var head *HeadError
	var unknown *journal.UnknownKindError
	switch {
	case errors.As(err, &broken):
		a.out.Wrong = journal.Damaged(err)
	case errors.As(err, &breach), errors.As(err, &head), errors.As(err, &unknown):
		a.out.Wrong = err
	case errors.Is(err, journal.ErrNotFound):
		a.out.Wrong = &journal.BreachError{
			What: journal.BreachHole, Found: err.Error(),
			Anchor: journal.Anchor{Journal: a.j.ID(), Ref: domain.Ref{Stream: a.out.Stream, Seq: a.out.Last.Seq + 1}},
		}
	default:
		return fmt.Errorf("audit %s after %d: %w", a.out.Stream, a.out.Last.Seq, err)
	}
	return nil
}

// entry checks what is in an event, beyond its hash and its place.
func (a *auditor) entry(e *journal.Entry) error {
	if !a.o.Deep {
		return nil
	}
	a.tree.add(e.Hash)
	for len(a.heads) > 0 && a.heads[0].Ref.Seq == e.Seq {
		if root := a.tree.root(); root != a.heads[0].Root {
			return &HeadError{a.heads[0], fmt.Sprintf("the stored events have %s", root)}
		}
		a.heads = a.heads[1:]
		a.out.Heads++
	}
	in, is := e.Event.(*domain.Ingested)
	for i := 0; is && i < len(in.Runs); i++ {
		if err := a.run(&in.Runs[i]); err != nil {
			return &journal.IntegrityError{Stream: e.Stream, Seq: e.Seq, What: fmt.Sprintf("run %d of source %s partition %d: %v", i, in.Runs[i].Source, in.Runs[i].Partition, err)}
		}
	}
	return nil
}

// run compares the checksums of a run's batches, and its rows with what it says. Batches that
// do not decode were journaled as they came, and count by their header.
func (a *auditor) run(r *domain.Run) error {
	var rows int64
	for _, section := range r.Batches {
		for len(section) > 0 {
			h, b, rest, err := batch.Next(section)
			if err != nil {
				return err
			}
			if err := batch.CheckCRC(b); err != nil {
				return err
			}
			section = rest
			a.out.Batches++
			if h.Control() {
				continue
			}
			n, err := a.records(h, b, r)
			if err != nil {
				return err
			}
			rows += n
		}
	}
	var gaps int64
	for _, g := range r.Gaps {
		gaps += g.Span.Len()
	}
	if rows != r.Rows || r.Rows+gaps != r.Next-r.First {
		return fmt.Errorf("offsets [%d,%d) are said to be %d rows and %d of gaps, and the batches have %d rows", r.First, r.Next, r.Rows, gaps, rows)
	}
	a.out.Rows += rows
	return nil
}

func (a *auditor) records(h batch.Header, b []byte, r *domain.Run) (n int64, err error) {
	err = a.dec.Batch(h, b, r.First, r.Next, func(*batch.Record) error { n++; return nil })
	var undecodable *batch.DecodeError
	if errors.As(err, &undecodable) {
		return h.Overlap(r.First, r.Next), nil
	}
	return n, err
}
