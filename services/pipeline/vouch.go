package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// AskHub gives what the hub of a pipeline remembers of the journal in the progress partition
// of a shard. An error that has an exit code ends the process; another one is tried again.
type AskHub func(ctx context.Context, p *config.Pipeline, shard int) ([]journal.Anchor, error)

// Vouch opens a pipeline's journal as a start does: it is compared with everything that
// remembers it before an event is appended, and before a projection moves. In this order:
//
//   - the settings of its streams (journal.ErrDrift),
//   - the file of signed checkpoints beside it, and the manifest,
//   - the checkpoints on its own control stream, which is read whole, along the chain,
//   - the Merkle trees beside it: they end at an event that the stream has, and lead to the
//     roots that were signed,
//   - its segments: no event is missing before the end,
//   - its events, read along the chain: all that the store has, or with
//     journal.check_at_start: carried those that are still to be carried, and the ends,
//   - the hub: progress records, and the checkpoints in the progress topic. They alone are
//     no files of this host, so they tell also when all of these were put back from an older
//     copy. A hub that does not answer is waited for by whoever writes to it or for it.
//
// Errors: *journal.BreachError, journal.ErrMissing, ErrAnotherJournal and ErrDrift,
// *checkpoint.DamagedError and TreeError, and those of ask; each says what happened, where, and
// what to do.
func Vouch(ctx context.Context, c *config.Config, p *config.Pipeline, store *Store, role Role, ask AskHub, log *slog.Logger) (*journal.Journal, *journal.Control, error) {
	if err := store.Attest(ctx, p.Name); err != nil {
		return nil, nil, err
	}
	file, err := checkpoint.OpenFile(checkpoint.FilePath(c.DataDir))
	if err != nil {
		return nil, nil, err
	}
	v := &voucher{c: c, p: p, ask: ask, heads: map[domain.Stream][]domain.TreeHead{}, log: log}
	v.remember(file)
	if v.j, err = store.openJournal(ctx, c, p.Name, v.anchors, log); err != nil {
		return nil, nil, err
	}
	if v.control, err = v.j.OpenControl(ctx); err != nil {
		return nil, nil, err
	}
	for _, step := range []func(context.Context) error{v.signed, v.trees, v.check, v.whole, v.read} {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
	}
	if p.ReadHub != nil {
		log.WarnContext(ctx, "journal is not anchored outside this host: a pipeline that reads the hub writes nothing there", "pipeline", p.Name)
	} else if ask != nil && (role.Has(domain.LegIngest) || role.Has(domain.LegHub)) {
		err = v.hub(ctx)
	}
	return v.j, v.control, err
}

// voucher compares one pipeline's journal with what remembers it.
type voucher struct {
	c       *config.Config
	p       *config.Pipeline
	j       *journal.Journal
	control *journal.Control
	ask     AskHub
	log     *slog.Logger

	anchors []journal.Anchor
	heads   map[domain.Stream][]domain.TreeHead // that were signed
	may     []domain.Stream                     // that the journal may have
	streams map[domain.Stream]bool              // that it has, or had
}

// remember takes what the file has of this pipeline.
func (v *voucher) remember(f *checkpoint.File) {
	for _, h := range f.Heads() {
		if h.Ref.Stream.Pipeline != v.p.Name {
			continue
		}
		v.anchors = append(v.anchors, journal.Anchor{Journal: h.Journal, Ref: h.Ref, Where: "the file " + f.Path()})
		v.heads[h.Ref.Stream] = append(v.heads[h.Ref.Stream], h.TreeHead())
	}
}

// signed takes the streams that control names, and the newest checkpoints there.
func (v *voucher) signed(ctx context.Context) error {
	v.streams = map[domain.Stream]bool{}
	v.control.State(func(s *domain.ControlState) { v.may = s.Streams(v.p.Name, v.p.Shards) })
	for _, s := range v.may {
		there, err := v.j.Exists(ctx, s)
		if err != nil {
			return journal.Damaged(err)
		}
		if there {
			v.streams[s] = true
		}
	}
	v.control.State(func(s *domain.ControlState) {
		for at, h := range s.Heads {
			v.anchors = append(v.anchors, journal.Anchor{Journal: v.j.ID(), Ref: h.Ref, Where: "a checkpoint on control"})
			v.heads[at] = append(v.heads[at], h)
		}
	})
	for s := range v.heads {
		v.streams[s] = true
	}
	return nil
}

// trees looks at each tree of this journal, and takes its last event for an anchor.
func (v *voucher) trees(context.Context) error {
	list, err := checkpoint.Trees(v.c.DataDir, v.j.ID())
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := v.tree(s); err != nil {
			return err
		}
	}
	return nil
}

func (v *voucher) tree(s domain.Stream) (err error) {
	path := checkpoint.TreePath(v.c.DataDir, v.j.ID(), s)
	t, err := checkpoint.OpenTree(path)
	if err != nil {
		return err
	}
	size := domain.Seq(t.Size())
	if err := errors.Join(t.Vouch(path, v.heads[s]...), t.Close()); err != nil || size == 0 {
		return err
	}
	v.streams[s] = true
	v.anchors = append(v.anchors, journal.Anchor{
		Journal: v.j.ID(), Ref: domain.Ref{Stream: s, Seq: size}, Where: "the tree " + path,
		Holds: func(h domain.Hash) (holds bool, err error) {
			t, err := checkpoint.OpenTree(path)
			if err != nil {
				return false, err
			}
			holds, err = t.Holds(size, h)
			return holds, errors.Join(err, t.Close())
		},
	})
	return nil
}

// check demands every anchor so far.
func (v *voucher) check(ctx context.Context) error { return v.j.Check(ctx, v.anchors...) }

// whole demands that nothing is missing in the streams, and of those that are not there that
// nobody made them: who wrote the stream of a replay that has ended never looks for it again.
func (v *voucher) whole(ctx context.Context) error {
	dropped := map[domain.Stream]domain.Seq{}
	v.control.State(func(s *domain.ControlState) {
		for at, seq := range s.Dropped {
			dropped[at] = seq
		}
	})
	all := maps.Clone(v.streams)
	for _, s := range v.may {
		all[s] = true
	}
	for s := range all {
		if err := v.j.Whole(ctx, s, dropped[s]); err != nil {
			return err
		}
	}
	return nil
}

// hub demands what the hub remembers of every shard, and waits for its answer: events of a
// journal that is an older copy would get the seqs of those that the hub has.
func (v *voucher) hub(ctx context.Context) error {
	said := ""
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		anchors, err := v.askHub(ctx)
		var ends interface{ ExitCode() int }
		switch {
		case err == nil:
			return v.j.Check(ctx, anchors...)
		case errors.As(err, &ends):
			return err
		case err.Error() != said:
			said = err.Error()
			v.log.WarnContext(ctx, "what the hub remembers of the journal cannot be read, trying again; nothing is appended before",
				"pipeline", v.p.Name, "error", err, "hint", kafkaconn.Explain(err))
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

func (v *voucher) askHub(ctx context.Context) (all []journal.Anchor, err error) {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	for shard := range v.p.Shards {
		anchors, err := v.ask(ctx, v.p, shard)
		if err != nil {
			return nil, fmt.Errorf("shard %d: %w", shard, err)
		}
		all = append(all, anchors...)
	}
	return all, nil
}
