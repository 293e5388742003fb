package domain

// In a direct pipeline the hub topic itself is the source: its rows are in the hub by
// definition, and an Ingested event stands for the HubCommitted of a pipeline that wrote
// them. Where that one maps runs of rows to the places that they were given, here each row
// keeps its own.

// DirectCommit is what an ingest event of a direct pipeline stands for: its rows, as runs
// of consecutive offsets between the gaps. Time stays 0, since each row has its own; Bytes
// are those of the batches as the broker sent them, compressed or not. It is pure.
func DirectCommit(seq Seq, e *Ingested) *HubCommitted {
	c := &HubCommitted{Owned: e.Owned}
	for i := range e.Runs {
		r := &e.Runs[i]
		c.Rows += r.Rows
		c.Bytes += int64(r.Size())
		next := HubRun{Ingest: seq, Run: i, Partition: r.Partition, Offset: r.First}
		upTo := func(end int64) {
			if next.N = end - next.Offset; next.N > 0 {
				c.Runs = append(c.Runs, next)
				next.First += next.N
			}
		}
		for _, g := range r.Gaps {
			upTo(g.Span.First)
			next.Offset = g.Span.Next
		}
		upTo(r.Next)
	}
	return c
}
