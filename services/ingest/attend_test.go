package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// uncounted makes a client one of the test, whose connections connected does not count.
var uncounted = kgo.SoftwareNameAndVersion("test", "1")

// connected is a stand-in that counts the connections that Hefu's clients made to it.
func connected(t *testing.T) (c kafkaconn.Config, connections *atomic.Int64) {
	t.Helper()
	k, c := standin(t)
	connections = new(atomic.Int64)
	k.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if req.(*kmsg.ApiVersionsRequest).ClientSoftwareName != "test" {
			connections.Add(1)
		}
		return nil, nil, false
	})
	return c, connections
}

// configure changes the sources of a running shard.
func (p *process) configure(config domain.Seq, sources ...ingest.Source) {
	p.t.Helper()
	if err := p.shard.Configure(sources, config); err != nil {
		p.t.Fatal(err)
	}
}

// shows waits until the shard shows these sources.
func (r *rig) shows(p *process, ids ...domain.SourceID) {
	r.t.Helper()
	wait(r.ctx, r.t, "sources are shown", func() (bool, string) {
		var got []domain.SourceID
		for _, s := range p.shard.Sources() {
			got = append(got, s.Source)
		}
		return slices.Equal(got, ids), p.said.String()
	})
}

// A source is added while another one's rows flow, removed, and added again: the other one's
// client and the leg stay as they are, and the source goes on exactly at its cursor.
func TestSourceComesAndGoes(t *testing.T) {
	ctx := deadline(t)
	c1, connections := connected(t)
	c2, others := connected(t)
	feeder, other := dial(t, c1, uncounted), dial(t, c2, uncounted)
	north, south := source(c1, newTopic(ctx, t, feeder, 2, nil)), source(c2, newTopic(ctx, t, other, 2, nil))
	south.ID, south.City, south.Base = "south", "320200", 4
	stopFeeding := keepProducing(ctx, t, feeder, dial(t, c1, uncounted, kgo.TransactionalID(unique("txn"))), north.Topic, 1)
	defer stopFeeding()
	r := newRig(ctx, t)
	p := r.start(config(north))
	flows := func() {
		t.Helper()
		before := p.shard.Sources()[0].Rows
		wait(ctx, t, "rows of the first source", func() (bool, string) { return p.shard.Sources()[0].Rows > before+50, p.said.String() })
	}
	flows()
	had := connections.Load()
	for turn := range domain.Seq(2) {
		produce(ctx, t, other, south.Topic, 0, 20)
		p.configure(10+turn, north, south)
		r.reaches(p, 1, other, south.Topic)
		produce(ctx, t, other, south.Topic, 1, 20)
		r.reaches(p, 1, other, south.Topic)
		produce(ctx, t, other, south.Topic, 1, 200) // it is taken away with rows on their way
		p.configure(20+turn, north)
		r.shows(p, "a")
		if got := r.marked(); !slices.Equal(got, []domain.SourceID{"south"}) {
			t.Errorf("turn %d: closed %v", turn, got)
		}
		flows()
	}
	p.configure(30, north, south)
	r.reaches(p, 1, other, south.Topic)
	flows()
	stopFeeding()
	r.reaches(p, 0, feeder, north.Topic)
	if now := connections.Load() - 2; now > had { // one that rested for long is made anew
		t.Errorf("%d connections to the first cluster, %d before anything changed", now, had)
	}
	if others.Load() == 0 || p.reporter.Status().Opens != 1 {
		t.Errorf("%d connections to the other, the leg was opened %d times", others.Load(), p.reporter.Status().Opens)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if got := r.closings(); !slices.Equal(got, []domain.SourceID{"south", "south"}) {
		t.Errorf("closed %v", got)
	}
	for _, e := range r.events() {
		if ev, ok := e.Event.(*domain.SourceOpened); ok && ev.Source == "south" && ev.Config != 10 {
			t.Errorf("%s: opened by configuration %d", e.Ref(), ev.Config)
		}
	}
	books := r.books()
	for partition := range int32(2) {
		r.matches(c1, north.Topic, place{"a", 1, partition}, books[place{"a", 1, partition}])
		r.matches(c2, south.Topic, place{"south", 1, partition}, books[place{"south", 1, partition}])
	}
}

// A paused source is not read, and says so; resumed it goes on. Other settings connect that
// one source anew.
func TestPauseAndOtherSettings(t *testing.T) {
	ctx := deadline(t)
	c1, connections := connected(t)
	c2, others := connected(t)
	feeder, other := dial(t, c1, uncounted), dial(t, c2, uncounted)
	north, south := source(c1, newTopic(ctx, t, feeder, 1, nil)), source(c2, newTopic(ctx, t, other, 1, nil))
	south.ID, south.City, south.Base = "south", "320200", 4
	r := newRig(ctx, t)
	p := r.start(config(north, south))
	both := func() {
		t.Helper()
		produce(ctx, t, feeder, north.Topic, 0, 5)
		produce(ctx, t, other, south.Topic, 0, 5)
		r.reaches(p, 0, feeder, north.Topic)
		r.reaches(p, 1, other, south.Topic)
	}
	both()
	had := connections.Load()
	paused := south
	paused.Paused = true
	p.configure(2, north, paused)
	at := p.status(ctx, "paused", 1, func(s ingest.SourceStatus) bool { return s.State == ingest.Paused })
	produce(ctx, t, other, south.Topic, 0, 5)
	produce(ctx, t, feeder, north.Topic, 0, 5)
	r.reaches(p, 0, feeder, north.Topic)
	if s := p.shard.Sources()[1]; s.State != ingest.Paused || s.Rows != at.Rows || s.Partitions[0].Next != 5 {
		t.Errorf("paused at %+v, and now %+v", at, s)
	}
	p.configure(3, north, south)
	both()
	connectedBefore := others.Load()
	south.Kafka.ClientID = "other"
	p.configure(4, north, south)
	wait(ctx, t, "another connection", func() (bool, string) { return others.Load() > connectedBefore, p.said.String() })
	both()
	if now := connections.Load(); now != had || p.reporter.Status().Opens != 1 {
		t.Errorf("%d connections to the untouched cluster, %d before; the leg was opened %d times", now, had, p.reporter.Status().Opens)
	}
	_ = p.stop()
	p = r.start(config(north, paused)) // paused from the start on, and never touched
	s := p.status(ctx, "paused", 1, func(s ingest.SourceStatus) bool { return s.State == ingest.Paused })
	if len(s.Partitions) != 1 || s.Partitions[0].Next != 20 {
		t.Errorf("paused at the start: %+v", s)
	}
	if err := p.shard.Configure([]ingest.Source{north, north}, 5); err == nil {
		t.Error("one source twice was taken")
	}
	_ = p.stop()
	books := r.books()
	r.matches(c2, south.Topic, place{"south", 1, 0}, books[place{"south", 1, 0}])
	if got := r.closings(); len(got) > 0 {
		t.Errorf("closed %v", got)
	}
}

// What a source has fetched is journaled before it is connected anew: the new client goes on
// behind it.
func TestOtherSettingsWithRowsOnTheirWay(t *testing.T) {
	ctx, c := deadline(t), kafka(t)
	cl := dial(t, c)
	s := source(c, newTopic(ctx, t, cl, 1, nil))
	r := newRig(ctx, t)
	room := r.withoutRoom(ctx)
	conf := config(s)
	conf.Linger = 300 * time.Millisecond
	p := r.start(conf)
	p.status(ctx, "running", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running && len(s.Partitions) == 1 })
	produce(ctx, t, cl, s.Topic, 0, 50)
	wait(ctx, t, "rows on their way", func() (bool, string) {
		got := p.shard.Sources()[0].Partitions[0]
		return got.LSO == 50 && got.Next == 0, p.said.String()
	})
	s.CatchUp = 1 << 30
	p.configure(2, s)
	pass(t, 100*time.Millisecond) // it waits for them
	close(room)
	r.reaches(p, 0, cl, s.Topic)
	produce(ctx, t, cl, s.Topic, 0, 50)
	r.reaches(p, 0, cl, s.Topic)
	_ = p.stop()
	if opens := p.reporter.Status().Opens; opens != 1 {
		t.Errorf("the leg was opened %d times\n%s", opens, p.said)
	}
	books := r.books()
	r.matches(c, s.Topic, place{"a", 1, 0}, books[place{"a", 1, 0}])
}

// A source that waits for an operator stays in its incident while others come and go, and
// when it gets other settings itself; what was decided is done.
func TestReloadInAnIncident(t *testing.T) {
	ctx := deadline(t)
	_, c := standin(t)
	cl := dial(t, c)
	ill, well := source(c, newTopic(ctx, t, cl, 1, nil)), source(c, newTopic(ctx, t, cl, 1, nil))
	well.ID, well.City, well.Base = "well", "320999", 3
	produce(ctx, t, cl, ill.Topic, 0, 5)
	r := newRig(ctx, t)
	conf := config(ill)
	conf.Refresh = 50 * time.Millisecond
	p := r.start(conf)
	r.reaches(p, 0, cl, ill.Topic)
	remake(r, cl, ill.Topic)
	in := r.incident(p, domain.IncidentSourceRecreated)
	inIncident := func(s ingest.SourceStatus) bool { return s.State == ingest.InIncident }
	p.status(ctx, "incident", 0, inIncident)
	p.configure(2, ill, well)
	produce(ctx, t, cl, well.Topic, 0, 5)
	r.reaches(p, 1, cl, well.Topic)
	if s := p.shard.Sources()[0]; !inIncident(s) {
		t.Errorf("after another one was added: %+v", s)
	}
	ill.CatchUp = 1 << 20
	p.configure(3, ill, well)
	p.status(ctx, "found again with other settings", 0, inIncident)
	open := 0
	r.incidents.Control.State(func(s *domain.ControlState) { open = len(s.Open()) })
	if open != 1 {
		t.Errorf("%d incidents are open", open)
	}
	cl = dial(t, c) // the other one remembers the topic's former id
	produce(ctx, t, cl, ill.Topic, 0, 7)
	r.resolve(in, domain.ChoiceNewGeneration)
	r.reaches(p, 0, cl, ill.Topic)
	_ = p.stop()
	books := r.books()
	r.matches(c, ill.Topic, place{"a", 2, 0}, books[place{"a", 2, 0}])
}

// Sources come, go, rest and change while rows flow and appends fail, having happened or not:
// in the end every row of every source is journaled once.
func TestReconfiguredAnywhere(t *testing.T) {
	for seed := range uint64(3) {
		ctx := deadline(t)
		_, c := standin(t, kfake.DefaultNumPartitions(2))
		cl := dial(t, c)
		var all []ingest.Source
		var stops []func()
		for i, id := range []domain.SourceID{"a", "b", "c"} {
			s := source(c, newTopic(ctx, t, cl, 2, nil))
			s.ID, s.City, s.Base = id, domain.City(id), int32(2*i)
			all = append(all, s)
			stops = append(stops, keepProducing(ctx, t, dial(t, c), dial(t, c, kgo.TransactionalID(unique("txn"))), s.Topic, seed+uint64(i)))
		}
		r := newRig(ctx, t)
		faults, mu := rand.New(rand.NewPCG(seed, 2)), sync.Mutex{}
		r.store.OnPut = func(s domain.Stream, _ domain.Seq, _ [][]byte) journal.Fault {
			if s.Leg != domain.LegIngest {
				return journal.FaultNone
			}
			mu.Lock()
			defer mu.Unlock()
			return journal.Fault(max(0, faults.IntN(20)-17)) // a tenth of the appends
		}
		rnd := rand.New(rand.NewPCG(seed, 3))
		conf := config(all...)
		conf.QueueBytes, conf.EventBytes, conf.FetchBytes = 256<<10, 8<<10, 16<<10
		p := r.start(conf)
		for turn := range domain.Seq(30) {
			var some []ingest.Source
			for _, s := range all {
				s.Paused = rnd.IntN(3) == 0
				s.Kafka.ClientID = []string{"one", "two"}[rnd.IntN(2)]
				if rnd.IntN(3) > 0 {
					some = append(some, s)
				}
			}
			if rnd.IntN(6) == 0 {
				if err := p.stop(); err != nil {
					t.Fatal(err)
				}
				conf.Sources, conf.ConfigSeq = some, turn
				p = r.start(conf)
			} else {
				p.configure(turn, some...)
			}
			select {
			case <-ctx.Done():
				t.Fatal(p.said)
			case <-time.After(time.Duration(rnd.IntN(60)) * time.Millisecond):
			}
		}
		for _, stop := range stops {
			stop()
		}
		p.configure(99, all...)
		for i := range all {
			r.reachesNamed(p, all[i].ID, cl, all[i].Topic)
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		books := r.books()
		for _, s := range all {
			for partition := range int32(2) {
				r.matches(c, s.Topic, place{s.ID, 1, partition}, books[place{s.ID, 1, partition}])
			}
		}
		if q := p.shard.Queue(); q.Held != 0 {
			t.Errorf("seed %d: %d bytes are held", seed, q.Held)
		}
	}
}

// reachesNamed waits until a source is journaled to the end of its topic, wherever it is
// shown.
func (r *rig) reachesNamed(p *process, id domain.SourceID, cl *kgo.Client, topic string) {
	r.t.Helper()
	bounds, err := kafkaconn.Offsets(r.ctx, cl, topic)
	if err != nil {
		r.t.Fatal(err)
	}
	wait(r.ctx, r.t, "source "+string(id)+" at the end", func() (bool, string) {
		next := map[int32]int64{}
		for _, s := range p.shard.Sources() {
			for _, at := range s.Partitions {
				if s.Source == id {
					next[at.Partition] = at.Next
				}
			}
		}
		for partition, b := range bounds {
			if next[partition] != b.HighWatermark {
				return false, fmt.Sprintf("%v, %v\n%s", next, bounds, p.said)
			}
		}
		return true, ""
	})
}
