package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

const progress = "progress"

// hubOf gives the keeper a hub, whose progress topic is not there yet, and two shards.
func (r *rig) hubOf() hub.Config {
	r.t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	r.ok(err)
	r.t.Cleanup(fake.Close)
	c := hub.Config{Kafka: kafkaconn.Config{Brokers: fake.ListenAddrs()}, ProgressTopic: progress}
	r.k.witness, r.k.o.Shards, r.k.interval = hub.NewWitness(c, r.k.o.Incarnation), []int{0, 1}, 20*time.Millisecond
	return c
}

// remembered is what the hub has of a shard.
func (r *rig) remembered(c hub.Config, shard int) (out []domain.Ref) {
	r.t.Helper()
	c.Shard = shard
	anchors, err := hub.Anchors(r.t.Context(), c)
	r.ok(err)
	for i := range anchors {
		out = append(out, anchors[i].Ref)
	}
	slices.SortFunc(out, func(a, b domain.Ref) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// A hub that cannot be told is told later, though nothing new is signed meanwhile; that its topic
// is not made yet is said to nobody but who asks. A shard's partition has the heads of its own
// streams, and control's.
func TestHubIsTold(t *testing.T) {
	r := newRig(t)
	c := r.hubOf()
	r.append(3)
	r.ok(r.due(r.k))
	if err := r.k.tellAll(t.Context()); !errors.Is(err, hub.ErrNoProgressTopic) {
		t.Fatalf("told without a topic: %v", err)
	}
	if s := r.k.status(); s.Error == "" || !s.Told.IsZero() || !s.Outside {
		t.Errorf("%+v", s)
	}
	ctx, stop := context.WithCancel(t.Context())
	var telling sync.WaitGroup
	telling.Go(func() { _ = r.k.tell(ctx) })
	defer func() { stop(); telling.Wait() }()
	until(t, "the news are taken", func() bool { return len(r.k.news) == 0 })
	<-time.After(10 * r.k.interval) // of tries: that there is another one does not hang on the first
	cl, err := kafkaconn.Dial(c.Kafka)
	r.ok(err)
	defer cl.Close()
	r.ok(kafkaconn.EnsureTopic(t.Context(), cl, progress, 2, kafkaconn.ProgressConfig()))
	until(t, "the hub was told", func() bool { return !r.k.status().Told.IsZero() })
	stop()
	telling.Wait()
	if s := r.k.status(); s.Error != "" {
		t.Errorf("%+v", s)
	}
	heads := r.heads()
	control := heads[domain.ControlStream("p")].Ref
	if got := r.remembered(c, 0); !slices.Equal(got, []domain.Ref{r.w.Tail(), control}) {
		t.Errorf("shard 0: %v, want %v and %v", got, r.w.Tail(), control)
	}
	if got := r.remembered(c, 1); !slices.Equal(got, []domain.Ref{control}) {
		t.Errorf("shard 1: %v, want %v", got, control)
	}
	if r.log.Len() > 0 {
		t.Errorf("said %s", &r.log)
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for late := time.Now().Add(30 * time.Second); !holds(); {
		if time.Now().After(late) {
			t.Fatalf("waited for: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// Whoever builds on what is signed now finds it on control; what control did not take is said
// with the next checkpoint.
func TestControlIsToldWhenItCounts(t *testing.T) {
	r := newRig(t)
	r.append(1)
	r.ok(r.due(r.k))
	r.append(1)
	_, err := r.k.now(t.Context())
	r.ok(err)
	if got := r.heads()[doris].Ref; got != r.w.Tail() {
		t.Errorf("control has %s, signed was %s", got, r.w.Tail())
	}
	r.append(1)
	r.store.MaxEvent = 1
	if _, err := r.k.now(t.Context()); err == nil {
		t.Fatal("control took an event that is too large")
	}
	r.store.MaxEvent = 0
	r.k.mu.Lock()
	r.k.at = r.k.at.Add(-r.k.interval)
	err = r.k.step(t.Context())
	r.k.mu.Unlock()
	r.ok(err)
	if got := r.heads()[doris].Ref; got != r.w.Tail() {
		t.Errorf("control has %s after it had refused, the stream %s", got, r.w.Tail())
	}
}

// What fails again and again is said once, and again when something else was in between.
func TestTroubleIsSaidOnce(t *testing.T) {
	r := newRig(t)
	trouble := errors.New("no space left on device")
	for _, err := range []error{trouble, trouble, nil, trouble} {
		r.ok(r.k.judge(t.Context(), err))
	}
	if n := bytes.Count(r.log.Bytes(), []byte("no space left")); n != 2 {
		t.Errorf("said %d times: %s", n, &r.log)
	}
}
