package rebuild

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/config"
)

// hubRows is what the hub topic holds, read to its last stable offsets.
type hubRows struct {
	topic  kafkaconn.Topic
	bounds map[int32]kafkaconn.Bounds
	rows   map[int32]*offsets // by hub partition
	trails map[trailKey]*trail
	// Records that are no row of the hub's format, and rows that do not say where their city has
	// them.
	strange, unsaid int64
}

// trailKey is a city partition in a hub partition.
type trailKey struct {
	city      domain.City
	partition int64
	hub       int32
}

// trail is what a hub partition says of a city partition, in its order.
type trail struct {
	first, next int64 // offsets of the city: of the first row, and behind the furthest one
	last        int64 // of the last row
	rows        int64
	gaps        gaps
	fell        *fall // nil: the offsets only rose
}

// fall is where the offsets of a city partition do not rise: its topic was made anew, or rows
// were sent once more.
type fall struct {
	from, to int64
	at       domain.Coord
	times    int64
}

// readHub reads the whole hub topic.
func readHub(ctx context.Context, p *config.Pipeline) (*hubRows, error) {
	h := &hubRows{rows: map[int32]*offsets{}, trails: map[trailKey]*trail{}}
	cl, err := kafkaconn.Dial(p.Hub.Config)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	if h.topic, err = kafkaconn.Describe(ctx, cl, p.Hub.Topic); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	if h.bounds, err = kafkaconn.Offsets(ctx, cl, p.Hub.Topic); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	for partition := range h.bounds {
		h.rows[partition] = &offsets{}
	}
	values := flink.NewHubReader(time.UTC) // no time of a row is looked at
	err = kafkaconn.ReadStable(ctx, p.Hub.Config, p.Hub.Topic, h.bounds, func(r *kgo.Record) error {
		h.rows[r.Partition].add(r.Offset)
		h.take(r, values)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	return h, nil
}

// take notes which city row a record is.
func (h *hubRows) take(r *kgo.Record, values *flink.HubReader) {
	row, err := values.Read(r.Value)
	switch {
	case err != nil:
		h.strange++
		return
	case row.City == nil || row.CityPartition == nil || row.CityOffset == nil:
		h.unsaid++
		return
	}
	key := trailKey{domain.City(row.City), *row.CityPartition, r.Partition}
	t := h.trails[key]
	if t == nil {
		t = &trail{first: *row.CityOffset, next: *row.CityOffset, last: -1}
		h.trails[key] = t
	}
	t.add(*row.CityOffset, domain.Coord{Partition: r.Partition, Offset: r.Offset})
}

func (t *trail) add(offset int64, at domain.Coord) {
	t.rows++
	if offset <= t.last {
		if t.fell == nil {
			t.fell = &fall{from: t.last, to: offset, at: at}
		}
		t.fell.times++
	}
	if offset > t.next {
		t.gaps.add(domain.Span{First: t.next, Next: offset})
	}
	t.last, t.next = offset, max(t.next, offset+1)
}

// offsets are those of rows of one hub partition, in rising order.
type offsets struct {
	set     domain.Spans
	doubled int64 // that came once more
}

func (o *offsets) add(offset int64) { o.addTimes(offset, 1) }

func (o *offsets) addTimes(offset, times int64) {
	o.doubled += times - 1
	if n := len(o.set); n > 0 && o.set[n-1].Next == offset {
		o.set[n-1].Next++
		return
	}
	o.set = append(o.set, domain.Span{First: offset, Next: offset + 1})
}

// next is behind the last one, from where there is none.
func (o *offsets) next(from int64) int64 {
	if n := len(o.set); n > 0 {
		return o.set[n-1].Next
	}
	return from
}

// count is how many there are.
func (o *offsets) count() int64 { return o.set.Len() }

// until are those before end.
func (o *offsets) until(end int64) *offsets {
	return &offsets{set: o.set.Within(domain.Span{Next: end})}
}

// minus are those that others does not have.
func (o *offsets) minus(others *offsets) (out gaps) {
	i := 0
	for _, span := range o.set {
		for at := span.First; at < span.Next; {
			for i < len(others.set) && others.set[i].Next <= at {
				i++
			}
			switch {
			case i == len(others.set) || others.set[i].First >= span.Next:
				out.add(domain.Span{First: at, Next: span.Next})
				at = span.Next
			case others.set[i].First > at:
				out.add(domain.Span{First: at, Next: others.set[i].First})
				at = others.set[i].First
			default:
				at = others.set[i].Next
			}
		}
	}
	return out
}

// namedSpans bounds how many spans a plan names of a kind and a partition: the rest is counted.
const namedSpans = 20

// gaps counts offsets and names the first spans of them.
type gaps struct {
	count int64
	named domain.Spans
	last  int64 // behind the last one
}

func (g *gaps) add(s domain.Span) {
	g.count += s.Len()
	g.last = max(g.last, s.Next)
	if len(g.named) < namedSpans {
		g.named = append(g.named, s)
	}
}
