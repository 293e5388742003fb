package domain

// Selection says which rows of committed hub transactions a replay carries. The zero value
// takes all of them; where several lists have something, a row is in each of those.
type Selection struct {
	Ingest []SeqSpan  `json:"ingest,omitempty"` // events that brought the rows
	Cities []CitySpan `json:"cities,omitempty"` // sorted by source, generation, partition, offset
	Hub    []HubSpan  `json:"hub,omitempty"`    // sorted by partition, offset
}

// All reports whether every row is taken.
func (s *Selection) All() bool { return len(s.Ingest) == 0 && len(s.Cities) == 0 && len(s.Hub) == 0 }

// Brought reports whether rows are taken that an ingest event of a shard brought.
func (s *Selection) Brought(shard int, seq Seq) bool {
	for _, in := range s.Ingest {
		if in.Shard == shard && in.First <= seq && seq <= in.Last {
			return true
		}
	}
	return len(s.Ingest) == 0
}

// HubSpans is what is taken of a hub partition as far as the hub's offsets decide.
func (s *Selection) HubSpans(partition int32) Spans {
	if len(s.Hub) == 0 {
		return Spans{{First: 0, Next: 1<<63 - 1}}
	}
	var out Spans
	for _, h := range s.Hub {
		if h.Partition == partition {
			out = with(out, h.Span)
		}
	}
	return out
}

// CitySpans is what is taken of a source partition as far as the city's offsets decide.
func (s *Selection) CitySpans(of PartitionKey) Spans {
	if len(s.Cities) == 0 {
		return Spans{{First: 0, Next: 1<<63 - 1}}
	}
	var out Spans
	for _, c := range s.Cities {
		if c.Source == of.Source && c.Partition == of.Partition && (c.Generation == 0 || c.Generation == of.Generation) {
			out = with(out, c.Span)
		}
	}
	return out
}

// with adds a span; one that comes behind all others, as in a sorted list, without a copy of them.
func with(set Spans, s Span) Spans {
	if n := len(set); s.Len() > 0 && (n == 0 || set[n-1].Next < s.First) {
		return append(set, s)
	}
	set, _ = set.Add(s)
	return set
}
