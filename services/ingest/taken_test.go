package ingest

import (
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// TestOverlap: a source that begins at rows that the table has is held up, with the offsets
// that are right; one that begins where the table ends, or behind it, is not.
func TestOverlap(t *testing.T) {
	s := domain.Stream{Pipeline: "p", Leg: domain.LegIngest}
	source := &Source{ID: "nanjing", Topic: "QL_JC_SSJC"}
	starts := []domain.Start{
		{Partition: 0, First: 500, How: "committed offset"},
		{Partition: 1, First: 800, How: "committed offset"},
		{Partition: 2, First: 7, How: "log start"},
	}
	for _, ends := range []map[int32]int64{nil, {}, {0: 500, 1: 800}, {0: 12, 3: 900}} {
		if f := overlap(s, source, starts, ends); f != nil {
			t.Errorf("table ends at %v: %v", ends, f.incident)
		}
	}
	f := overlap(s, source, starts, map[int32]int64{0: 800, 1: 800, 5: 3})
	if f == nil {
		t.Fatal("300 rows would be carried twice, and nobody says so")
	}
	text := f.incident.Error()
	for _, want := range []string{
		"source-taken", "partition 0: begins at 500 (committed offset), the table has rows up to 799: 300 offsets would be carried twice",
		"start_offsets: partition:0,offset:800;partition:1,offset:800;partition:5,offset:3, and restart",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if strings.Contains(text, "partition 1:") || len(f.incident.Choices) != 1 {
		t.Errorf("%s, choices %v", text, f.incident.Choices)
	}
}
