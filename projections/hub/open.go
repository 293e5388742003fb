package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// Open implements projections.Opener: it takes the hub stream over, fences the
// shard's transactional id with a new client, and only then reads the progress record
// and settles what it finds. When it returns no other writer can commit to the
// shard's hub partitions; with the weaker semantics, whose writes nothing fences, none
// can bring an outcome into the journal. Errors: *journal.FencedError, *domain.Incident,
// *projections.Refusal when the brokers do not allow what exactly-once needs and the leg
// was never open, and whatever else, after which it is tried again.
func (h *Hub) Open(ctx context.Context) (projections.Leg, error) {
	if h.fills() {
		return h.openRefill(ctx)
	}
	w, err := h.j.Takeover(ctx, h.stream, h.incarnation, h.inForce())
	if err != nil {
		return nil, err
	}
	crash.Point("hub.opened.after")
	past, err := h.past(ctx, w.Trail())
	if err != nil {
		return nil, err
	}
	cl, err := kafkaconn.Dial(h.cfg.Kafka, kafkaconn.Log(h.log))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	t, err := h.topics(ctx, cl, past)
	if err != nil {
		return nil, err
	}
	s, err := h.fence(ctx, cl, t.hub, past)
	if err != nil {
		return nil, err
	}
	crash.Point("hub.fenced.after")
	ends, err := h.settle(ctx, cl, w, t, past)
	if err == nil {
		err = h.endLost(ctx, cl, w, t.hub.Name)
	}
	if err == nil {
		err = h.overtaken(ctx, domain.IncidentID{}, "the hub has again what it had lost")
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	l := &leg{h: h, w: w, sender: s, cluster: t.hub.Cluster, topicID: t.hub.ID, maxRecord: h.maxRecord(t.hub), time: past.time, ends: ends}
	if past.commit != nil {
		l.cursor, l.progress = past.commit.Cursor, past.commit.ProgressOffset
	}
	h.opened = true
	h.tell(ctx, cl)
	return l, nil
}

// fence makes the sender. With exactly-once its first request ends every transaction of
// an earlier owner; with less a client of its own does that where one may be open.
func (h *Hub) fence(ctx context.Context, cl *kgo.Client, topic kafkaconn.Topic, p *past) (Sender, error) {
	version, err := kafkaconn.TransactionVersion(ctx, cl)
	if err != nil {
		return nil, err
	}
	c := senderConfig{
		kafka: h.cfg.Kafka, semantic: h.cfg.Semantic, transactional: h.transactionalID(), timeout: h.cfg.TransactionTimeout,
		topic: topic.Name, progress: h.cfg.ProgressTopic, shard: h.cfg.Shard,
		batchBytes: h.batchBytes(topic), version: version,
	}
	opts := append([]kgo.Opt{kafkaconn.Log(h.log)}, h.opts...)
	if p.begun != nil && p.begun.Semantic.Exactly() && !h.cfg.Semantic.Exactly() {
		fencing := c
		fencing.semantic = p.begun.Semantic
		s, err := openKgoSender(ctx, fencing, opts...)
		if err != nil {
			return nil, h.refusal(ctx, cl, err)
		}
		s.Close()
	}
	s, err := openKgoSender(ctx, c, opts...)
	if err != nil {
		return nil, h.refusal(ctx, cl, err)
	}
	return h.wrap(s), nil
}

// past is what the hub stream says: the last commit and what it promised, the intent
// without outcome, and the place and time of the last intent.
type past struct {
	commit         *domain.HubCommitted
	commitSemantic domain.Semantic
	begun          *domain.HubBegun
	begunRef       domain.Ref
	last           domain.Seq
	time           domain.Micros
}

// past reads at most three events beside the tail.
func (h *Hub) past(ctx context.Context, t domain.Trail) (*past, error) {
	p := &past{last: t.Begun}
	if t.Begun != 0 {
		b, ref, err := h.intent(ctx, t.Begun)
		if err != nil {
			return nil, err
		}
		p.time = b.Time
		if t.Open() {
			p.begun, p.begunRef = b, ref
		}
	}
	if t.Commit != 0 {
		var err error
		if p.commit, p.commitSemantic, err = h.commit(ctx, t.Commit); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (h *Hub) intent(ctx context.Context, seq domain.Seq) (*domain.HubBegun, domain.Ref, error) {
	e, err := h.j.Get(ctx, h.stream, seq)
	if err != nil {
		return nil, domain.Ref{}, err
	}
	b, ok := e.Event.(*domain.HubBegun)
	if !ok {
		return nil, domain.Ref{}, h.notThat(seq, domain.KindHubBegun, e)
	}
	return b, e.Ref(), nil
}

func (h *Hub) notThat(seq domain.Seq, want domain.Kind, e *journal.Entry) error {
	return &journal.IntegrityError{Stream: h.stream, Seq: seq, What: fmt.Sprintf("is %s, the tail says %s", e.Event.Kind(), want)}
}

// batchBytes is the largest record batch that the hub topic takes.
func (h *Hub) batchBytes(t kafkaconn.Topic) int {
	switch {
	case t.ConfigKnown:
		return int(min(t.MaxMessageBytes, maxBatchBytes))
	case h.cfg.MaxRecordBytes > 0:
		return min(h.cfg.MaxRecordBytes+batchOverhead, maxBatchBytes)
	default:
		return defaultBatchBytes
	}
}

// maxRecord is the largest value that the hub topic takes.
func (h *Hub) maxRecord(t kafkaconn.Topic) int {
	limit := h.batchBytes(t) - batchOverhead
	if h.cfg.MaxRecordBytes > 0 {
		limit = min(limit, h.cfg.MaxRecordBytes)
	}
	return limit
}

// ProgressGuard reads a shard's furthest progress record without fencing anybody: nil when
// the topic is not there or holds none. Ingest compares it with its own tail before its
// first append: a cursor beyond it, or another hash there, means that this journal is
// older than the hub.
func ProgressGuard(ctx context.Context, cfg Config) (*domain.ProgressRecord, error) {
	cl, err := kafkaconn.Dial(cfg.Kafka)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	t, err := kafkaconn.Describe(ctx, cl, cfg.ProgressTopic)
	if errors.Is(err, kafkaconn.ErrNoTopic) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := hasPartition(t, cfg.Shard); err != nil {
		return nil, err
	}
	last, err := readProgress(ctx, cl, t, cfg.Shard, 0)
	p := furthest(last)
	if p == nil {
		return nil, err
	}
	return &p.ProgressRecord, err
}
