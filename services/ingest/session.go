package ingest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// session reads one source with one client.
type session struct {
	*source
	l      *leg
	cl     *kgo.Client
	topic  kafkaconn.Topic
	parts  map[int32]*partition
	groups map[int32]*group // by leader
	wake   chan struct{}    // holds a token when a group ended
}

func newSession(s *source, l *leg, cl *kgo.Client) *session {
	return &session{
		source: s, l: l, cl: cl, parts: map[int32]*partition{}, groups: map[int32]*group{}, wake: make(chan struct{}, 1),
	}
}

// run looks at the topic, reads it, and looks again whenever a broker refuses
// something, until the cluster no longer answers at all. nil: a bounded source has come
// to its end.
func (s *session) run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.tell(inner) })
	defer wg.Wait()
	defer cancel()
	// What is still queued must be journaled before the next session asks where to
	// go on. The only error is that the context ended, and then there is no next one.
	defer func() { _ = s.drain(ctx) }()
	defer s.stop()
	for {
		f, err := s.look(ctx)
		if err == nil && f == nil {
			if s.over() {
				return s.finish(ctx)
			}
			f, err = s.read(ctx)
		}
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		s.stop()
		if err := s.drain(ctx); err != nil {
			return err
		}
		if err := s.decide(ctx, f); err != nil {
			return err
		}
	}
}

// look describes the topic, and opens what is new in it.
func (s *session) look(ctx context.Context) (*finding, error) {
	t, err := kafkaconn.Describe(ctx, s.cl, s.Topic)
	if err != nil {
		return nil, err
	}
	if s.topic.Name == "" && t.MaxMessageBytes > s.l.c.maxRun() {
		s.log.WarnContext(ctx, "topic may send record batches that are larger than an event",
			"topic", s.Topic, "max_message_bytes", t.MaxMessageBytes, "event_bytes", s.l.c.maxRun())
	}
	s.topic = t
	if f := remade(s.l.stream, s.ID, s.l.done.of(s.ID), t); f != nil {
		return f, nil
	}
	return s.open(ctx)
}

// read gives every partition to the group of its leader, and waits until a group
// ends or it is time to look again. Groups that go on as they are are left alone.
func (s *session) read(ctx context.Context) (*finding, error) {
	if f, _ := s.reap(ctx); f != nil {
		return f, nil
	}
	timer := time.NewTimer(time.Until(s.assign(ctx)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, nil
		case <-s.wake:
		}
		if f, ended := s.reap(ctx); f != nil || ended {
			return f, nil
		}
	}
}

// assign starts and stops groups until each reads exactly the partitions that its
// leader leads and that do not rest. It returns when to look again.
func (s *session) assign(ctx context.Context) time.Time {
	want, again := s.wanted(ctx)
	for leader, g := range s.groups {
		if !slices.Equal(g.parts, want[leader]) || !g.current(s.topic) {
			s.end(leader, g)
		}
	}
	for leader, parts := range want {
		if s.groups[leader] != nil {
			continue
		}
		for _, p := range parts {
			p.reading = true
			p.follow(s.topic)
		}
		s.groups[leader] = s.start(ctx, leader, parts)
	}
	if len(s.parts) == 0 {
		s.well(ctx) // nothing of this source is ours
	}
	return again
}

// wanted lists the partitions that can be read now by their leader, and says when to
// look again. One that has come to its end is not read any more.
func (s *session) wanted(ctx context.Context) (map[int32][]*partition, time.Time) {
	now := time.Now()
	again := now.Add(s.l.c.Refresh)
	want := map[int32][]*partition{}
	for _, tp := range s.topic.Partitions {
		p := s.parts[tp.ID]
		switch {
		case p == nil, !p.reading && p.pos.Finished():
		case tp.Leader < 0:
			s.ail(tp.ID)
			s.trouble(ctx, leaderless(s.Topic, tp))
			again = minTime(again, now.Add(firstPause))
		case !p.reading && now.Before(p.rest):
			again = minTime(again, p.rest)
		default:
			want[tp.Leader] = append(want[tp.Leader], p)
		}
	}
	return want, again
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// reap takes back the partitions of groups that ended, and what they found.
func (s *session) reap(ctx context.Context) (f *finding, ended bool) {
	for leader, g := range s.groups {
		if !g.ended.Load() {
			continue
		}
		ended = true
		s.end(leader, g)
		if g.found != nil {
			f = g.found
		}
		for _, p := range g.parts {
			if p.err != nil {
				s.ail(p.id)
				s.trouble(ctx, p.err)
				p.err = nil
			}
		}
	}
	return f, ended
}

// end waits for a group; then its partitions are the session's again.
func (s *session) end(leader int32, g *group) {
	g.stop()
	delete(s.groups, leader)
	for _, p := range g.parts {
		p.reading = false
	}
}

// stop ends all groups.
func (s *session) stop() {
	for leader, g := range s.groups {
		s.end(leader, g)
	}
}

// drain waits until everything that was fetched is journaled.
func (s *session) drain(ctx context.Context) error {
	for _, p := range s.parts {
		pos, err := s.l.done.reach(ctx, s.ID, p.id, p.pos.Next)
		if err != nil {
			return err
		}
		p.pos = pos
	}
	return nil
}

// journal has an event of the source's own appended, after everything that it pushed
// before, and returns when it is durable.
func (s *session) journal(ctx context.Context, event func(draft) domain.ShardEvent) error {
	done := make(chan struct{})
	s.l.queue.push(s.number, item{event: event, done: done, weight: runOverhead, due: time.Now()})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-done:
		return nil
	}
}
