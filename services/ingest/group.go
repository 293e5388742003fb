package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// Bounds of a group's patience.
const (
	// longPause is how long a group may not have heard from its leader before the log
	// is compared again: a process that was stopped may wake up to another log.
	longPause = 10 * time.Second
	// markersWait is how long an account without rows waits for rows before it gets
	// an event of its own.
	markersWait = time.Second
)

// Why a group ends without any harm to the partitions that were not refused.
var (
	errPause   = errors.New("paused for more than 10 s, the log is compared again")
	errRefused = errors.New("a partition was refused")
)

// group reads the partitions of one source that one broker leads, one fetch at a
// time. It ends at the first refusal; whatever it had fetched by then is queued.
type group struct {
	s      *session
	leader int32
	topic  kafkaconn.Topic
	parts  []*partition
	epochs []int32
	dec    batch.Decoder
	found  *finding // why it ended, if an operator must decide

	cancel context.CancelFunc
	ended  atomic.Bool // nothing is read any more
	done   chan struct{}
}

func (s *session) start(ctx context.Context, leader int32, parts []*partition) *group {
	inner, cancel := context.WithCancel(ctx)
	g := &group{s: s, leader: leader, topic: s.topic, parts: parts, cancel: cancel, done: make(chan struct{})}
	for _, p := range parts {
		g.epochs = append(g.epochs, p.epoch)
	}
	go func() {
		defer close(g.done)
		g.run(inner)
		g.ended.Store(true) // before the session is woken, which looks at it
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}()
	return g
}

// stop ends the group and waits for it.
func (g *group) stop() {
	g.cancel()
	<-g.done
}

// current reports whether the topic still is as the group reads it.
func (g *group) current(t kafkaconn.Topic) bool {
	if t.ID != g.topic.ID {
		return false
	}
	for i, p := range g.parts {
		for _, tp := range t.Partitions {
			if tp.ID == p.id && tp.LeaderEpoch != g.epochs[i] {
				return false
			}
		}
	}
	return true
}

// run compares the log with the journal where that is due, then fetches.
func (g *group) run(ctx context.Context) {
	found, err := g.compare(ctx)
	if found == nil && err == nil {
		found, err = g.fetch(ctx)
	}
	g.found = found
	if err == nil || ctx.Err() != nil {
		return
	}
	for _, p := range g.parts {
		switch {
		case errors.Is(err, errRefused):
		case errors.Is(err, errPause):
			p.verify = true
		case p.err == nil:
			p.fail(err)
		}
	}
}

// fetch reads until something is refused. A partition's own refusal is kept with it,
// and the others of the group are not concerned.
//
// The answer as a whole has no bound but the sum of the partitions': kfake leaves the
// list of aborted transactions out of an answer that it cuts at the whole's bound
// (01_fetch.go, "break full"), and their rows would count as committed.
func (g *group) fetch(ctx context.Context) (*finding, error) {
	budget, heard := g.s.l.budget, time.Now()
	for turn := 0; ; turn++ {
		ask := int64(0)
		for _, p := range g.parts {
			ask += p.ask
		}
		n, err := budget.reserve(ctx, g.s.number, ask)
		if err != nil {
			return nil, err
		}
		if time.Since(heard) > longPause {
			budget.replace(g.s.number, n, 0)
			return nil, errPause
		}
		answers, err := kafkaconn.Fetch(ctx, g.s.cl, g.leader, g.topic, g.request(turn, n, ask), kafkaconn.FetchOptions{
			MaxWait: g.s.l.c.MaxWait, MinBytes: 1, MaxBytes: math.MaxInt32, ReadCommitted: !g.s.Uncommitted,
		})
		if err != nil {
			budget.replace(g.s.number, n, 0)
			return nil, err
		}
		found, again := g.take(ctx, answers, n)
		if found != nil || !again {
			return found, errRefused
		}
		g.s.well(ctx)
		if err := g.hold(ctx, answers); err != nil {
			return nil, err
		}
		heard = time.Now()
	}
}

// hold waits when the source is behind and reads more than it may.
func (g *group) hold(ctx context.Context, answers []kafkaconn.Fetched) error {
	n, behind := int64(0), false
	for i := range answers {
		n += int64(len(answers[i].RecordBatches))
		behind = behind || answers[i].LSO > g.part(answers[i].Partition).pos.Next
	}
	return g.s.catchUp.hold(ctx, g.s.CatchUp, n, behind)
}

// request asks for every partition: n bytes in all, in proportion to what each would
// have. Each time another one is first, for only the first that has something comes
// with a batch that is larger than what was asked (KIP-74).
func (g *group) request(turn int, n, ask int64) []kafkaconn.FetchPartition {
	out := make([]kafkaconn.FetchPartition, 0, len(g.parts))
	for i := range g.parts {
		p := g.parts[(i+turn)%len(g.parts)]
		out = append(out, kafkaconn.FetchPartition{
			Partition: p.id, Offset: p.pos.Next, LeaderEpoch: p.epoch, MaxBytes: int32(max(1, p.ask*n/ask)),
		})
	}
	return out
}

// take queues what answers brought in place of the bytes that were reserved. again is
// false when a partition was refused.
func (g *group) take(ctx context.Context, answers []kafkaconn.Fetched, reserved int64) (found *finding, again bool) {
	var items []item
	held := int64(0)
	again = true
	for i := range answers {
		a := &answers[i]
		p := g.part(a.Partition)
		if g.s.Uncommitted {
			a.LSO = a.HighWatermark // how far it is read
		}
		if a.Err != nil {
			again = false
			if f := g.refused(ctx, p, a.Err); f != nil {
				found = f
			}
			continue
		}
		p.fails = 0
		p.want(a, int64(g.s.l.c.FetchBytes))
		g.s.observe(p.id, a)
		it, f, err := g.account(p, a)
		if err != nil {
			again = false
			p.fail(err)
		}
		if f != nil {
			found = f
		}
		if it != nil {
			held += it.charge
			items = append(items, *it)
		}
		if p.pos.Finished() {
			again = false // the session goes on without it
		}
	}
	g.s.l.budget.replace(g.s.number, reserved, held)
	g.s.l.queue.push(g.s.number, items...)
	return found, again
}

// refused keeps a partition's refusal with it, or makes a finding of it.
func (g *group) refused(ctx context.Context, p *partition, err error) *finding {
	if outOfRange(err) {
		f, boundsErr := g.ranged(ctx, p)
		if f != nil {
			return f
		}
		err = errors.Join(err, boundsErr)
	}
	p.fail(err)
	return nil
}

// account makes an item of one answer and moves the partition on, or a finding where
// the next batch cannot be journaled as it is. An answer that contradicts itself is an
// error, and is asked for again.
func (g *group) account(p *partition, a *kafkaconn.Fetched) (*item, *finding, error) {
	in := Fetched{
		Position: p.pos.Next, RecordBatches: a.RecordBatches, LogStart: a.LogStart, LSO: a.LSO,
		Uncommitted: g.s.Uncommitted, Compacted: g.topic.Compacted,
	}
	for _, t := range a.Aborted {
		in.Aborted = append(in.Aborted, AbortedTxn(t))
	}
	out, err := Classify(in, &g.dec)
	var f *finding
	switch {
	case errors.Is(err, ErrAbortedList):
		return nil, nil, fmt.Errorf("fetch %s/%d at %d from broker %d: %w", g.topic.Name, p.id, p.pos.Next, g.leader, err)
	case err != nil:
		f = badBatch(g.s.l.stream, g.s.ID, p.pos, out.Next, err)
	}
	if p.pos.Bounded && out.Next >= p.pos.Stop {
		f = nil // whatever lies behind the end is none of its business
		if err := out.Clip(p.pos.Stop); err != nil {
			return nil, nil, fmt.Errorf("fetch %s/%d at %d from broker %d: %w", g.topic.Name, p.id, p.pos.Next, g.leader, err)
		}
	}
	if out.Next == out.First {
		return nil, f, nil
	}
	it := g.item(p, &out)
	if most := g.s.l.c.maxRun(); it.weight > most {
		return nil, tooLarge(g.s.l.stream, g.s.ID, p.pos, it.weight, most), nil
	}
	if len(out.Batches) > 0 {
		it.charge = int64(len(a.RecordBatches))
	}
	p.pos.Next = out.Next
	if out.HasLast {
		p.pos.LeaderEpoch = out.LastEpoch
	}
	return it, f, nil
}

func (g *group) item(p *partition, out *Classified) *item {
	it := &item{run: run{
		Run: domain.Run{
			Source: g.s.ID, Generation: p.pos.Generation, Partition: p.id, LeaderEpoch: p.pos.LeaderEpoch,
			First: out.First, Next: out.Next, Rows: out.Rows, Gaps: out.Gaps, Batches: out.Batches,
		},
		topicID: g.topic.ID,
		last:    lastBatch{base: -1},
	}}
	wait := markersWait
	if out.HasLast {
		it.run.LeaderEpoch = out.LastEpoch
		it.run.last = lastBatch{base: out.LastBase, crc: out.LastCRC}
		wait = g.s.l.c.Linger
	}
	it.due = time.Now().Add(wait)
	it.weight = it.run.weight()
	return it
}

func (g *group) part(id int32) *partition {
	for _, p := range g.parts {
		if p.id == id {
			return p
		}
	}
	return nil
}
