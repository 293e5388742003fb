package ingest_test

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// bookkeeping is what the journal says of one generation of one source partition.
type bookkeeping struct {
	start      domain.Start
	policy     string
	stopPolicy string
	next       int64
	rows       map[int64]string // offset: timestamp, key, value, headers
	batches    map[int64][]byte // base offset: as journaled
	gaps       map[domain.Reason]int64
	by         []domain.IncidentID
}

type place struct {
	source     domain.SourceID
	generation domain.Generation
	partition  int32
}

func (p place) String() string { return fmt.Sprintf("%s.%d/%d", p.source, p.generation, p.partition) }

// books reads the stream as an auditor does: every run begins where the one before it
// ended, its numbers add up, its rows are those of its batches, the position map says
// the same, and time does not go back.
func (r *rig) books() map[place]*bookkeeping {
	t := r.t
	t.Helper()
	all := map[place]*bookkeeping{}
	at := map[string]place{} // generation in force
	var dec batch.Decoder
	var last domain.Micros
	for _, e := range r.events() {
		switch ev := e.Event.(type) {
		case *domain.SourceOpened:
			for _, s := range ev.Starts {
				p := place{ev.Source, ev.Generation, s.Partition}
				if all[p] != nil {
					t.Errorf("%s: %s is opened twice", e.Ref(), p)
				}
				all[p] = &bookkeeping{
					start: s, policy: ev.StartPolicy, stopPolicy: ev.StopPolicy, next: s.First, by: []domain.IncidentID{ev.Incident},
					rows: map[int64]string{}, batches: map[int64][]byte{}, gaps: map[domain.Reason]int64{},
				}
				at[fmt.Sprint(ev.Source, s.Partition)] = p
			}
		case *domain.Ingested:
			if ev.ExtractTime < last {
				t.Errorf("%s: extract time %d after %d", e.Ref(), ev.ExtractTime, last)
			}
			last = ev.ExtractTime
			for i := range ev.Runs {
				p := place{ev.Runs[i].Source, ev.Runs[i].Generation, ev.Runs[i].Partition}
				if all[p] == nil || at[fmt.Sprint(p.source, p.partition)] != p {
					t.Fatalf("%s: run of %s, which is not open", e.Ref(), p)
				}
				all[p].add(t, e.Ref(), p, &ev.Runs[i], &dec)
				all[p].by = append(all[p].by, ev.Incident)
			}
		}
		for _, pos := range domain.PositionsOf(e.Event) {
			p := place{pos.Source, pos.Generation, pos.Partition}
			if all[p] == nil || all[p].next != pos.Next {
				t.Errorf("%s: position %+v, the runs say %+v", e.Ref(), pos, all[p])
			}
			if pos.LastBase >= 0 {
				if h, err := batch.ParseHeader(all[p].batches[pos.LastBase]); err != nil || h.CRC != pos.LastCRC {
					t.Errorf("%s: last batch of position %+v: %v", e.Ref(), pos, err)
				}
			}
		}
		if positions := domain.PositionsOf(e.Event); len(positions) != len(at) {
			if _, genesis := e.Event.(*domain.Genesis); !genesis {
				t.Errorf("%s: %d positions, %d partitions are open", e.Ref(), len(positions), len(at))
			}
		}
	}
	return all
}

func (a *bookkeeping) add(t *testing.T, ref domain.Ref, p place, r *domain.Run, dec *batch.Decoder) {
	t.Helper()
	if r.First != a.next {
		t.Errorf("%s: run of %s begins at %d, the last one ended at %d", ref, p, r.First, a.next)
	}
	a.next = r.Next
	lost, end := int64(0), r.First
	for _, g := range r.Gaps {
		if g.Span.First < end || g.Span.Next > r.Next || g.Span.Len() == 0 {
			t.Errorf("%s: gaps of %s: %v in [%d,%d)", ref, p, r.Gaps, r.First, r.Next)
		}
		end = g.Span.Next
		lost += g.Span.Len()
		a.gaps[g.Reason] += g.Span.Len()
	}
	if r.Next-r.First != r.Rows+lost {
		t.Errorf("%s: run of %s [%d,%d) has %d rows and %d in gaps", ref, p, r.First, r.Next, r.Rows, lost)
	}
	section, rows := slices.Concat(r.Batches...), int64(0)
	err := dec.Records(section, r.First, r.Next, func(rec *batch.Record) error {
		if _, twice := a.rows[rec.Offset]; twice {
			t.Errorf("%s: %s holds offset %d twice", ref, p, rec.Offset)
		}
		rows++
		a.rows[rec.Offset] = fmt.Sprintf("%d %q %q %d", rec.Timestamp, rec.Key, rec.Value, rec.HeaderCount)
		return nil
	})
	if err != nil || rows != r.Rows {
		t.Errorf("%s: run of %s [%d,%d) says %d rows, its batches hold %d: %v", ref, p, r.First, r.Next, r.Rows, rows, err)
	}
	for len(section) > 0 {
		h, b, rest, err := batch.Next(section)
		if err != nil {
			t.Fatal(err)
		}
		a.batches[h.BaseOffset], section = b, rest
	}
}

// city is what a read_committed consumer and a raw fetch say of one partition: the
// oracle, which shares nothing with ingest.
type city struct {
	rows    map[int64]string
	batches map[int64][]byte
}

func (r *rig) city(c kafkaconn.Config, topic string, partition int32, from int64) city {
	t, ctx := r.t, r.ctx
	t.Helper()
	out := city{map[int64]string{}, map[int64][]byte{}}
	cl := dial(t, c, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}))
	bounds, err := kafkaconn.Offsets(ctx, cl, topic)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := kafkaconn.Describe(ctx, cl, topic)
	if err != nil {
		t.Fatal(err)
	}
	for at := from; at < bounds[partition].LSO; {
		leader := desc.Partitions[partition].Leader
		got, err := kafkaconn.Fetch(ctx, cl, leader, desc, []kafkaconn.FetchPartition{{Partition: partition, Offset: at, MaxBytes: 1 << 20, LeaderEpoch: -1}},
			kafkaconn.FetchOptions{MaxWait: 100 * time.Millisecond, MinBytes: 1, MaxBytes: 1 << 20})
		if err != nil || got[0].Err != nil {
			t.Fatal(err, got)
		}
		for section := got[0].RecordBatches; ; {
			h, b, rest, err := batch.Next(section)
			if err != nil {
				break
			}
			out.batches[h.BaseOffset], section, at = b, rest, h.LastOffset()+1
		}
	}
	seen := from
	for seen < bounds[partition].LSO && len(out.batches) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		before := seen
		fetches.EachRecord(func(rec *kgo.Record) {
			seen = rec.Offset + 1
			if !rec.Attrs.IsControl() {
				out.rows[rec.Offset] = fmt.Sprintf("%d %q %q %d", rec.Timestamp.UnixMilli(), rec.Key, rec.Value, len(rec.Headers))
			}
		})
		if seen == before {
			break // what is left are aborted rows of a compacted end
		}
	}
	return out
}

// matches compares an bookkeeping with the city: the same rows, and batches that are the
// very bytes.
func (r *rig) matches(c kafkaconn.Config, topic string, p place, a *bookkeeping) {
	r.t.Helper()
	if a == nil {
		r.t.Fatalf("no bookkeeping of %s", p)
	}
	want := r.city(c, topic, p.partition, a.start.First)
	if diff := cmp.Diff(want.rows, a.rows); diff != "" {
		r.t.Errorf("rows of %s: city -, journal +\n%.2000s", p, diff)
	}
	bases := make([]int64, 0, len(a.batches))
	for base := range a.batches {
		bases = append(bases, base)
	}
	sort.Slice(bases, func(i, j int) bool { return bases[i] < bases[j] })
	for _, base := range bases {
		if !bytes.Equal(a.batches[base], want.batches[base]) {
			r.t.Errorf("batch at %d of %s is not the one that the broker has", base, p)
		}
	}
}
