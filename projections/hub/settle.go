package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// settle asks the hub what became of an intent without outcome and appends the
// answer. The same code settles the batch of a process that died and that of a leg
// that had an error a moment ago. The intent of a transaction is settled after fencing
// only.
//
// It returns where the hub partitions of the shard end: nothing of what is written from now
// on comes before that.
func (h *Hub) settle(ctx context.Context, cl *kgo.Client, w *journal.Writer, t topics, p *past) (ends map[int32]int64, err error) {
	from := int64(0)
	if p.commit != nil {
		from = p.commit.ProgressOffset
	}
	last, err := readProgress(ctx, cl, t.progress, h.cfg.Shard, from)
	if err != nil {
		return nil, err
	}
	if ends, err = highWater(ctx, cl, h.cfg, t.hub); err != nil {
		return nil, err
	}
	committed, err := h.committedEnds(ctx, w.Trail().Commit)
	if err != nil {
		return nil, err
	}
	found := domain.HubFound{
		Journal: h.j.ID(), ClusterID: t.hub.Cluster, TopicID: t.hub.ID,
		Commit: p.commit, CommitSemantic: p.commitSemantic, Begun: p.begun, BegunRef: p.begunRef, HighWater: ends, Ends: committed,
	}
	if found.Record, found.RecordKnown, err = h.recognized(ctx, p, last.fenced); err != nil {
		return nil, err
	}
	if found.Unfenced, found.UnfencedKnown, err = h.recognized(ctx, p, last.unfenced); err != nil {
		return nil, err
	}
	action, kind, facts := domain.SettleHub(found)
	if action == domain.HubCommit {
		record := last.fenced
		if !p.begun.Semantic.Exactly() {
			record = last.unfenced
		}
		if err := h.committed(ctx, w, p, record); err != nil {
			return nil, err
		}
		// It did happen, and the hub may have lost it again.
		found.Commit, found.CommitSemantic, found.Begun = p.commit, p.begun.Semantic, nil
		found.Ends = append(found.Ends, domain.CommittedEndsOf(p.commit, p.begun.Semantic)...)
		action, kind, facts = domain.SettleHub(found)
	}
	switch action {
	case domain.HubGoOn:
	case domain.HubAbort:
		err = h.aborted(ctx, w, p)
	case domain.HubAssume:
		err = h.assumed(ctx, w, p)
	default:
		return nil, h.incident(ctx, kind, facts)
	}
	if err != nil {
		return nil, err
	}
	h.reporter.Update(func(s *projections.Status) { s.Open = 0 })
	return ends, h.refused(ctx)
}

// recognized is a record as settling needs it, and whether the journal holds the very
// intent that it names.
func (h *Hub) recognized(ctx context.Context, p *past, r *progress) (*domain.ProgressRecord, bool, error) {
	switch {
	case r == nil:
		return nil, false, nil
	case r.Journal != h.j.ID() || r.Begun.Stream != h.stream || r.Begun.Seq > p.last:
		return &r.ProgressRecord, false, nil
	}
	e, err := h.j.Get(ctx, h.stream, r.Begun.Seq)
	if err != nil {
		return nil, false, err
	}
	return &r.ProgressRecord, e.Ref() == r.Begun, nil
}

// highWater is the end of each hub partition of the shard.
func highWater(ctx context.Context, cl *kgo.Client, cfg Config, topic kafkaconn.Topic) (map[int32]int64, error) {
	bounds, err := ownBounds(ctx, cl, cfg, topic.Name)
	high := map[int32]int64{}
	for p, b := range bounds {
		high[p] = b.HighWatermark
	}
	return high, err
}

// ownBounds are the bounds of the hub partitions of the shard.
func ownBounds(ctx context.Context, cl *kgo.Client, cfg Config, topic string) (map[int32]kafkaconn.Bounds, error) {
	all, err := kafkaconn.Offsets(ctx, cl, topic)
	own := map[int32]kafkaconn.Bounds{}
	for p := range cfg.Pipeline.HubPartitions {
		if domain.ShardOf(p, cfg.Pipeline.Shards) != cfg.Shard {
			continue
		}
		b, ok := all[p]
		if !ok {
			return nil, fmt.Errorf("end of hub partition %s/%d: %w", topic, p, errors.Join(err, errors.New("not told")))
		}
		own[p] = b
	}
	return own, nil
}

// aborted appends that the open intent did not happen: after fencing it never will.
func (h *Hub) aborted(ctx context.Context, w *journal.Writer, p *past) error {
	why := "the process that began it is gone"
	if h.attempt.begun == p.begunRef {
		why = h.attempt.err.Error()
	}
	crash.Point("hub.outcome.before")
	_, err := w.Append(ctx, &domain.HubAborted{
		Owned: w.Owned(), Trail: w.Trail(), Begun: p.begunRef, Why: why, FoundBy: h.finder(p.begun),
	})
	if err != nil {
		return err
	}
	crash.Point("hub.outcome.after")
	h.didNotHappen(p.begunRef)
	return nil
}

// committed appends that the open intent did happen, as its progress record says.
func (h *Hub) committed(ctx context.Context, w *journal.Writer, p *past, record *progress) error {
	c := &domain.HubCommitted{
		Owned: w.Owned(), Trail: w.Trail(), Begun: p.begunRef, Cursor: p.begun.Last, Runs: record.Runs,
		Time: p.begun.Time, ProgressOffset: record.Offset, Rows: record.rows(), Bytes: record.Bytes,
		Excluded: p.begun.Excluded, FoundBy: h.finder(p.begun),
	}
	crash.Point("hub.outcome.before")
	if _, err := w.Append(ctx, c); err != nil {
		return err
	}
	crash.Point("hub.outcome.after")
	p.commit = c
	h.remember(c, p.begun.Semantic)
	h.didHappen(c)
	return nil
}

// assumed ends an intent of the semantic none, of which nothing is asked: none of its
// rows counts as sent.
func (h *Hub) assumed(ctx context.Context, w *journal.Writer, p *past) error {
	c := &domain.HubCommitted{
		Owned: w.Owned(), Trail: w.Trail(), Begun: p.begunRef, Cursor: p.begun.Last, Time: p.begun.Time,
		Excluded: p.begun.Excluded, FoundBy: h.finder(p.begun),
	}
	if p.commit != nil {
		c.ProgressOffset = p.commit.ProgressOffset
	}
	if err := h.leaveOut(ctx, p.begun, c); err != nil {
		return err
	}
	crash.Point("hub.outcome.before")
	if _, err := w.Append(ctx, c); err != nil {
		return err
	}
	crash.Point("hub.outcome.after")
	p.commit = c
	h.didHappen(c)
	return nil
}

// leaveOut adds to an outcome the rows of its intent that it does not account for.
func (h *Hub) leaveOut(ctx context.Context, begun *domain.HubBegun, c *domain.HubCommitted) error {
	r, err := h.j.ReadFrom(ctx, h.ingestStream(), begun.First.Seq)
	if err != nil {
		return err
	}
	defer r.Close()
	left := slices.Clone(begun.Excluded)
	for {
		e, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if in, ok := e.Event.(*domain.Ingested); ok {
			left = append(left, domain.Unacknowledged(e.Seq, in, c.Runs, begun.Excluded)...)
		}
		if e.Seq == begun.Last.Seq {
			c.Excluded = left
			return nil
		}
	}
}

func (h *Hub) finder(b *domain.HubBegun) domain.Finder {
	if b.Incarnation == h.incarnation {
		return domain.FoundBySelf
	}
	return domain.FoundByNextOwner
}
