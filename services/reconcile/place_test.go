package reconcile

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/origin"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// Which part a hub row is of, by what it says and by where it stands.
func TestPlaces(t *testing.T) {
	one := &part{PartitionKey: domain.PartitionKey{Source: "nanjing/a", Generation: 1, Partition: 0}, city: "320100"}
	two := &part{PartitionKey: domain.PartitionKey{Source: "nanjing/b", Generation: 1, Partition: 0}, city: "320100"}
	newer := &part{PartitionKey: domain.PartitionKey{Source: "nanjing/b", Generation: 2, Partition: 0}, city: "320100"}
	p := newPlaces()
	for _, n := range []*part{one, two, newer} {
		p.know(n)
	}
	expect := func(n *part, city, hub int64) {
		p.expect(n, &origin.Expected{City: domain.Coord{Offset: city}, Row: proof.Row{Hub: domain.Coord{Partition: 7, Offset: hub}}})
	}
	for i := range int64(3) {
		expect(one, 10+i, 100+i)
	}
	expect(one, 15, 103) // after a gap of the city
	expect(two, 16, 104)
	expect(newer, 3, 105)
	if n := len(p.runs[7]); n != 4 {
		t.Errorf("%d runs, want 4: %v", n, p.runs[7])
	}
	row := func(city domain.City, partition, offset, hub int64) *target.HubRow {
		return &target.HubRow{City: city, CityPartition: partition, CityOffset: offset, Row: proof.Row{Hub: domain.Coord{Partition: 7, Offset: hub}}}
	}
	blind := func(hub int64) *target.HubRow {
		r := row("", -1, -1, hub)
		r.Unplaced = true
		return r
	}
	broken, elsewhere := row("", -1, -1, 100), row("", -1, -1, 106)
	broken.Broken, elsewhere.Broken = "it is no JSON", "it is no JSON"
	for _, c := range []struct {
		name   string
		row    *target.HubRow
		of     *part
		offset int64
	}{
		{"as the journal has it", row("320100", 0, 11, 101), one, 11},
		{"of the other topic", row("320100", 0, 16, 104), two, 16},
		{"of the newer generation", row("320100", 0, 3, 105), newer, 3},
		{"whatever it says, where the journal has it", row("320200", 9, 99, 101), one, 11},
		{"broken, where the journal has it", broken, one, 10},
		{"where the journal has none, the newest", row("320100", 0, 3, 106), newer, 3},
		{"another city, where the journal has none", row("320200", 0, 11, 106), nil, -1},
		{"another partition", row("320100", 1, 11, 106), nil, -1},
		{"a partition that is no number of 32 bits", row("320100", 1<<32, 11, 106), nil, -1},
		{"broken, where the journal has none", elsewhere, nil, -1},
		{"blind, by the journal alone", blind(102), one, 12},
		{"blind, after the gap", blind(103), one, 15},
		{"blind, before the first", blind(99), nil, -1},
		{"blind, after the last", blind(106), nil, -1},
	} {
		n, offset, why := p.of(c.row)
		if n != c.of || offset != c.offset || (n == nil) != (why != "") {
			t.Errorf("%s: %v at %d (%s), want %v at %d", c.name, n, offset, why, c.of, c.offset)
		}
	}
	p.forget(map[int32]*hubLane{7: {next: 106}})
	if n, _, _ := p.of(blind(102)); n != nil {
		t.Error("a run that was forgotten is known")
	}
}
