package ingest_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/ingest"
)

// mode is a row of the table: two partitions with the offsets 0 to 9, one second apart,
// and what is read of them.
type mode struct {
	name      string
	start     domain.StartSpec
	stop      domain.StopSpec
	alone     bool            // there is no group
	committed map[int32]int64 // by the group
	down      bool            // the two later rows come while no process runs
	// want is [first, next) of each partition; two more rows come to each, so that an
	// unbounded one ends at 12. Without it the source stops with why in its evidence.
	want [2]domain.Span
	why  []string
}

// clock is the timestamp of row 0; each row is one second later than the one before.
type clock time.Time

func (c clock) row(i int) time.Time { return time.Time(c).Add(time.Duration(i) * time.Second) }

// before is a time, in milliseconds, between a row and the one before it.
func (c clock) before(row int) int64 { return c.row(row).UnixMilli() - 500 }

func listed(text string) map[int32]int64 {
	out, err := domain.ParseOffsets(text)
	if err != nil {
		panic(err)
	}
	return out
}

func span(first, next int64) domain.Span { return domain.Span{First: first, Next: next} }

// both is the same span of both partitions.
func both(first, next int64) [2]domain.Span {
	return [2]domain.Span{span(first, next), span(first, next)}
}

// startModes are the rows of the golden README ("Start modes on a real broker"), each
// with what Flink does in its name where Hefu does another thing on purpose, and more.
func startModes(c clock) []mode {
	group := func(missing domain.OnMissingCursor) domain.StartSpec {
		return domain.StartSpec{At: domain.StartGroupOffsets, Missing: missing}
	}
	specific := func(text string) domain.StartSpec {
		return domain.StartSpec{At: domain.StartSpecificOffsets, Offsets: listed(text)}
	}
	byTime := func(ms int64) domain.StartSpec { return domain.StartSpec{At: domain.StartTimestamp, Timestamp: ms} }
	latest := domain.StartSpec{At: domain.StartLatest}
	ownTimes := byTime(c.before(3))
	ownTimes.Timestamps = map[int32]int64{1: c.before(8)}
	someTimes := ownTimes
	someTimes.Timestamp = -1
	return []mode{
		{name: "earliest", start: domain.StartSpec{At: domain.StartEarliest}, want: both(0, 12)},
		{name: "earliest with reset latest: overridden", start: domain.StartSpec{At: domain.StartEarliest, Missing: domain.MissingLatest}, want: both(0, 12)},
		{name: "latest", start: latest, want: both(10, 12)},
		{name: "latest, rows while down", start: latest, down: true, want: both(10, 12)},
		{name: "group, no commit, no reset (Flink: restart loop)", start: group(domain.MissingFail), why: []string{
			"found: start group-offsets finds no offset to begin at", "partition 0: no committed offset", "partition 1: no committed offset",
		}},
		{name: "group, no commit, reset earliest", start: group(domain.MissingEarliest), want: both(0, 12)},
		{name: "group, no commit, reset latest", start: group(domain.MissingLatest), want: both(10, 12)},
		{name: "group, committed", start: group(domain.MissingFail), committed: map[int32]int64{0: 4, 1: 7}, want: [2]domain.Span{span(4, 12), span(7, 12)}},
		{name: "group, one committed, reset earliest", start: group(domain.MissingEarliest), committed: map[int32]int64{0: 4}, want: [2]domain.Span{span(4, 12), span(0, 12)}},
		{name: "group, one committed, no reset (Flink: restart loop)", start: group(domain.MissingFail), committed: map[int32]int64{0: 4}, why: []string{
			"partition 1: no committed offset",
		}},
		{name: "group, committed beyond the end, reset earliest (Flink: from 0)", start: group(domain.MissingEarliest), committed: map[int32]int64{0: 4, 1: 1000}, why: []string{
			"partition 1: committed offset 1000 is beyond the log end 10",
		}},
		{name: "group, committed beyond the end, no reset (Flink: restart loop)", start: group(domain.MissingFail), committed: map[int32]int64{0: 4, 1: 1000}, why: []string{
			"partition 1: committed offset 1000 is beyond the log end 10",
		}},
		{name: "timestamp in the middle", start: byTime(c.before(5)), want: both(5, 12)},
		{name: "timestamp of a row", start: byTime(c.row(5).UnixMilli()), want: both(5, 12)},
		{name: "timestamp beyond the end", start: byTime(c.before(100)), want: both(10, 12)},
		{name: "timestamps of partitions of their own", start: ownTimes, want: [2]domain.Span{span(3, 12), span(8, 12)}},
		{name: "timestamp of one partition only", start: someTimes, want: [2]domain.Span{span(0, 12), span(8, 12)}},
		{name: "specific, unlisted, no commit", start: specific("partition:0,offset:5"), want: [2]domain.Span{span(5, 12), span(0, 12)}},
		{name: "specific, unlisted, committed", start: specific("partition:0,offset:5"), committed: map[int32]int64{1: 8}, want: [2]domain.Span{span(5, 12), span(8, 12)}},
		{name: "specific, unlisted, no group (Flink: restart loop)", start: specific("partition:0,offset:5"), alone: true, want: [2]domain.Span{span(5, 12), span(0, 12)}},
		{name: "specific, sentinels", start: specific("partition:0,offset:-2;partition:1,offset:9;"), want: [2]domain.Span{span(0, 12), span(9, 12)}},
		{name: "specific, latest and committed", start: specific("partition:0,offset:-1;partition:1,offset:-3"), committed: map[int32]int64{1: 6}, want: [2]domain.Span{span(10, 12), span(6, 12)}},
		{name: "specific, beyond the end (Flink: from 0)", start: specific("partition:0,offset:500"), why: []string{
			"found: start specific-offsets finds no offset to begin at", "partition 0: specific offset 500 is beyond the log end 10",
		}},
	}
}

// boundedModes end: nothing of what comes later is read.
func boundedModes(c clock) []mode {
	early := domain.StartSpec{At: domain.StartEarliest}
	specific := func(text string) domain.StopSpec {
		return domain.StopSpec{At: domain.StopSpecificOffsets, Offsets: listed(text)}
	}
	byTime := func(ms int64) domain.StopSpec { return domain.StopSpec{At: domain.StopTimestamp, Timestamp: ms} }
	latest, group := domain.StopSpec{At: domain.StopLatest}, domain.StopSpec{At: domain.StopGroupOffsets}
	from := func(text string) domain.StartSpec {
		return domain.StartSpec{At: domain.StartSpecificOffsets, Offsets: listed(text)}
	}
	return []mode{
		{name: "to latest", start: early, stop: latest, want: both(0, 10)},
		{name: "to latest, without a group", start: early, stop: latest, alone: true, want: both(0, 10)},
		{name: "from latest to latest", start: domain.StartSpec{At: domain.StartLatest}, stop: latest, want: both(10, 10)},
		{name: "to group", start: early, stop: group, committed: map[int32]int64{0: 4, 1: 7}, want: [2]domain.Span{span(0, 4), span(0, 7)}},
		{name: "from group to latest", start: domain.StartSpec{At: domain.StartGroupOffsets}, stop: latest, committed: map[int32]int64{0: 4, 1: 7}, want: [2]domain.Span{span(4, 10), span(7, 10)}},
		{name: "from group beyond the end to latest (Flink: nothing of partition 1)", start: domain.StartSpec{At: domain.StartGroupOffsets}, stop: latest, committed: map[int32]int64{0: 4, 1: 1000}, why: []string{
			"partition 1: committed offset 1000 is beyond the log end 10",
		}},
		{name: "to group, no commit", start: early, stop: group, committed: map[int32]int64{0: 4}, why: []string{
			"found: bounded group-offsets finds no offset to end at", "end of partition 1: no committed offset to end at",
		}},
		{name: "to timestamp", start: early, stop: byTime(c.before(6)), want: both(0, 6)},
		{name: "to timestamp beyond the end", start: early, stop: byTime(c.before(100)), want: both(0, 10)},
		{name: "to timestamp before the start", start: from("partition:0,offset:8;partition:1,offset:2"), stop: byTime(c.before(6)), want: [2]domain.Span{span(8, 8), span(2, 6)}},
		{name: "to specific", start: early, stop: specific("partition:0,offset:3;partition:1,offset:7"), want: [2]domain.Span{span(0, 3), span(0, 7)}},
		{name: "to specific, below the start", start: from("partition:0,offset:8;partition:1,offset:8"), stop: specific("partition:0,offset:3;partition:1,offset:9"), want: [2]domain.Span{span(8, 8), span(8, 9)}},
		{name: "to specific, unlisted but committed: not read (Flink: to the commit)", start: early, stop: specific("partition:1,offset:3"), committed: map[int32]int64{0: 1}, want: [2]domain.Span{span(0, 0), span(0, 3)}},
		{name: "to specific, sentinels", start: early, stop: specific("partition:0,offset:-1;partition:1,offset:-2"), want: [2]domain.Span{span(0, 10), span(0, 0)}},
		{name: "to specific, committed", start: early, stop: specific("partition:0,offset:-3"), committed: map[int32]int64{0: 2}, want: [2]domain.Span{span(0, 2), span(0, 0)}},
		{name: "to specific, beyond the end: waited for", start: early, stop: specific("partition:0,offset:11;partition:1,offset:12"), want: [2]domain.Span{span(0, 11), span(0, 12)}},
		{name: "from specific beyond the end to latest (Flink: nothing)", start: from("partition:0,offset:500"), stop: latest, why: []string{
			"partition 0: specific offset 500 is beyond the log end 10",
		}},
	}
}

// TestModes runs every start mode and every bounded mode, against the stand-in always
// and against the real broker where HEFU_TEST_KAFKA names one.
func TestModes(t *testing.T) {
	began := clock(time.Now().Add(-time.Minute).Truncate(time.Millisecond))
	eachKafka(t, func(t *testing.T, c kafkaconn.Config) {
		for _, m := range append(startModes(began), boundedModes(began)...) {
			t.Run(m.name, func(t *testing.T) { m.run(t, c, began) })
		}
	})
}

func (m *mode) run(t *testing.T, c kafkaconn.Config, began clock) {
	ctx, cl := deadline(t), dial(t, c)
	topic := newTopic(ctx, t, cl, 2, nil)
	m.rows(ctx, t, cl, topic, began, 0, 10)
	src := source(c, topic)
	src.Start, src.Stop = m.start, m.stop
	if !m.alone {
		src.Group = unique("group")
	}
	if m.committed != nil {
		if err := kafkaconn.CommitGroup(ctx, cl, src.Group, topic, m.committed); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(ctx, t)
	p := r.start(config(src))
	if m.why != nil {
		wantFacts(t, r.incident(p, domain.IncidentSourceNoCursor), append(m.why, "topic: "+topic, "group: "+src.Group)...)
		if n := len(r.books()); n > 0 {
			t.Errorf("%d partitions are opened", n)
		}
		return
	}
	if m.down {
		p.status(ctx, "opened", 0, func(s ingest.SourceStatus) bool { return s.State == ingest.Running })
		_ = p.stop()
	} else {
		p.status(ctx, "opened", 0, func(s ingest.SourceStatus) bool { return len(s.Partitions) == 2 })
	}
	m.rows(ctx, t, cl, topic, began, 10, 2)
	if m.down {
		p = r.start(config(src))
	}
	m.reached(ctx, p)
	if m.stop.At != domain.Unbounded {
		// Once more: the end is not resolved again, and nothing is read.
		_ = p.stop()
		p = r.start(config(src))
		m.reached(ctx, p)
	}
	m.told(ctx, t, cl, src)
	_ = p.stop()
	m.booked(t, r)
}

// rows sends n rows to each partition in one batch, from row first on.
func (m *mode) rows(ctx context.Context, t *testing.T, cl *kgo.Client, topic string, began clock, first, n int) {
	t.Helper()
	var records []*kgo.Record
	for partition := range int32(2) {
		for i := first; i < first+n; i++ {
			records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Appendf(nil, "row %d", i), Timestamp: began.row(i)})
		}
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// reached waits until each partition is journaled as far as it is wanted.
func (m *mode) reached(ctx context.Context, p *process) {
	p.t.Helper()
	state := ingest.Running
	if m.stop.At != domain.Unbounded {
		state = ingest.Finished
	}
	p.status(ctx, "read as far as wanted", 0, func(s ingest.SourceStatus) bool {
		return s.State == state && len(s.Partitions) == 2 && s.Partitions[0].Next == m.want[0].Next && s.Partitions[1].Next == m.want[1].Next
	})
}

// told waits until the group of a bounded source knows where it ended, as it does after
// Flink's bounded run.
func (m *mode) told(ctx context.Context, t *testing.T, cl *kgo.Client, src ingest.Source) {
	t.Helper()
	if src.Group == "" || m.stop.At == domain.Unbounded {
		return
	}
	at, err := kafkaconn.Committed(ctx, cl, src.Group, src.Topic)
	if want := map[int32]int64{0: m.want[0].Next, 1: m.want[1].Next}; err != nil || !maps.Equal(at, want) {
		t.Errorf("the group is told %v, %v; want %v", at, err, want)
	}
}

// booked compares the journal with what is wanted: these offsets and no others.
func (m *mode) booked(t *testing.T, r *rig) {
	t.Helper()
	books := r.books()
	for partition := range int32(2) {
		a, want := books[place{"a", 1, partition}], m.want[partition]
		if a == nil {
			t.Fatalf("partition %d is not opened", partition)
		}
		if a.start.First != want.First || int64(len(a.rows)) != want.Len() || a.policy != string(m.start.At) || a.stopPolicy != string(m.stop.At) {
			t.Errorf("partition %d: %+v by %s to %s, %d rows; want %s", partition, a.start, a.policy, a.stopPolicy, len(a.rows), want)
		}
		for offset := range a.rows {
			if offset < want.First || offset >= want.Next {
				t.Errorf("partition %d: offset %d is journaled, want %s", partition, offset, want)
			}
		}
		if bounded := m.stop.At != domain.Unbounded; a.start.Bounded != bounded || bounded && a.start.StopHow == "" || a.start.How == "" {
			t.Errorf("partition %d: %+v does not say how it was found", partition, a.start)
		}
		if bounded := m.stop.At != domain.Unbounded; bounded && want.Len() > 0 && a.start.Stop != want.Next {
			t.Errorf("partition %d: stop %d, want %d", partition, a.start.Stop, want.Next)
		}
	}
}
