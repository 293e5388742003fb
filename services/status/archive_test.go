package status_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/status"
)

// TestArchive: how far the archive is stands on control; what waits for it is in the store.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, fmt.Sprintf("journal: {segment_bytes: 1MiB, archive: {dir: %q}}", dir))
	s := domain.Stream{Pipeline: "bridge", Leg: domain.LegIngest}
	want := &status.Archive{Place: dir, Archived: map[string]uint64{}, Dropped: map[string]uint64{}}
	demand := func(when string) {
		t.Helper()
		if diff := cmp.Diff(want, r.report().Pipelines[0].Archive); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	demand("at first")
	to, err := r.open.Journal.Takeover(t.Context(), s, r.open.Incarnation, r.open.ConfigSeq)
	must(t, err)
	for i := range int64(5) {
		_, err := to.Append(t.Context(), &domain.Ingested{
			Owned: to.Owned(), Positions: []domain.Position{{Source: "nanjing", Generation: 1, Next: i + 1}},
			Runs: []domain.Run{{Source: "nanjing", Generation: 1, First: i, Next: i + 1, Rows: 1, Batches: [][]byte{make([]byte, 600<<10)}}},
		})
		must(t, err)
	}
	list, err := r.open.Archive.Stored(t.Context(), s)
	must(t, err)
	if len(list) != 3 {
		t.Fatalf("%d segments", len(list))
	}
	want.Behind = 2
	demand("sealed")
	r.say(&domain.Archived{Last: domain.Ref{Stream: s, Seq: list[1].First - 1}, First: list[0].First, File: "f"})
	want.Segments, want.Behind, want.Archived[s.String()] = 1, 1, uint64(list[1].First-1)
	demand("archived")
	r.say(&domain.Dropped{Stream: s, First: list[0].First, Last: list[1].First - 1})
	want.Dropped[s.String()] = uint64(list[1].First - 1)
	demand("dropped")
	p := &domain.Plan{ID: domain.PlanID{7}, Pipeline: "bridge", Target: domain.PlanTarget{Kind: domain.TargetTopic}, Lanes: []domain.PlanLane{{First: 1}}}
	r.say(&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "li", Why: "a test"})
	r.say(&domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: domain.PlanRunning, Who: "li", Why: "a test"})
	to, err = r.open.Journal.Takeover(t.Context(), p.Stream(0), r.open.Incarnation, r.open.ConfigSeq)
	must(t, err)
	for range 3 {
		_, err := to.Append(t.Context(), &domain.HubAborted{Owned: to.Owned(), Trail: to.Trail(), Why: strings.Repeat("x", 600<<10)})
		must(t, err)
	}
	want.Behind++
	demand("of a replay")
}

func (r *rig) say(e domain.Event) {
	r.t.Helper()
	_, err := r.open.Control.Append(r.t.Context(), func(*domain.ControlState) (domain.Event, error) { return e, nil })
	must(r.t, err)
}
