package reconcile

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// TestWith: the short way says what the long way says, in whatever order offsets come.
func TestWith(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var short, long domain.Spans
		at := int64(0)
		for _, step := range rapid.SliceOf(rapid.Int64Range(-3, 3)).Draw(t, "steps") {
			at = max(0, at+step)
			short = with(short, at)
			long, _ = long.Add(domain.Span{First: at, Next: at + 1})
			if !slices.Equal(short, long) {
				t.Fatalf("%v, want %v", short, long)
			}
		}
	})
}

// TestSameWindow: the window of the row before is taken for the next row's only where it is it,
// of a part and of a hub partition.
func TestSameWindow(t *testing.T) {
	const last = domain.WindowSize - 1
	p := New(nil, nil, Scope{}, nil)
	all := domain.Span{Next: 1 << 40}
	a := &part{PartitionKey: domain.PartitionKey{Source: "a", Generation: 1}, scope: all}
	b := &part{PartitionKey: domain.PartitionKey{Source: "a", Generation: 2}, scope: all}
	p.parts[a.PartitionKey], p.parts[b.PartitionKey] = a, b
	for _, offset := range []int64{0, last, last + 1, last, 5} {
		for _, n := range []*part{a, b} {
			if p.partAt(n.PartitionKey) != n {
				t.Errorf("%v is taken for another part", n.PartitionKey)
			}
			if w := p.rowWindow(n, offset); w.life.Window != n.window(offset) || p.rows[n.window(offset)] != w {
				t.Errorf("offset %d of generation %d is in %s", offset, n.Generation, w.life.Window)
			}
		}
	}
	format := domain.FlinkFormat()
	p.format = target.NewFormat(&format, time.UTC, target.DefaultDigits(), false)
	p.hubs[0], p.hubs[1] = &hubLane{end: 1 << 40}, &hubLane{end: 1 << 40}
	for _, offset := range []int64{0, last, last + 1, last} {
		for h := range int32(2) {
			want := domain.Window{Proof: domain.ProofHubDoris, Partition: h, Index: offset / domain.WindowSize}
			if w := p.loadWindow(h, offset); w.life.Window != want || p.loads[want] != w {
				t.Errorf("offset %d of hub partition %d is in %s", offset, h, w.life.Window)
			}
		}
	}
	p.hubs[0].end = 7 // a scope that ends in it, or more that came
	if w := p.loadWindow(0, 3); w.scope.Next != 7 {
		t.Errorf("the window ends at %d", w.scope.Next)
	}
	var order []domain.Window
	for h, list := range byPartition(p.loads) {
		for _, w := range list {
			if w.life.Window.Partition != h {
				t.Errorf("%s is given as one of partition %d", w.life.Window, h)
			}
			order = append(order, w.life.Window)
		}
	}
	if len(order) != 4 || order[0].Index != 0 || order[1].Index != 1 || order[1].Partition != 0 || order[2].Partition != 1 {
		t.Errorf("windows in the order %v", order)
	}
}
