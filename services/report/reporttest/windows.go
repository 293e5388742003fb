package reporttest

import (
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
)

// source adds a source partition of n offsets: its books, its gaps, and its windows, of which
// the last one is open with rows on their way.
func (e *Example) source(number int, partition int32, n int64) {
	c := cities()[number]
	first := int64(number)*131_072*3 + int64(number%3)*1_000 // after retention: inside a window for some
	s := report.Source{
		Source: c.id, City: c.code, Name: c.name, Generation: 1, Partition: partition,
		First: first, Next: first + n + e.random.Int64N(60_000), Gaps: map[string]int64{},
	}
	var holes domain.Spans
	for _, h := range e.holes(number, partition, s.First) {
		holes, _ = holes.Add(h.Span)
		e.gap(&s, h, 1, h.Span.Len())
	}
	var markers int64
	for i := s.First / domain.WindowSize; i <= (s.Next-1)/domain.WindowSize; i++ {
		markers += e.window(&s, i, holes)
	}
	if markers > 0 {
		e.gap(&s, domain.Gap{Reason: domain.ReasonCommitMarker, Span: domain.Span{First: s.First, Next: s.Next}}, markers, markers)
	}
	s.Rows = s.InHub + s.Pending
	s.PendingDoris = min(s.InHub, int64(number)*40)
	s.InDoris = s.InHub - s.PendingDoris
	e.Report.Sources = append(e.Report.Sources, s)
}

// gap adds runs without a row to the books and to the list.
func (e *Example) gap(s *report.Source, g domain.Gap, runs, offsets int64) {
	s.Gaps[g.Reason.String()] += offsets
	e.Report.Gaps = append(e.Report.Gaps, report.Gap{
		Source: s.Source, Generation: s.Generation, Partition: s.Partition, Reason: g.Reason.String(), First: g.Span.First, Next: g.Span.Next,
		Runs: runs, Offsets: offsets,
	})
}

// window adds one of a source's windows, with its rows in the books, and gives how many single
// offsets in it have no row. One that a hole takes whole is not listed.
func (e *Example) window(s *report.Source, index int64, holes domain.Spans) (markers int64) {
	id := report.WindowID{Proof: domain.ProofCityHub, Source: domain.SourceID(s.Source), Generation: s.Generation, Partition: s.Partition, Index: index}
	in := domain.Span{First: max(s.First, index*domain.WindowSize), Next: min(s.Next, (index+1)*domain.WindowSize)}
	if len(holes.Gaps(in)) == 0 {
		return 0
	}
	w := report.Window{WindowID: id, State: domain.WindowVerified}
	if in.Next == s.Next {
		w.State, w.Pending = domain.WindowOpen, min(350, in.Len()/2)
		in.Next -= w.Pending
	}
	without := domain.Spans{}
	for range 3 + e.random.Int64N(40) {
		at := in.First + 1 + e.random.Int64N(max(1, in.Len()-2))
		if at > in.First && at < in.Next-1 && !holes.Contains(at) && !without.Contains(at) {
			without, _ = without.Add(domain.Span{First: at, Next: at + 1})
			markers++
		}
	}
	for _, h := range holes {
		without, _ = without.Add(domain.Span{First: max(in.First, h.First), Next: max(in.First, h.First, min(in.Next, h.Next))})
	}
	v := e.vector(in, without)
	w.First, w.Through, w.Rows = in.First, in.Next, v.Rows+w.Pending
	w.Witnesses = []report.Witnessed{{Witness: "journal", Vector: v}, {Witness: "hub", Vector: v}}
	from := clock(2, 0, 0).Add(time.Duration(index-s.First/domain.WindowSize) * 8 * time.Minute)
	to := from.Add(8*time.Minute - time.Second)
	w.FromTime, w.ToTime, s.ToTime = &from, &to, &to
	if s.FromTime == nil {
		s.FromTime = &from
	}
	s.InHub += v.Rows
	s.Pending += w.Pending
	e.Report.Windows = append(e.Report.Windows, w)
	if s.Partition == 0 && index%9 == 0 && w.State == domain.WindowVerified { // read again
		again := w
		again.Proof = report.CityJournal
		v.Digest = v.Digest.Add(1) // over fewer columns
		again.Witnesses = []report.Witnessed{{Witness: "city", Vector: v}, {Witness: "journal", Vector: v}}
		e.Report.Windows = append(e.Report.Windows, again)
	}
	return markers
}

// holes are the longer runs without a row.
func (e *Example) holes(number int, partition int32, first int64) []domain.Gap {
	at := func(reason domain.Reason, from, to int64) domain.Gap {
		return domain.Gap{Reason: reason, Span: domain.Span{First: first + from, Next: first + to}}
	}
	switch {
	case partition == 1:
		return []domain.Gap{at(domain.ReasonCompacted, 10_000, 90_000)}
	case partition == 0 && number == 4:
		return []domain.Gap{at(domain.ReasonStartPolicy, 0, 5_000), at(domain.ReasonAborted, 100_000, 101_100)}
	case e.rich && partition == 2 && number == 2:
		return []domain.Gap{at(domain.ReasonDeleted, 70_000, 71_200)}
	default:
		return nil
	}
}

// vector is that of all offsets of a span but some.
func (e *Example) vector(in domain.Span, without domain.Spans) report.Vector {
	var v report.Vector
	for _, rows := range without.Gaps(in) {
		if v.Rows == 0 {
			v.Min = rows.First
		}
		v.Max = rows.Next - 1
		v.Offsets = v.Offsets.Add((rows.First + rows.Next - 1) * rows.Len() / 2)
		v.Rows += rows.Len()
	}
	v.Distinct = v.Rows
	for range 3 {
		v.Digest = v.Digest.Add(int64(e.random.Uint64()))
	}
	v.Xor = e.random.Uint64()
	return v
}

// hub spreads what the sources have in the hub over four partitions, with their windows.
func (e *Example) hub() {
	var rows, pending int64
	for i := range e.Report.Sources {
		rows += e.Report.Sources[i].InHub
		pending += e.Report.Sources[i].PendingDoris
	}
	for partition := range int32(4) {
		left, late := rows/4, pending/4
		if partition == 0 {
			left, late = rows-3*left, pending-3*late
		}
		h := report.HubPartition{Partition: partition, Rows: left}
		for i := int64(0); left > 0; i++ {
			w := report.Window{WindowID: report.WindowID{Proof: domain.ProofHubDoris, Partition: partition, Index: i}, State: domain.WindowVerified}
			in := domain.Span{First: i * domain.WindowSize, Next: min((i+1)*domain.WindowSize, i*domain.WindowSize+left)}
			left -= in.Len()
			h.Next, w.Rows = in.Next, in.Len()
			if left == 0 {
				w.State, w.Pending = domain.WindowOpen, min(late, in.Len()-1)
				in.Next -= w.Pending
			}
			v := e.vector(in, nil)
			w.First, w.Through = in.First, in.Next
			w.Witnesses = []report.Witnessed{{Witness: "hub", Vector: v}, {Witness: "doris", Vector: v}}
			from := clock(2, 0, 0).Add(time.Duration(i) * 7 * time.Minute)
			to := from.Add(7*time.Minute - time.Second)
			w.FromTime, w.ToTime = &from, &to
			e.Report.Windows = append(e.Report.Windows, w)
		}
		e.Report.Hub = append(e.Report.Hub, h)
	}
}
