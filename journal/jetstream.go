package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/domain"
)

// Error codes of JetStream that decide something (nats-server, errors.json).
const (
	codeWrongLastSequence      jetstream.ErrorCode = 10071
	codeWrongLastSequenceConst jetstream.ErrorCode = 10164 // the same, on replicated streams
	codeMessageTooLarge        jetstream.ErrorCode = 10054
	codeSealed                 jetstream.ErrorCode = 10109
)

// JetStream is the Store on NATS JetStream: one JetStream stream a segment, with a
// subject of its own and the journal's seq as its sequence (FirstSeq).
type JetStream struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	replicas int
	timeout  time.Duration

	mu      sync.Mutex
	handles map[string]jetstream.Stream
	buffers sync.Pool
}

// NewJetStream makes a Store on a connection, which stays the caller's. replicas is
// the number of copies of new segments; timeout bounds one request (an append that
// takes longer is resolved, not failed).
func NewJetStream(nc *nats.Conn, replicas int, timeout time.Duration) (*JetStream, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(timeout))
	if err != nil {
		return nil, fmt.Errorf("jetstream: %w", err)
	}
	return &JetStream{nc: nc, js: js, replicas: max(1, replicas), timeout: timeout, handles: map[string]jetstream.Stream{}}, nil
}

// SegmentName is the JetStream stream of a segment (decisions.md, "Compatibility").
func SegmentName(s domain.Stream, first domain.Seq) string {
	if s.Leg == domain.LegControl {
		return fmt.Sprintf("HEFU_%s_control_%d", s.Pipeline, first)
	}
	return fmt.Sprintf("HEFU_%s_%d_%s_%d", s.Pipeline, s.Shard, s.Leg, first)
}

func subject(s domain.Stream, first domain.Seq) string {
	return fmt.Sprintf("hefu.%s.%d", s, first)
}

func (j *JetStream) config(s domain.Stream, first domain.Seq) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: SegmentName(s, first), Subjects: []string{subject(s, first)}, FirstSeq: uint64(first),
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1, MaxConsumers: -1,
		DenyDelete: true, DenyPurge: true, Replicas: j.replicas,
		// The expected sequence makes appends idempotent; a longer window only slows
		// the start after a clean stop (kafka-nats.md §3).
		Duplicates: 100 * time.Millisecond,
	}
}

// Segments implements Store. The names come from the cluster's own list; details come
// from each stream's leader, and a stream without one is left out of that list (and
// others come twice). A segment that is only not answering must never look missing.
func (j *JetStream) Segments(ctx context.Context, s domain.Stream) ([]Segment, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*j.timeout)
	defer cancel()
	filter := fmt.Sprintf("hefu.%s.*", s)
	silent := map[string]bool{}
	names := j.js.StreamNames(ctx, jetstream.WithStreamListSubject(filter))
	for name := range names.Name() {
		silent[name] = true
	}
	if err := names.Err(); err != nil {
		return nil, fmt.Errorf("names of segments: %w", err)
	}
	if len(silent) == 0 {
		return nil, nil
	}
	var out []Segment
	prefix := strings.TrimSuffix(SegmentName(s, 0), "0")
	list := j.js.ListStreams(ctx, jetstream.WithStreamListSubject(filter))
	for info := range list.Info() {
		name := info.Config.Name
		first, err := strconv.ParseUint(strings.TrimPrefix(name, prefix), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: stream %s takes the subjects of %s", ErrDrift, name, s)
		}
		if silent[name] {
			delete(silent, name)
			out = append(out, Segment{
				First: domain.Seq(first), Sealed: info.Config.Sealed, Bytes: int64(info.State.Bytes),
				Next: domain.Seq(info.State.LastSeq) + 1, Events: int64(info.State.Msgs),
			})
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("details of segments: %w", err)
	}
	for name := range silent {
		return nil, fmt.Errorf("stream %s: no leader answers", name)
	}
	sortSegments(out)
	return out, nil
}

// Create implements Store.
func (j *JetStream) Create(ctx context.Context, s domain.Stream, first domain.Seq) error {
	want := j.config(s, first)
	h, err := j.js.CreateStream(ctx, want)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		h, err = j.js.Stream(ctx, want.Name)
	}
	if err != nil {
		return fmt.Errorf("create stream %s: %w", want.Name, err)
	}
	if err := attest(want, h.CachedInfo().Config); err != nil {
		return err
	}
	j.mu.Lock()
	j.handles[want.Name] = h
	j.mu.Unlock()
	return nil
}

// Seal implements Store.
func (j *JetStream) Seal(ctx context.Context, s domain.Stream, first domain.Seq) error {
	h, err := j.handle(ctx, s, first)
	if err != nil {
		return err
	}
	c := h.CachedInfo().Config
	if c.Sealed {
		return nil
	}
	c.Sealed = true
	if _, err = j.js.UpdateStream(ctx, c); err == nil {
		return nil
	}
	// Whether it was sealed before this answer, the settings say.
	if info, ierr := h.Info(ctx); ierr == nil && info.Config.Sealed {
		return nil
	}
	return fmt.Errorf("seal stream %s: %w", c.Name, err)
}

// Drop implements Store. The settings deny deletes of messages and purges, to whoever has
// the connection; to take a whole stream away is another right and leaves no hole.
func (j *JetStream) Drop(ctx context.Context, s domain.Stream, first domain.Seq) error {
	name := SegmentName(s, first)
	j.mu.Lock()
	delete(j.handles, name) // else they add up
	j.mu.Unlock()
	if err := j.js.DeleteStream(ctx, name); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("drop stream %s: %w", name, err)
	}
	return nil
}

func (j *JetStream) handle(ctx context.Context, s domain.Stream, first domain.Seq) (jetstream.Stream, error) {
	name := SegmentName(s, first)
	j.mu.Lock()
	h := j.handles[name]
	j.mu.Unlock()
	if h != nil {
		return h, nil
	}
	h, err := j.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("stream %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", name, err)
	}
	j.mu.Lock()
	j.handles[name] = h
	j.mu.Unlock()
	return h, nil
}

// Put implements Store.
func (j *JetStream) Put(ctx context.Context, s domain.Stream, first, seq domain.Seq, parts [][]byte) error {
	buf, _ := j.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	b := (*buf)[:0]
	for _, p := range parts {
		b = append(b, p...)
	}
	*buf = b
	ctx, cancel := context.WithTimeout(ctx, j.timeout)
	defer cancel()
	_, err := j.js.PublishMsg(ctx, &nats.Msg{Subject: subject(s, first), Data: b},
		jetstream.WithExpectLastSequence(uint64(seq)-1), jetstream.WithRetryAttempts(0))
	// The connection has copied the bytes before PublishMsg waits for the ack, so the
	// buffer may be used again whatever the answer is.
	j.buffers.Put(buf)
	if err == nil {
		return nil
	}
	var api *jetstream.APIError
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		err = fmt.Errorf("%w: %d bytes, the server's max_payload is %d", ErrTooLarge, len(b), j.nc.MaxPayload())
	case !errors.As(err, &api):
	case api.ErrorCode == codeWrongLastSequence || api.ErrorCode == codeWrongLastSequenceConst:
		err = fmt.Errorf("%w: %w", ErrSequence, err)
	case api.ErrorCode == codeSealed:
		err = fmt.Errorf("%w: %w", ErrSealed, err)
	case api.ErrorCode == codeMessageTooLarge:
		err = fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return fmt.Errorf("put %s@%d: %w", s, seq, err)
}

// Get implements Store: STREAM.MSG.GET, which the leader answers; never a direct get.
func (j *JetStream) Get(ctx context.Context, s domain.Stream, first, seq domain.Seq) ([]byte, error) {
	h, err := j.handle(ctx, s, first)
	if err != nil {
		return nil, err
	}
	m, err := h.GetMsg(ctx, uint64(seq))
	if err != nil {
		return nil, fmt.Errorf("get %s@%d: %w", s, seq, notFound(err))
	}
	return m.Data, nil
}

// Last implements Store.
func (j *JetStream) Last(ctx context.Context, s domain.Stream, first domain.Seq) ([]byte, error) {
	h, err := j.handle(ctx, s, first)
	if err != nil {
		return nil, err
	}
	m, err := h.GetLastMsgForSubject(ctx, subject(s, first))
	if err != nil {
		return nil, fmt.Errorf("last of %s/%d: %w", s, first, notFound(err))
	}
	return m.Data, nil
}

func notFound(err error) error {
	if errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

// Size implements Store.
func (j *JetStream) Size(ctx context.Context, pipeline string) (int64, error) {
	var n int64
	list := j.js.ListStreams(ctx, jetstream.WithStreamListSubject(fmt.Sprintf("hefu.%s.>", pipeline)))
	for info := range list.Info() {
		n += int64(info.State.Bytes)
	}
	if err := list.Err(); err != nil {
		return 0, fmt.Errorf("size of pipeline %s's journal: %w", pipeline, err)
	}
	return n, nil
}
