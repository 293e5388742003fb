package reporttest

import (
	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// spoil puts in whatever can be wrong.
func (e *Example) spoil() {
	e.unread()
	add := func(accepted *report.Accepted, class domain.Class, where, source string, city domain.Coord, hub domain.Coord, column, detail string) {
		code := ""
		for _, c := range cities() {
			if c.id == source {
				code = c.code
			}
		}
		e.Report.Findings = append(e.Report.Findings, report.FindingOf(&domain.Finding{
			Class: class, Where: where, Source: domain.SourceID(source), Generation: 1, City: domain.City(code),
			Row: domain.Lineage{City: city, Hub: hub}, Column: column, Detail: detail,
		}, accepted))
	}
	at := func(partition int32, offset int64) domain.Coord {
		return domain.Coord{Partition: partition, Offset: offset, Timestamp: clock(3, 0, 0).UnixMilli()}
	}
	nowhere := domain.Coord{Partition: -1, Offset: -1}
	control := e.Trees[domain.ControlStream(Pipeline)]

	w := e.differ(domain.ProofCityHub, "nanjing", 0, 3, 2)
	add(nil, domain.Lost, "hub", "nanjing", at(0, w.First+1_017), at(2, 41_220), "", "the journal says that transaction jsc.0.hub@211 carried it")
	add(nil, domain.Lost, "hub", "nanjing", at(0, w.First+1_018), at(2, 41_221), "", "the journal says that transaction jsc.0.hub@211 carried it")
	w = e.differ(domain.ProofHubDoris, "", 1, 5, -1)
	add(nil, domain.Doubled, "doris", "suzhou", at(1, 2_031_447), at(1, w.First+77), "", "2 times in the table: one row is of label hefu_jsc_0_ab12cd34ef56, the other of no label that the journal knows")
	w = e.differ(domain.ProofHubDoris, "", 2, 9, 0)
	add(nil, domain.Altered, "doris", "yancheng", at(2, 3_311_902), at(2, w.First+4_411), "record", `the hub has {"id":"0c51…","dw":"盐城市第一人民医院"…}, the table ends after 1,024 bytes`)
	w = e.differ(domain.ProofCityHub, "taizhou", 2, 6, 0)
	add(nil, domain.Swapped, "hub", "taizhou", at(2, w.First+10), at(3, 512_345), "city_offset_id", "this row and that of offset +11 have each other's coordinates")
	w = e.differ(domain.ProofCityHub, "xuzhou", 0, 4, -1)
	add(nil, domain.Former, "hub", "xuzhou", at(0, w.First+3), at(0, 77_001), "", "it is of generation 0 of the topic, which was made anew")
	w = e.differ(domain.ProofCityHub, "nantong", 2, 7, 0)
	add(nil, domain.Reordered, "hub", "nantong", at(2, w.First+500), at(3, 600_002), "", "its city offset is below that of the row before it in hub partition 3")
	add(&report.Accepted{Who: "li.na", Why: "test rows of the acceptance run on 24 November, known to the city", Ref: control.Ref(310)},
		domain.Strayed, "hub", "wuxi", nowhere, at(3, 812_004), "", "no event of the journal carried a row there")
	add(&report.Accepted{Who: "li.na", Why: "the city ran out of disk and deleted them before they were read; they were sent again as new rows", Ref: control.Ref(311)},
		domain.Unexplained, "journal", "xuzhou", at(2, 931_432), nowhere, "", "1,200 offsets were deleted in the city before they were read")
	e.Report.More = 3
	e.Report.Others = []report.Count{
		{What: "rows in the hub from before these books", Rows: 18_220_114},
		{What: "rows in the table from before these books", Rows: 18_220_114},
	}
}

// differ makes the nth window of a partition one in which the right place has fewer rows, or
// more, or others.
func (e *Example) differ(p domain.Proof, source string, partition int32, n int, fewer int64) *report.Window {
	w := e.find(p, source, partition, n)
	w.State, w.Why = domain.WindowDiverged, "differs, and both places stood still for 3 looks"
	right := &w.Witnesses[1].Vector
	right.Digest, right.Xor = right.Digest.Add(int64(e.random.Uint64())), e.random.Uint64()
	right.Rows -= fewer
	if right.Distinct = min(right.Distinct, right.Rows); fewer > 0 {
		for i := range fewer {
			right.Offsets = right.Offsets.Add(-(w.First + 1_017 + i))
		}
	} else if fewer < 0 {
		right.Offsets = right.Offsets.Add(w.First + 77)
	}
	return w
}

func (e *Example) find(p domain.Proof, source string, partition int32, n int) *report.Window {
	for i := range e.Report.Windows {
		if w := &e.Report.Windows[i]; w.Proof == p && string(w.Source) == source && w.Partition == partition {
			if n == 0 {
				return w
			}
			n--
		}
	}
	e.t.Fatalf("the example has no window %d of %s %s partition %d", n, p, source, partition)
	return nil
}

// unread makes windows that were not compared, for every reason.
func (e *Example) unread() {
	var gone int64
	for n := range 4 {
		w := e.find(domain.ProofCityHub, "huaian", 1, n)
		w.State, w.Why, w.Witnesses, w.Through = domain.WindowUnverifiable, "the hub topic has deleted its rows", nil, w.First
		gone += w.Rows
	}
	var unread int64
	for n := range 3 {
		w := e.find(domain.ProofHubDoris, "", 3, n+11)
		w.State, w.Why, w.Witnesses, w.Through = domain.WindowNotChecked, "Doris answered with an error: memory limit exceeded", nil, w.First
		unread += w.Rows
	}
	e.Report.Unchecked = []report.Unchecked{
		{Source: "huaian", City: "320800", Where: "hub", Rows: gone, Why: "the hub topic has deleted them (retention)"},
		{Where: "doris", Rows: unread, Why: "Doris answered with an error: memory limit exceeded"},
		{Where: "doris", Column: "extract_time", Rows: 118_001, Why: "the column is DATE: what the hub has does not fit into it"},
	}
	w := e.find(domain.ProofCityHub, "yangzhou", 0, 8)
	w.State, w.Why = domain.WindowSuspect, "differs since this look; looked at again"
	right := &w.Witnesses[1].Vector
	right.Rows, right.Distinct, right.Max = right.Rows-20, right.Distinct-20, right.Max-20
	right.Offsets = right.Offsets.Add(-20 * right.Max)
	w = e.find(domain.ProofCityHub, "zhenjiang", 0, 12)
	w.State, w.Why, w.Witnesses, w.Through = domain.WindowSettling, "closed just now", nil, w.First
	for i := range e.Report.Windows {
		if w := &e.Report.Windows[i]; w.Source == "suqian" && w.Partition == 1 && w.State == domain.WindowOpen {
			w.State, w.Why = domain.WindowBlocked, "an open transaction holds back the last stable offset"
		}
	}
}
