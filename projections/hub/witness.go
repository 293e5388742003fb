package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// The hub is a witness of the journal: beside the progress record, which names what the hub
// holds, a shard's partition of the progress topic has the newest signed checkpoints of its
// streams. A journal that was put back from an older copy, with everything on its host, is
// told by them, also when no row came since.
//
// They are written by a plain idempotent producer, outside of any transaction. They say
// nothing about the rows in the hub, so there is nothing to commit them with; a reader that
// misses the newest one knows less and nothing wrong; and a second transactional id in this
// partition could hold back its last stable offset, on which settling waits.
//
// Each incarnation has a key of its own. A process that was replaced and thaws may still
// write, and what it says was true; but compaction keeps the newest record of a key, and of
// one key it would be the older one. Readers take the highest of all. An owner removes the
// records of the incarnations before it when its own says as much.

// checkpointKey is the key of a shard's record of checkpoints.
func checkpointKey(shard int, incarnation domain.Seq) string {
	return checkpointPrefix(shard) + strconv.FormatUint(uint64(incarnation), 10)
}

func checkpointPrefix(shard int) string { return strconv.Itoa(shard) + "/checkpoint/" }

// checkpoints is such a record as it was found. It is decoded by whoever wants to know what
// it says: settling does not.
type checkpoints struct {
	value  []byte
	offset int64
}

func (c checkpoints) heads(topic string, shard int, incarnation domain.Seq) ([]checkpoint.Kept, error) {
	heads, err := checkpoint.DecodeKept(c.value)
	if err != nil {
		return nil, &WitnessError{Topic: topic, Partition: shard, Offset: c.offset, Key: checkpointKey(shard, incarnation), Why: err}
	}
	return heads, nil
}

// witnessed takes a record that is no progress record.
func (s *scan) witnessed(r *batch.Record) {
	name, ours := strings.CutPrefix(string(r.Key), checkpointPrefix(s.shard))
	incarnation, err := strconv.ParseUint(name, 10, 64)
	switch {
	case !ours || err != nil: // not ours
		return
	case len(r.Value) == 0:
		delete(s.last.checkpoints, domain.Seq(incarnation))
		return
	case s.last.checkpoints == nil:
		s.last.checkpoints = map[domain.Seq]checkpoints{}
	}
	s.last.checkpoints[domain.Seq(incarnation)] = checkpoints{bytes.Clone(r.Value), r.Offset}
}

// WitnessError says that a record of checkpoints in the hub is not as it was signed.
type WitnessError struct {
	Topic     string
	Partition int
	Offset    int64
	Key       string
	Why       error
}

// Error says what to do.
func (e *WitnessError) Error() string {
	return fmt.Sprintf("%s/%d@%d: the checkpoints under key %s are not as they were signed: %v: somebody else writes to this topic. "+
		"Verify the journal (hefu journal verify --deep), and only if that finds nothing remove the record with a null value under its key", e.Topic, e.Partition, e.Offset, e.Key, e.Why)
}

// Unwrap is why.
func (e *WitnessError) Unwrap() error { return e.Why }

// ExitCode is 2: only an operator can mend it.
func (e *WitnessError) ExitCode() int { return 2 }

// Anchors are what the hub remembers of the journal in a shard's progress partition: none
// when the topic is not there or has nothing of the shard. It fences nobody. Errors:
// *WitnessError, and that the hub does not answer.
func Anchors(ctx context.Context, cfg Config) ([]journal.Anchor, error) {
	cl, err := kafkaconn.Dial(cfg.Kafka)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	t, last, err := found(ctx, cl, cfg)
	if err != nil {
		return nil, err
	}
	where := func(what string, offset int64) string {
		return fmt.Sprintf("%s in the hub's %s/%d@%d", what, t.Name, cfg.Shard, offset)
	}
	var out []journal.Anchor
	for _, p := range []*progress{last.fenced, last.unfenced} {
		if p == nil {
			continue
		}
		for _, ref := range []domain.Ref{p.Begun, p.Cursor} {
			if ref.Seq > 0 {
				out = append(out, journal.Anchor{Journal: p.Journal, Ref: ref, Where: where("the progress record", p.Offset)})
			}
		}
	}
	for incarnation, c := range last.checkpoints {
		heads, err := c.heads(t.Name, cfg.Shard, incarnation)
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			out = append(out, journal.Anchor{Journal: h.Journal, Ref: h.Ref, Where: where("the signed checkpoint", c.offset)})
		}
	}
	return out, nil
}

// found reads the whole progress partition of a shard: nothing when there is no topic. Records
// of undecided transactions count: what a progress record names was in the journal before it
// was sent, whatever becomes of its transaction. Whoever died with one open would otherwise be
// waited for until it times out.
func found(ctx context.Context, cl *kgo.Client, cfg Config) (kafkaconn.Topic, records, error) {
	t, err := kafkaconn.Describe(ctx, cl, cfg.ProgressTopic)
	if errors.Is(err, kafkaconn.ErrNoTopic) {
		return t, records{}, nil
	}
	if err == nil {
		err = hasPartition(t, cfg.Shard)
	}
	if err != nil {
		return t, records{}, err
	}
	last, err := everything(ctx, cl, t, cfg.Shard)
	return t, last, err
}

// everything reads a shard's progress partition with what is undecided in it.
func everything(ctx context.Context, cl *kgo.Client, t kafkaconn.Topic, shard int) (records, error) {
	bounds, err := kafkaconn.Offsets(ctx, cl, t.Name)
	b, there := bounds[int32(shard)]
	if !there {
		return records{}, fmt.Errorf("checkpoints of shard %d: %w", shard, errors.Join(err, fmt.Errorf("no bounds of %s/%d", t.Name, shard)))
	}
	return (&scan{cl: cl, topic: t, shard: shard, pos: b.LogStart, undecided: true}).to(ctx, b.HighWatermark)
}

// Witness tells the hub what the journal is. It belongs to one goroutine.
type Witness struct {
	cfg         Config
	incarnation domain.Seq
	cl          *kgo.Client // nil: to be dialed
	opts        []kgo.Opt
	tidied      map[int]bool // by shard
}

// NewWitness makes the witness of a process; nothing is connected yet.
func NewWitness(cfg Config, incarnation domain.Seq) *Witness {
	return &Witness{cfg: cfg, incarnation: incarnation, tidied: map[int]bool{}}
}

// ErrNoProgressTopic says that the hub cannot be told yet: the hub leg has not made its
// progress topic.
var ErrNoProgressTopic = errors.New("the progress topic is not there yet")

// tellWithin bounds one record: another one follows.
const tellWithin = 10 * time.Second

// Tell writes the heads of a shard's streams, acknowledged by all in-sync replicas when it
// returns nil. After an error they may be there or not, and the next ones take their place.
// Errors: ErrNoProgressTopic.
func (w *Witness) Tell(ctx context.Context, shard int, heads []checkpoint.Kept) error {
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	err := w.tell(ctx, shard, heads)
	if err != nil {
		w.Close()
		return fmt.Errorf("tell %s/%d the checkpoints: %w", w.cfg.ProgressTopic, shard, err)
	}
	return nil
}

func (w *Witness) tell(ctx context.Context, shard int, heads []checkpoint.Kept) error {
	if w.cl == nil {
		cl, err := kafkaconn.Dial(w.cfg.Kafka, append([]kgo.Opt{
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0),
		}, w.opts...)...)
		if err != nil {
			return err
		}
		w.cl = cl
	}
	t, err := kafkaconn.Describe(ctx, w.cl, w.cfg.ProgressTopic)
	if errors.Is(err, kafkaconn.ErrNoTopic) {
		return ErrNoProgressTopic // a client that produced to it would make it, with other settings
	}
	if err == nil {
		err = hasPartition(t, shard)
	}
	if err != nil {
		return err
	}
	value, err := checkpoint.EncodeKept(heads)
	if err != nil {
		return err
	}
	if err := w.put(ctx, shard, w.incarnation, value); err != nil || w.tidied[shard] {
		return err
	}
	if err := w.tidy(ctx, t, shard, heads); err != nil {
		return err
	}
	w.tidied[shard] = true
	return nil
}

func (w *Witness) put(ctx context.Context, shard int, incarnation domain.Seq, value []byte) error {
	return w.cl.ProduceSync(ctx, &kgo.Record{
		Topic: w.cfg.ProgressTopic, Partition: int32(shard), Key: []byte(checkpointKey(shard, incarnation)), Value: value,
	}).FirstErr()
}

// tidy removes the records of earlier incarnations that say no more than the heads, which
// the hub has.
func (w *Witness) tidy(ctx context.Context, t kafkaconn.Topic, shard int, heads []checkpoint.Kept) error {
	last, err := everything(ctx, w.cl, t, shard)
	if err != nil {
		return err
	}
	for incarnation, c := range last.checkpoints {
		if incarnation >= w.incarnation {
			continue
		}
		old, err := c.heads(t.Name, shard, incarnation)
		if err != nil {
			return err
		}
		if !covers(heads, old) {
			continue
		}
		if err := w.put(ctx, shard, incarnation, nil); err != nil {
			return err
		}
	}
	return nil
}

// covers reports whether heads go at least as far as others do, stream by stream. A replay of
// which they say nothing has ended: control has the last head of its stream, and they go as far
// as control does.
func covers(heads, others []checkpoint.Kept) bool {
	at := map[domain.Stream]checkpoint.Kept{}
	for _, h := range heads {
		at[h.Ref.Stream] = h
	}
	for _, o := range others {
		h, ok := at[o.Ref.Stream]
		if _, replay := o.Ref.Stream.Leg.Plan(); replay && !ok {
			continue
		}
		if !ok || h.Journal != o.Journal || h.Ref.Seq < o.Ref.Seq {
			return false
		}
	}
	return true
}

// Close gives the connection back; Tell makes another one.
func (w *Witness) Close() {
	if w.cl != nil {
		w.cl.Close()
		w.cl = nil
	}
}
