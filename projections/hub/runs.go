package hub

import "github.com/hefu-io/hefu/domain"

// origin is where a piece comes from: an ingest run, from an ordinal on. It says what
// Packed.Pieces does not need to know to be sent.
type origin struct {
	ingest domain.Seq
	run    int
	first  int64
}

// placed counts the rows that have a place in the hub, and the bytes of their values.
func placed(p *Packed) (rows, bytes int64) {
	start := 0
	for i, end := range p.Ends {
		if p.Offsets[i] >= 0 {
			rows++
			bytes += int64(end - start)
		}
		start = end
	}
	return rows, bytes
}

// hubRuns is the mapping of a batch's rows to hub offsets. A run is split wherever the
// offsets are not contiguous: where a foreign writer came in between, or a marker of its
// transaction, or a row that was not acknowledged, which has no place. Nothing is merged
// across pieces.
func hubRuns(p *Packed, from []origin) []domain.HubRun {
	runs := make([]domain.HubRun, 0, len(p.Pieces))
	row := 0
	for i, piece := range p.Pieces {
		o := from[i]
		at := p.Offsets[row : row+piece.N]
		row += piece.N
		for start := 0; start < len(at); {
			end := start + 1
			if at[start] < 0 {
				start = end
				continue
			}
			for end < len(at) && at[end] == at[end-1]+1 {
				end++
			}
			runs = append(runs, domain.HubRun{
				Ingest: o.ingest, Run: o.run, First: o.first + int64(start), N: int64(end - start),
				Partition: piece.Partition, Offset: at[start],
			})
			start = end
		}
	}
	return runs
}
