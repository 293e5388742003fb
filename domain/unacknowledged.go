package domain

// Unacknowledged are the rows of an ingest event that a hub batch of the semantic none
// took and does not account for: in none of its runs, and not excluded otherwise. Each
// entry has consecutive city offsets. The digests stay zero: nothing is wrong with the
// bytes. It is pure.
func Unacknowledged(seq Seq, e *Ingested, runs []HubRun, excluded []Exclusion) []Exclusion {
	known := make([]Spans, len(e.Runs)) // ordinals, by run
	note := func(ingest Seq, run int, first, n int64) {
		if ingest == seq && run < len(known) {
			known[run], _ = known[run].Add(Span{first, first + n})
		}
	}
	for _, r := range runs {
		note(r.Ingest, r.Run, r.First, r.N)
	}
	for _, x := range excluded {
		note(x.Ingest, x.Run, x.Ordinal, x.Count)
	}
	var out []Exclusion
	for i := range e.Runs {
		r := &e.Runs[i]
		var gaps Spans
		for _, g := range r.Gaps {
			gaps, _ = gaps.Add(g.Span)
		}
		ordinal := int64(0)
		for _, rows := range gaps.Gaps(Span{r.First, r.Next}) {
			for _, left := range known[i].Gaps(Span{ordinal, ordinal + rows.Len()}) {
				out = append(out, Exclusion{
					Ingest: seq, Run: i, Ordinal: left.First, Count: left.Len(),
					Offset: rows.First + left.First - ordinal, Reason: ExcludedUnacknowledged,
				})
			}
			ordinal += rows.Len()
		}
	}
	return out
}
