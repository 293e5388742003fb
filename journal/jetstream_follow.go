package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/domain"
)

const (
	// followMessages is how many events a follower asks for ahead: they are a MiB each
	// on a busy stream, and deeper prefetch costs page faults (kafka-nats.md §3). A
	// limit in bytes would stall at an event that is larger than it.
	followMessages = 8
	// followHeartbeat: two of them missing mean that the consumer is gone, with the
	// server that held it.
	followHeartbeat = 2 * time.Second
	// followPatience is how long a follower tries before it says that nobody answers.
	followPatience = 30 * time.Second
)

// Follow implements Store with a consumer in the server's memory, made again when it
// is lost. It is not the client's ordered consumer: that one makes itself again
// inside Next for as long as it takes, whatever the context says.
func (j *JetStream) Follow(ctx context.Context, s domain.Stream, first, seq domain.Seq) (Follower, error) {
	f := &jsFollower{j: j, stream: SegmentName(s, first), next: uint64(seq)}
	return f, f.open(ctx)
}

type jsFollower struct {
	j      *JetStream
	stream string
	next   uint64                    // the sequence to hand out next
	m      jetstream.MessagesContext // nil: to be opened
	forget string                    // the subject that deletes its consumer
	fresh  bool                      // nothing came from m yet
}

func (f *jsFollower) open(ctx context.Context) error {
	c, err := f.j.js.CreateConsumer(ctx, f.stream, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: f.next, AckPolicy: jetstream.AckNonePolicy,
		InactiveThreshold: time.Minute, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		return fmt.Errorf("consumer of %s from %d: %w", f.stream, f.next, notFound(err))
	}
	f.forget = jetstream.DefaultAPIPrefix + "CONSUMER.DELETE." + f.stream + "." + c.CachedInfo().Name
	f.m, err = c.Messages(jetstream.PullMaxMessages(followMessages), jetstream.PullHeartbeat(followHeartbeat))
	if err != nil {
		return fmt.Errorf("consume %s from %d: %w", f.stream, f.next, err)
	}
	f.fresh = true
	return nil
}

// Next implements Follower. It takes a message off the consumer only to return it, so
// a Next that the context ended loses none.
func (f *jsFollower) Next(ctx context.Context) ([]byte, error) {
	var since time.Time
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		stored, ok, err := f.take(ctx)
		switch {
		case ok:
			return stored, nil
		case err == nil:
			continue
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, ErrNotFound) || f.j.nc.IsClosed():
			return nil, err
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > followPatience:
			return nil, err
		}
		f.Close()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// take gives the next event, or nothing when the consumer was made again to find one
// that was lost on its way here.
func (f *jsFollower) take(ctx context.Context) (stored []byte, ok bool, err error) {
	if f.m == nil {
		if err := f.open(ctx); err != nil {
			return nil, false, err
		}
	}
	m, err := f.m.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, false, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return nil, false, err
	}
	at := meta.Sequence.Stream
	if at != f.next && !f.fresh {
		f.Close()
		return nil, false, nil
	}
	// What a fresh consumer begins with is what the store has: if one is missing
	// there, the reader sees it.
	f.fresh, f.next = false, at+1
	return m.Data(), true, nil
}

// Close implements Follower. It asks the server to forget the consumer and does not wait for an
// answer: unasked, the server forgets it after a minute, and in that time a reader that asks many
// questions comes to the thousand that a stream may have.
func (f *jsFollower) Close() {
	if f.m != nil {
		f.m.Stop()
		f.m = nil
		_ = f.j.nc.Publish(f.forget, nil)
	}
}
