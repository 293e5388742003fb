package doris_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/projectiontest"
)

// A leg whose source is the hub topic keeps the same contract.
func TestDirectContract(t *testing.T) {
	projectiontest.Run(t, func(t *testing.T) projectiontest.World { return newDirectWorld(t, duplicate) })
}

// TestDirectCarries: the hub's columns are the record's own, the city's are carried as the
// value has them; what is no row is left out and listed with what is wrong with it.
func TestDirectCarries(t *testing.T) {
	w := newDirectWorld(t, unique)
	w.cfg.MaxRecordBytes = 300
	p := w.start()
	p.until(w.Feed())
	const time1, time2 = `"extract_time":"2024-05-01 12:00:01.123456"`, `"city_ts":"2024-05-01 12:00:00.12"`
	rec := func(value, row string) hubRecord { return hubRecord{record{[]byte(value), cityTime}, row} }
	text300, city17 := strings.Repeat("x", 300), strings.Repeat("1", 17)
	part := hubPart{partition: 1, records: []hubRecord{
		rec(`{"city_ts":"2024-05-01T04:00:00.12Z","extract_time":"2024-05-01T12:00:01.1","record":"\u5357\uD83D\uDE00","sscsdm":"x","more":[{"record":"no"}],"city_offset_id":9,"city_partition_id":3000000000}`,
			`x 2024-05-01 12:00:01.100000 "南😀" 3000000000/9 2024-05-01 12:00:00.120`),
		rec(`{}`, `NULL NULL - NULL NULL/NULL NULL -`),
		rec(`{"record":"`+text300+`"}`, `NULL NULL - "`+text300+`" NULL/NULL NULL -`),
		rec(`{"record":"`+text300+`x"}`, ""),
		rec(`{"sscsdm":"`+city17+`"}`, ""),
		rec(`{"sscsdm":320100}`, ""),
		rec(`{"city_ts":"yesterday"}`, ""),
		rec(`not JSON`, ""),
		{record{nil, cityTime}, ""},
		{record{[]byte(`{}`), math.MaxInt64}, ""},
		rec(`{"sscsdm":"320100",`+time1+`,"record":"","city_partition_id":0,"city_offset_id":0,`+time2+`}`,
			`320100 2024-05-01 12:00:01.123456 "" 0/0 2024-05-01 12:00:00.120`),
	}}
	first := w.next["hub1"]
	at := w.feedHub(part)
	p.until(at)
	p.until(w.Feed())
	p.stop()
	w.Tally()
	x := func(ordinal int64, reason, detail string) domain.Exclusion {
		return domain.Exclusion{Ingest: at.Seq, Ordinal: ordinal, Count: 1, Offset: first + ordinal, Reason: reason, Detail: detail, Digest: sha256.Sum256(part.records[ordinal].value)}
	}
	want := []domain.Exclusion{
		x(3, domain.ExcludedTooLargeDoris, ""), x(4, flink.ExcludedNoHubRow, "sscsdm has 17 bytes, the column takes 16"),
		x(5, flink.ExcludedNoHubRow, "column sscsdm is not a text"), x(6, flink.ExcludedNoHubRow, `column city_ts is "yesterday", not a time that a DATETIME holds`),
		x(7, flink.ExcludedNoHubRow, "the value is no JSON object"), x(8, flink.ExcludedNoHubRow, "the record has no value"), x(9, domain.ExcludedTimestamp, ""),
	}
	if d := cmp.Diff(want, events[*domain.DorisBegun](w)[2].Excluded); d != "" {
		t.Errorf("excluded: %s", d)
	}
}

// A batch that does not decode is left out as a batch, with the count of its header, and
// the rows beside it arrive.
func TestDirectUndecodable(t *testing.T) {
	w := newDirectWorld(t, duplicate)
	p := w.start()
	part := hubRecords(w, 3, 9)
	part.skip = nil
	part.batches = [][]byte{recordBatch(0, records(part.records[:2])...), undecodable(2, 4), recordBatch(6, records(part.records[6:])...)}
	for i := 2; i < 6; i++ {
		part.records[i].row = ""
	}
	p.until(w.feedHub(part))
	p.until(w.Feed())
	p.stop()
	w.Tally()
	got := events[*domain.DorisBegun](w)[1].Excluded
	want := []domain.Exclusion{{Ingest: 5, Ordinal: 2, Count: 4, Offset: 2, Reason: domain.ExcludedUndecodable, Digest: sha256.Sum256(part.batches[1])}}
	if len(got) == 1 {
		want[0].Ingest = got[0].Ingest
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("excluded: %s", d)
	}
}

func records(of []hubRecord) (out []record) {
	for _, r := range of {
		out = append(out, r.record)
	}
	return out
}

// TestDirectDies: the process dies before and after each append, and another one settles.
func TestDirectDies(t *testing.T) {
	for _, kind := range []domain.Kind{begun, prepared, committed} {
		for name, fault := range map[string]journal.Fault{"before": journal.FaultBefore, "after": journal.FaultAfter} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				w := newDirectWorld(t, duplicate)
				ctx, die := context.WithCancel(w.ctx)
				w.atPut(kind, func() journal.Fault { die(); return fault })
				at := w.Feed()
				w.diesOn(ctx)
				w.recovers(at)
				w.Tally()
			})
		}
	}
}

// Rows without a city decide as all others do, once Doris has forgotten the load; and an
// empty city beside a NULL one is no contradiction.
func TestDirectRowsDecide(t *testing.T) {
	drop := func(w *world, where string) { w.exec("DELETE FROM " + database + "." + tableName + " WHERE " + where) }
	for name, c := range map[string]struct {
		change func(w *world)
		want   []domain.Kind
	}{
		"all there":     {func(*world) {}, []domain.Kind{begun, prepared, committed}},
		"none there":    {func(w *world) { drop(w, "hw_partition_id >= 0") }, []domain.Kind{begun, prepared, aborted, begun, prepared, committed}},
		"NULL is gone":  {func(w *world) { drop(w, "city_offset_id IS NULL") }, []domain.Kind{begun, prepared}},
		"NULL for zero": {func(w *world) { drop(w, "hw_offset_id = 0"); w.insert(1, 0, "1", 2, nil) }, []domain.Kind{begun, prepared}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newDirectWorld(t, duplicate)
			part := hubRecords(w, 1, 3)
			part.records[0] = hubRecord{record{[]byte(`{"sscsdm":"1","city_partition_id":2,"city_offset_id":0}`), cityTime}, `1 NULL - NULL 2/0 NULL -`}
			part.records[2] = hubRecord{record{[]byte(`{"sscsdm":"1","city_partition_id":2,"city_offset_id":5}`), cityTime}, `1 NULL - NULL 2/5 NULL -`}
			part.records = append(part.records, part.records[1], hubRecord{record{[]byte(`{"sscsdm":""}`), cityTime}, `"" NULL - NULL NULL/NULL NULL -`})
			at := w.feedHub(part)
			h := w.begins(at, at)
			h.loads(strings.NewReader(h.lines()))
			h.prepares()
			h.does("commit")
			h.forgets()
			c.change(w)
			p := w.start()
			if len(c.want) == 2 {
				if s := p.reaches(projections.StateIncident); !strings.Contains(s.Error, string(domain.IncidentDorisForgotten)) {
					t.Errorf("incident: %s", s.Error)
				}
			} else {
				p.until(at)
			}
			p.stop()
			if got := w.kinds(); !slices.Equal(got, c.want) {
				t.Errorf("stream holds %v, want %v", got, c.want)
			}
		})
	}
}

// TestDirectProbes: rows that Doris refuses for a reason of its own are found.
func TestDirectProbes(t *testing.T) {
	w := newDirectWorld(t, duplicate)
	w.cfg.MaxRecordBytes = 2 << 20
	part := hubRecords(w, 1, 20)
	part.records[7] = hubRecord{record{fmt.Appendf(nil, `{"record":"%s"}`, strings.Repeat("x", 1<<20+1)), cityTime}, ""}
	p := w.start()
	at := w.feedHub(part)
	p.until(at)
	p.stop()
	w.Tally()
	intents := events[*domain.DorisBegun](w)
	last := intents[len(intents)-1].Excluded
	if len(last) != 1 || last[0].Reason != domain.ExcludedByDoris || last[0].Ordinal != 7 || last[0].Offset != 8 || last[0].Digest != sha256.Sum256(part.records[7].value) {
		t.Errorf("excluded: %+v", last)
	}
}

// TestDirectOrphans: loads of two pipelines into one table: neither ends the other's.
func TestDirectOrphans(t *testing.T) {
	w := newDirectWorld(t, duplicate)
	other := domain.Ref{Stream: domain.Stream{Pipeline: pipeline + "-1", Shard: 1, Leg: domain.LegDoris}, Seq: 3}
	at := w.Feed()
	h := w.begins(at, at)
	mine := h.label
	h.label = domain.Label(other)
	h.loads(strings.NewReader(h.lines()))
	h.label = mine
	p := w.start()
	p.until(w.Feed())
	p.stop()
	w.Tally()
	if s := h.state(domain.Label(other)); s != "PRECOMMITTED" {
		t.Errorf("the load of another pipeline is %s", s)
	}
}

// TestDirectTable: a table that refuses NULL for a city's columns is refused at the first
// start, with what mends it.
func TestDirectTable(t *testing.T) {
	w := newWorld(t, unique)
	w.cfg.Pipeline.Direct, w.cfg.Pipeline.Sources = true, []domain.SourceConfig{{ID: "hub"}}
	d, _ := w.leg()
	_, err := d.Open(w.ctx)
	for _, says := range []string{
		"column sscsdm is varchar(16): it is NOT NULL, and a row may bring no value for it", "MODIFY COLUMN `extract_time` DATETIME(6) NULL;",
		"MODIFY COLUMN `city_offset_id` BIGINT NULL;",
	} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("no %q in %v", says, err)
		}
	}
	if strings.Contains(fmt.Sprint(err), "hw_ts") {
		t.Errorf("the hub's own columns may be NOT NULL: %v", err)
	}
}
