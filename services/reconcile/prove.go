package reconcile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/report"
)

// Signing signs what the journal is. services/checkpoint has two of them: the running process,
// and one for a journal that nobody writes to.
type Signing interface {
	Key(ctx context.Context) (*checkpoint.Key, error)
	// Now gives the newest head of each stream of a pipeline, signed with Key, and beside it those
	// that others signed, with theirs, and that the tree was seen to go on from.
	Now(ctx context.Context, pipeline string) ([]checkpoint.Kept, error)
	Consistency(stream domain.Stream, old, next int64) ([]domain.Hash, error)
	Inclusion(stream domain.Stream, seq domain.Seq, size int64) ([]domain.Hash, error)
}

// Maker says who makes a report.
type Maker struct {
	Version string       // of the program
	Sync    string       // "always", or "assumed": whether the journal's store syncs each write
	Kept    *report.Kept // where reports are kept; nil: nobody kept any
}

// Prove compares with a Prover until everything that differs stands still, and gives the
// signed report as a file. Errors: what could not be read; the report then does not exist.
func Prove(ctx context.Context, p *Prover, signing Signing, by Maker) (*report.Report, []byte, error) {
	key, err := signing.Key(ctx)
	if err != nil {
		return nil, nil, err
	}
	before, err := signing.Now(ctx, p.p.Name)
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint before the look: %w", err)
	}
	r, err := Once(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	after, err := signing.Now(ctx, p.p.Name)
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint after the look: %w", err)
	}
	file, err := p.seal(ctx, r, signing, key, by, before, after)
	return r, file, err
}

// seal completes a report by what the journal was, and signs it.
func (p *Prover) seal(ctx context.Context, r *report.Report, signing Signing, key *checkpoint.Key, by Maker, before, after []checkpoint.Kept) ([]byte, error) {
	if err := p.accepted(ctx, r); err != nil {
		return nil, err
	}
	r.Journal.ID, r.Journal.Key, r.Journal.Sync = p.j.ID(), key.VerifierKey(), by.Sync
	created, err := p.j.Get(ctx, domain.ControlStream(p.p.Name), 1)
	if err != nil {
		return nil, err
	}
	if g, is := created.Event.(*domain.Genesis); is {
		r.Journal.Created = time.UnixMicro(int64(g.Created)).UTC()
	}
	if p.in.Control().Seq > 1 {
		second, err := p.j.Get(ctx, domain.ControlStream(p.p.Name), 2)
		if err != nil {
			return nil, err
		}
		if ev, is := second.Event.(*domain.Rebased); is {
			r.Journal.Rebased = report.RebasedOf(ev)
		}
	}
	if err := p.streams(r, signing, before, after); err != nil {
		return nil, err
	}
	if err := others(r, signing, after); err != nil {
		return nil, err
	}
	if err := by.previous(r, signing, after); err != nil {
		return nil, err
	}
	r.Software.Version = by.Version
	r.Software.Host, _ = os.Hostname() // empty where nobody knows it
	if r.Software.Binary, err = binary(); err != nil {
		return nil, err
	}
	r.Done = time.Now().UTC()
	return report.Seal(r, key)
}

// streams says of each stream what it was before and after the look.
func (p *Prover) streams(r *report.Report, signing Signing, before, after []checkpoint.Kept) error {
	last := map[domain.Stream]domain.Ref{p.in.Control().Stream: p.in.Control()}
	for _, l := range p.lanes {
		for _, ref := range []domain.Ref{l.to.Ingest, l.to.Hub, l.to.Doris} {
			last[ref.Stream] = ref
		}
	}
	delete(last, domain.Stream{})
	old := map[domain.Stream]checkpoint.Kept{}
	for _, h := range before {
		if h.Key == r.Journal.Key {
			old[h.Ref.Stream] = h
		}
	}
	for _, h := range after {
		if h.Key != r.Journal.Key {
			continue // see others
		}
		s := report.Stream{Stream: h.Ref.Stream, Before: old[h.Ref.Stream].Note, After: h.Note, Last: report.Ref(last[h.Ref.Stream])}
		delete(last, h.Ref.Stream)
		var err error
		if s.Before != "" {
			if s.Proof, err = signing.Consistency(s.Stream, int64(old[s.Stream].Ref.Seq), int64(h.Ref.Seq)); err != nil {
				return err
			}
		}
		if s.Last.Seq > 0 {
			if s.LastProof, err = signing.Inclusion(s.Stream, s.Last.Seq, int64(h.Ref.Seq)); err != nil {
				return err
			}
		}
		r.Journal.Streams = append(r.Journal.Streams, s)
	}
	for s, ref := range last { // that nobody signed
		r.Journal.Streams = append(r.Journal.Streams, report.Stream{Stream: s, Last: report.Ref(ref)})
	}
	slices.SortFunc(r.Journal.Streams, func(a, b report.Stream) int { return a.Stream.Compare(b.Stream) })
	return nil
}

// others adds the checkpoints that other processes signed of the streams that they write, each
// with the proof that this report's goes on from it.
func others(r *report.Report, signing Signing, after []checkpoint.Kept) error {
	size := sizes(r, after)
	for _, h := range after {
		if h.Key == r.Journal.Key {
			continue
		}
		proof, err := signing.Consistency(h.Ref.Stream, int64(h.Ref.Seq), int64(size[h.Ref.Stream]))
		if err != nil {
			return err
		}
		for i := range r.Journal.Streams {
			if s := &r.Journal.Streams[i]; s.Stream == h.Ref.Stream {
				s.Earlier = append(s.Earlier, report.Earlier{Note: h.Note, Proof: proof, Key: h.Key})
			}
		}
	}
	return nil
}

// sizes are those of the trees that the report's key signed.
func sizes(r *report.Report, heads []checkpoint.Kept) map[domain.Stream]domain.Seq {
	out := map[domain.Stream]domain.Seq{}
	for _, h := range heads {
		if h.Key == r.Journal.Key {
			out[h.Ref.Stream] = h.Ref.Seq
		}
	}
	return out
}

// previous names the report before this one, and proves that the journal goes on from it.
func (m *Maker) previous(r *report.Report, signing Signing, after []checkpoint.Kept) error {
	if m.Kept == nil {
		return nil
	}
	v, name, err := m.Kept.Last(r.Scope.Pipeline, r.Journal.Key)
	if err != nil || v == nil || v.Report.Journal.ID != r.Journal.ID {
		return err
	}
	r.Previous = &report.Previous{Name: name, Digest: v.Digest, Done: v.Report.Done}
	size := sizes(r, after)
	for _, h := range v.Heads() {
		for i := range r.Journal.Streams {
			s := &r.Journal.Streams[i]
			if s.Stream != h.Ref.Stream || size[s.Stream] == 0 {
				continue
			}
			proof, err := signing.Consistency(s.Stream, int64(h.Ref.Seq), int64(size[s.Stream]))
			if err != nil {
				return err
			}
			s.Earlier = append(s.Earlier, report.Earlier{Note: h.Note, Proof: proof})
		}
	}
	return nil
}

// accepted says of each finding who took it as it is.
func (p *Prover) accepted(ctx context.Context, r *report.Report) error {
	if len(r.Findings) == 0 {
		return nil
	}
	taken := map[domain.FindingID]*report.Accepted{}
	control := domain.ControlStream(p.p.Name)
	tail, err := p.j.Tail(ctx, control)
	if err != nil {
		return err
	}
	events, err := p.j.Read(ctx, control, domain.Cursor{})
	if err != nil {
		return err
	}
	defer events.Close()
	for seq := domain.Seq(0); seq < tail.Seq; seq++ {
		e, err := events.Next(ctx)
		if err != nil {
			return err
		}
		if a, is := e.Event.(*domain.Accepted); is {
			taken[a.Finding] = &report.Accepted{Who: a.Who, Why: a.Why, Ref: report.Ref(e.Ref())}
		}
	}
	for i := range r.Findings {
		r.Findings[i].Accepted = taken[r.Findings[i].ID]
	}
	return nil
}

// binary is the SHA-256 of the program that runs.
func binary() (h domain.Hash, err error) {
	name, err := os.Executable()
	if err != nil {
		return h, fmt.Errorf("find the program: %w", err)
	}
	f, err := os.Open(name)
	if err != nil {
		return h, fmt.Errorf("read the program: %w", err)
	}
	sum := sha256.New()
	if _, err = io.Copy(sum, f); err == nil {
		copy(h[:], sum.Sum(nil))
	}
	return h, errors.Join(err, f.Close())
}
