package hub

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// A hub topic that lost the end of a partition (an unclean leader election, an older copy of its
// disk) can be put right where nobody wrote on: each row goes back to the very offset that it
// had, so that the table, the books and every report stay true. The offset of a row is that of
// the partition's end at the moment it is written; so what stood between the rows and was none,
// markers and rows of aborted transactions, must take its offsets again.
//
//   - An offset without a row becomes the marker of a transaction without rows. Readers do not see
//     it; its coordinator lets none but the newest owner of the newest plan begin one.
//   - Rows are written outside of transactions: one that is aborted would burn their offsets for
//     ever. What makes each come once is the sequence that a partition demands of a producer: it is
//     the place of the row among those that are lost, under one producer id, whoever writes it. A
//     request that comes twice, or late, of an owner long replaced or of a plan that was cancelled,
//     is refused by the partition itself, for as long as it remembers a producer that is silent
//     (producer.id.expiration.ms, a day).
//   - There is no progress record. Where the partition ends says what is written; who opens the
//     leg reads that it is what belongs there (refill_look.go).

// fills reports whether the leg fills the live topic in.
func (h *Hub) fills() bool {
	return h.cfg.Replay != nil && h.cfg.Replay.Plan.Target.Mode == domain.ModeFillMissing
}

// openRefill is Open for a plan that fills the live topic in. Errors beside those of Open:
// *projections.Refusal where something else stands in the place of a row, or the topic is not
// the one that the journal wrote to.
func (h *Hub) openRefill(ctx context.Context) (projections.Leg, error) {
	w, err := h.j.Takeover(ctx, h.stream, h.incarnation, h.inForce())
	if err != nil {
		return nil, err
	}
	crash.Point("hub.opened.after")
	past, err := h.past(ctx, w.Trail())
	if err != nil {
		return nil, err
	}
	// No request is sent twice: one that was delayed would come in the midst of what its
	// successor does. A lost answer costs a new open, whose fence has a new epoch.
	// From version 5 on the end of a transaction gives another epoch back, and brokers take its
	// partitions from rows, of which there are none.
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.EndTxn), 4)
	opts := append([]kgo.Opt{kafkaconn.Log(h.log), kgo.RequestRetries(0), kgo.MaxVersions(versions)}, h.opts...)
	cl, err := kafkaconn.Dial(h.cfg.Kafka, opts...)
	if err != nil {
		return nil, err
	}
	leg, err := h.refillWith(ctx, cl, w, past)
	if err != nil {
		cl.Close()
		return nil, err
	}
	return leg, nil
}

// refillWith fences, looks at what is there and settles what is open.
func (h *Hub) refillWith(ctx context.Context, cl *kgo.Client, w *journal.Writer, past *past) (projections.Leg, error) {
	topic, err := wroteTo(ctx, cl, h.cfg, h.j.ID())
	if err != nil {
		return nil, err
	}
	laid, err := h.layOut(ctx, past)
	if err != nil {
		return nil, err
	}
	r := &refiller{
		cl: cl, topic: topic, tails: laid.tails, id: h.transactionalID(), timeout: h.cfg.TransactionTimeout,
		batchBytes: h.batchBytes(topic),
	}
	if err := r.fence(ctx); err != nil {
		return nil, h.refusal(ctx, cl, err)
	}
	crash.Point("hub.fenced.after")
	l := &leg{h: h, w: w, sender: h.wrap(r), cluster: topic.Cluster, topicID: topic.ID, maxRecord: h.maxRecord(topic), time: past.time, ends: map[int32]int64{}}
	if past.commit != nil {
		l.cursor = past.commit.Cursor
	}
	if l.cursor == h.cfg.Replay.Lane.Last && past.begun == nil {
		return l, nil // others write there again
	}
	if err := h.look(ctx, r); err != nil {
		return nil, err
	}
	if past.begun != nil {
		if err := h.settleRefill(ctx, w, past, laid); err != nil {
			return nil, err
		}
	}
	if past.commit != nil {
		l.cursor = past.commit.Cursor
	}
	h.opened = true
	return l, nil
}

// settleRefill puts on record what became of an intent without outcome: whether all its rows are
// there. Those of one that is not done stay, and are found by the next one.
func (h *Hub) settleRefill(ctx context.Context, w *journal.Writer, p *past, laid *laidOut) error {
	var err error
	if laid.isThere() {
		err = h.committed(ctx, w, p, &progress{
			ProgressRecord: domain.ProgressRecord{Runs: laid.open.Runs}, Bytes: laid.open.Bytes,
		})
		laid.pass()
	} else {
		err = h.aborted(ctx, w, p)
	}
	if err != nil {
		return err
	}
	h.reporter.Update(func(s *projections.Status) { s.Open = 0 })
	return h.refused(ctx)
}

// wroteTo is the hub topic as it is now, if it is the one that the journal's last transaction of
// the shard went to. Errors: *projections.Refusal where it is not, or cannot be filled in.
func wroteTo(ctx context.Context, cl *kgo.Client, cfg Config, journal domain.JournalID) (kafkaconn.Topic, error) {
	t, err := describe(ctx, cl, cfg.Pipeline.HubTopic, true)
	if err != nil {
		return t, unfit(err, kafkaconn.ErrNoTopic)
	}
	at, err := describe(ctx, cl, cfg.ProgressTopic, true)
	if err != nil {
		return t, unfit(err, kafkaconn.ErrNoTopic)
	}
	if err := hasPartition(at, cfg.Shard); err != nil {
		return t, err
	}
	last, err := readProgress(ctx, cl, at, cfg.Shard, 0)
	if err != nil {
		return t, err
	}
	r := furthest(last)
	refuse := func(format string, args ...any) (kafkaconn.Topic, error) {
		return t, &projections.Refusal{Reason: fmt.Sprintf("hub topic %s cannot be filled in: ", t.Name) + fmt.Sprintf(format, args...) + instead}
	}
	switch {
	case r == nil:
		return refuse("%s/%d has no progress record that says which topic this journal wrote to", at.Name, cfg.Shard)
	case r.Journal != journal:
		return refuse("the progress record in %s/%d@%d is of journal %s", at.Name, cfg.Shard, r.Offset, r.Journal)
	case r.ClusterID != t.Cluster:
		return refuse("the journal wrote to cluster %s, this is cluster %s", r.ClusterID, t.Cluster)
	case r.TopicID != t.ID:
		return refuse("the journal wrote to topic id %x, this one has %x: it was made anew", r.TopicID, t.ID)
	case t.ConfigKnown && t.TimestampType != "CreateTime":
		return refuse("message.timestamp.type is %s, under which rows would get the time of now: set it to CreateTime", t.TimestampType)
	}
	return t, nil
}

// instead is what to do where a topic cannot be filled in.
const instead = "; replay into a shadow topic instead (--into topic)"
