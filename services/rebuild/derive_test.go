package rebuild

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// small is one city with one partition of 100 offsets, a hub of two partitions, and a table.
func small() *world {
	p := config.DefaultPipeline()
	p.Name, p.Timezone, p.Hub.Topic = "bridge", "Asia/Shanghai", "hub"
	d := config.DefaultDoris()
	d.Database, d.Table = "ods", "t"
	p.Doris = &d
	src := config.DefaultSource()
	src.ID, src.City, src.Topic = "north", "320100", "rows"
	p.Sources = []config.Source{src}
	bounds := func(n int64) kafkaconn.Bounds { return kafkaconn.Bounds{LSO: n, HighWatermark: n} }
	w := &world{
		p: &p, m: &memory{}, starts: map[domain.SourceID]map[int32]int64{},
		hub: &hubRows{
			topic:  kafkaconn.Topic{Partitions: []kafkaconn.Partition{{ID: 0}, {ID: 1}}},
			bounds: map[int32]kafkaconn.Bounds{0: bounds(50), 1: bounds(50)},
			rows:   map[int32]*offsets{0: {}, 1: {}}, trails: map[trailKey]*trail{},
		},
		table: &tableRows{
			ends: &pipeline.TableEnds{Hub: map[int32]int64{}, Cities: map[domain.City]map[int32]int64{}},
			rows: map[int32]*offsets{0: {}, 1: {}},
		},
		cities: map[domain.SourceID]*cityTopic{"north": {
			topic: kafkaconn.Topic{Partitions: []kafkaconn.Partition{{ID: 0}}}, bounds: map[int32]kafkaconn.Bounds{0: bounds(100)},
		}},
	}
	return w
}

// put puts a row into the hub, and where times is more than 0 into the table.
func (w *world) put(h int32, offset int64, city string, partition, at int64, times int64) {
	w.hub.rows[h].add(offset)
	value := fmt.Sprintf(`{"sscsdm":%q,"city_partition_id":%d,"city_offset_id":%d}`, city, partition, at)
	w.hub.take(&kgo.Record{Partition: h, Offset: offset, Value: []byte(value)}, flink.NewHubReader(time.UTC))
	if times > 0 {
		w.table.rows[h].addTimes(offset, times)
		w.table.ends.Hub[h] = offset + 1
	}
}

func (w *world) derived(t *testing.T) *PipelinePlan {
	t.Helper()
	if err := w.desired(); err != nil {
		t.Fatal(err)
	}
	w.derive()
	return &w.plan
}

// TestDerive: each thing that the rows say or do not say, and what the plan makes of it.
func TestDerive(t *testing.T) {
	four := func(w *world) { // city offsets 3, 4, 7, 8 in hub partition 1 at 10, 11, 13, 14
		for i, at := range []int64{3, 4, 7, 8} {
			w.put(1, int64(10+i+i/2), "320100", 0, at, 1)
		}
	}
	for _, c := range []struct {
		name     string
		rows     func(*world)
		next     int64
		refused  []string // beginnings of what is said, in order
		unproven []string
	}{
		{"usual", four, 9, nil, []string{
			"source north partition 0: 3 offsets before its first row in the hub: not carried, or deleted there by retention: [0,3)",
			"source north partition 0: 2 offsets between its rows in the hub without one: markers, aborted rows, rows left out, or lost ones: [5,7)",
		}},
		{"nothing anywhere", func(*world) {}, 0, nil, nil},
		{
			"nothing anywhere, and not from the beginning", func(w *world) { w.p.Sources[0].Start = string(domain.StartLatest) }, -1,
			[]string{"source north partition 0 has no row in hub or table, and its start mode is not earliest-offset"},
			nil,
		},
		{"nothing anywhere, and the old journal says where", func(w *world) {
			w.p.Sources[0].Start = string(domain.StartLatest)
			key := domain.PartitionKey{Source: "north", Generation: 2}
			w.m.books = &pipeline.Books{
				Positions: []domain.Position{{Source: "north", Generation: 2}},
				Accounts:  []*domain.Account{{PartitionKey: key, First: 5, Gaps: map[domain.Reason]int64{domain.ReasonStartPolicy: 12}}},
			}
		}, 17, nil, nil},
		{"only in the table", func(w *world) { w.table.ends.Cities["320100"] = map[int32]int64{0: 40} }, 40, nil, nil},
		{
			"further in the table", func(w *world) { four(w); w.table.ends.Cities["320100"] = map[int32]int64{0: 40} }, 9,
			[]string{"source north partition 0: its furthest row in the hub is 8, in the table 39"},
			nil,
		},
		{
			"beyond the city's end", func(w *world) { w.put(1, 10, "320100", 0, 100, 1) }, 101,
			[]string{"source north partition 0 would go on at 101, and its log ends at 100: the topic was made anew or cut"},
			nil,
		},
		{"the city deleted rows", func(w *world) {
			four(w)
			w.cities["north"].bounds[0] = kafkaconn.Bounds{LogStart: 30, LSO: 100, HighWatermark: 100}
		}, 9, nil, []string{"source north partition 0: 21 offsets that the city has deleted: ingest stops there with source-out-of-range: [9,30)"}},
		{
			"offsets fall", func(w *world) { four(w); w.put(1, 16, "320100", 0, 0, 1) }, 9,
			[]string{"source north partition 0: its offsets in the hub fall from 8 to 0 at 1/16 (1 times)"},
			nil,
		},
		{"offsets fall, and the operator knows", func(w *world) {
			four(w)
			w.put(1, 16, "320100", 0, 0, 1)
			w.starts["north"] = map[int32]int64{0: 1}
		}, 1, nil, nil},
		{"two topics of a city", func(w *world) {
			other := w.p.Sources[0]
			other.ID, other.Topic = "north2", "rows2"
			w.p.Sources = append(w.p.Sources, other)
			w.cities["north2"] = w.cities["north"]
			four(w)
		}, -1, []string{"source north partition 0: city 320100 is fed by several topics", "source north2 partition 0: city 320100 is fed by several topics"}, nil},
		{
			"scattered", func(w *world) { four(w); w.put(0, 3, "320100", 0, 20, 1) }, 21, nil,
			[]string{"source north partition 0: 5 rows in 2 hub partitions, whose order is not told, nor what is missing between them"},
		},
		{"strangers", func(w *world) {
			four(w)
			w.put(0, 3, "999999", 0, 20, 1)
			w.hub.take(&kgo.Record{Value: []byte("no row")}, flink.NewHubReader(time.UTC))
			w.hub.take(&kgo.Record{Value: []byte(`{"sscsdm":"320100"}`)}, flink.NewHubReader(time.UTC))
		}, 9, nil, []string{
			"hub topic: 1 records that are no row of the hub's format", "hub topic: 1 rows that do not say where their city has them",
			"city 999999: 1 rows of a city that no source has",
		}},
		{
			"a partition less", func(w *world) { four(w); w.put(0, 3, "320100", 1, 20, 1) }, 9, nil,
			[]string{"source north partition 1: 1 rows of a partition that its topic does not have now"},
		},
		{"rows without their places", func(w *world) {
			w.hub.take(&kgo.Record{Value: []byte(`{"sscsdm":"320100"}`)}, flink.NewHubReader(time.UTC))
		}, 0, []string{"source north partition 0 has no row in hub or table that says so, and the hub has 1 that do not say which city row they are"}, nil},
		{
			"the table is behind", func(w *world) { four(w); w.put(1, 20, "320100", 0, 9, 0); w.put(0, 7, "320100", 1, 0, 0) }, 10,
			[]string{"the hub has 2 rows beyond the end of table ods.t"},
			nil,
		},
		{
			"the table lacks rows", func(w *world) { w.put(1, 7, "320100", 0, 1, 0); w.put(1, 8, "320100", 0, 2, 0); four(w) }, 9, nil,
			[]string{"hub partition 1: 2 rows that the table lacks, below its end: left out by the old journal, or lost: [7,9)"},
		},
		{"the table has more", func(w *world) {
			w.table.rows[1].addTimes(2, 3)
			four(w)
		}, 9, nil, []string{
			"hub partition 1: 1 rows of the table at offsets where the hub has none: [2,3)", "hub partition 1: 2 rows that the table has more than once",
		}},
		{
			"the hub is younger than the table", func(w *world) { four(w); w.table.ends.Hub[0] = 51 }, 9,
			[]string{"hub partition 0 ends at 50, and the table has rows of it up to 50"},
			nil,
		},
		{
			"an open transaction", func(w *world) { four(w); w.hub.bounds[0] = kafkaconn.Bounds{LSO: 40, HighWatermark: 50} }, 9,
			[]string{"hub partition 0: a transaction is open from offset 40 on"},
			nil,
		},
		{"an open load", func(w *world) {
			four(w)
			w.table.open = []projections.Orphan{{Label: "hefu-bridge-0-7-aa", Txn: 4, State: "PRECOMMITTED"}}
		}, 9, []string{"load hefu-bridge-0-7-aa (transaction 4) is PRECOMMITTED"}, nil},
		{"retention of the hub", func(w *world) {
			four(w)
			w.hub.bounds[1] = kafkaconn.Bounds{LogStart: 10, LSO: 50, HighWatermark: 50}
		}, 9, nil, []string{"hub partition 1: 10 offsets that retention has deleted: not compared with the table: [0,10)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := small()
			c.rows(w)
			p := w.derived(t)
			if at := p.Sources[0].Partitions[0]; at.Next != max(c.next, 0) && c.next >= 0 {
				t.Errorf("goes on at %+v, want %d", at, c.next)
			}
			for i, want := range c.refused {
				if i >= len(p.Refused) || !strings.HasPrefix(p.Refused[i], want) {
					t.Errorf("refused for %q, want %q", p.Refused, c.refused)
				}
			}
			if len(p.Refused) != len(c.refused) {
				t.Errorf("refused for %q, want %q", p.Refused, c.refused)
			}
			var got []string
			for i := range p.Unproven {
				got = append(got, p.Unproven[i].String())
			}
			for _, want := range c.unproven {
				if !slices.Contains(got, want) {
					t.Errorf("not proven %q, want %q among it", got, want)
				}
			}
		})
	}
}

// TestDeriveLoad: what loads the rows that the table lacks begins at its ends.
func TestDeriveLoad(t *testing.T) {
	w := small()
	w.put(0, 5, "320100", 1, 0, 1)
	w.put(1, 20, "320100", 0, 9, 0)
	want := `read_hub: {start: specific-offsets, start_offsets: "partition:0,offset:6;partition:1,offset:0", bounded: latest-offset}`
	if p := w.derived(t); p.Load != want {
		t.Errorf("%s\nwant %s", p.Load, want)
	}
}

// TestDeriveBase: a source keeps the hub partitions that its rows lie in, and the older copy of the
// journal is asked before them.
func TestDeriveBase(t *testing.T) {
	w := small()
	w.put(1, 10, "320100", 0, 3, 1)
	w.put(0, 10, "320100", 1, 3, 1)
	if p := w.derived(t); p.Config.Sources[0].Base != 1 {
		t.Errorf("base %d, the rows say 1", p.Config.Sources[0].Base)
	}
	w = small()
	w.put(1, 10, "320100", 0, 3, 1)
	w.put(0, 10, "320100", 0, 4, 1)
	if p := w.derived(t); p.Config.Sources[0].Base != 0 {
		t.Errorf("base %d of a source whose rows lie everywhere", p.Config.Sources[0].Base)
	}
	old, err := pipeline.Desired(w.p, nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	old.Sources[0].Base = 1
	w = small()
	w.m.config = old
	w.put(0, 10, "320100", 0, 3, 1)
	if p := w.derived(t); p.Config.Sources[0].Base != 1 {
		t.Errorf("base %d, the old journal says 1", p.Config.Sources[0].Base)
	}
}

// TestDigest: another plan has another digest, but for where the cities' logs begin.
func TestDigest(t *testing.T) {
	of := func(change func(*PipelinePlan)) domain.Hash {
		p := Plan{Pipelines: []PipelinePlan{{Name: "bridge", Sources: []SourcePlan{{ID: "north", Partitions: []StartPlan{{Next: 9, LogStart: 3}}}}}}}
		change(&p.Pipelines[0])
		if err := p.seal(); err != nil {
			t.Fatal(err)
		}
		return p.Digest
	}
	same := of(func(*PipelinePlan) {})
	if of(func(p *PipelinePlan) { p.Sources[0].Partitions[0].LogStart = 4 }) != same {
		t.Error("the log start is part of the digest")
	}
	if of(func(p *PipelinePlan) { p.Sources[0].Partitions[0].Next = 10 }) == same {
		t.Error("the position is no part of the digest")
	}
	if of(func(p *PipelinePlan) { p.Unproven = []domain.Unproven{{Count: 1}} }) == same {
		t.Error("what is not proven is no part of the digest")
	}
	if names(same.String()[:11], same) || !names(strings.ToUpper(same.String()[:12]), same) || names("", same) {
		t.Error("twelve digits name a plan, and no fewer")
	}
}

// TestMinus: the offsets of one set that another does not have, against the plain reading.
func TestMinus(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (*offsets, map[int64]bool) {
			o, has := &offsets{}, map[int64]bool{}
			for at := range int64(40) {
				if rapid.Bool().Draw(t, name) {
					o.add(at)
					has[at] = true
				}
			}
			return o, has
		}
		a, inA := draw("a")
		b, inB := draw("b")
		want, first := int64(0), int64(-1)
		for at := range int64(40) {
			if inA[at] && !inB[at] {
				want++
				if first < 0 {
					first = at
				}
			}
		}
		got := a.minus(b)
		if got.count != want || want > 0 && (got.named[0].First != first || got.named.Len() > want || len(got.named) < namedSpans && got.named.Len() != want) {
			t.Fatalf("%v minus %v: %+v, want %d from %d on", a.set, b.set, got, want, first)
		}
	})
}
