package pipeline_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/pipeline"
)

// says appends to control.
func says(t *testing.T, c *journal.Control, events ...domain.Event) {
	t.Helper()
	for _, e := range events {
		if _, err := c.Append(t.Context(), func(*domain.ControlState) (domain.Event, error) { return e, nil }); err != nil {
			t.Fatal(err)
		}
	}
}

// approved are the events of a plan that runs.
func approved(p *domain.Plan) []domain.Event {
	return []domain.Event{
		&domain.ReplayPlanned{ID: p.ID, Digest: p.Digest(), Text: string(p.Text()), Who: "li", Why: "a test"},
		&domain.ReplayMoved{ID: p.ID, Digest: p.Digest(), To: domain.PlanRunning, Who: "li", Why: "a test"},
	}
}

// However the legs and the shards are shared, each stream but control has one writer: two would
// fence each other off.
func TestOneWriterOfEachStream(t *testing.T) {
	for _, table := range []string{"ods.T", ""} {
		j, err := journal.Open(t.Context(), "p", journal.Options{Store: journal.NewMemory()})
		if err != nil {
			t.Fatal(err)
		}
		control, err := j.OpenControl(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, kind := range []domain.TargetKind{domain.TargetTable, domain.TargetTopic, domain.TargetFile, domain.TargetNull} {
			p := &domain.Plan{ID: domain.PlanID{byte(i + 1)}, Pipeline: "p", Target: domain.PlanTarget{Kind: kind}, Lanes: []domain.PlanLane{{Shard: 0}, {Shard: 1}}}
			if kind == domain.TargetTable && table == "" {
				continue // there is none
			}
			says(t, control, approved(p)...)
		}
		type process struct {
			legs   []domain.Leg
			shards []int
		}
		ingest, hub, doris := domain.LegIngest, domain.LegHub, domain.LegDoris
		for name, all := range map[string][]process{
			"one":            {{[]domain.Leg{ingest, hub, doris}, []int{0, 1}}},
			"a leg each":     {{[]domain.Leg{ingest}, []int{0, 1}}, {[]domain.Leg{hub}, []int{0, 1}}, {[]domain.Leg{doris}, []int{0, 1}}},
			"a shard each":   {{[]domain.Leg{ingest, hub, doris}, []int{0}}, {[]domain.Leg{ingest, hub, doris}, []int{1}}},
			"the table away": {{[]domain.Leg{ingest, hub}, []int{0}}, {[]domain.Leg{ingest, hub}, []int{1}}, {[]domain.Leg{doris}, []int{0, 1}}},
		} {
			var streams []domain.Stream
			control.State(func(c *domain.ControlState) { streams = c.Streams("p", 2) })
			if want := 1 + 2*(4+4); len(streams) != want && table != "" {
				t.Fatalf("%d streams, want %d", len(streams), want)
			}
			for _, s := range streams {
				writers := 0
				for _, p := range all {
					o := &pipeline.Open{Control: control, Configured: domain.PipelineConfig{Shards: 2, Table: table}, Shards: p.shards}
					if o.Writes(pipeline.Role{Legs: p.legs}, s) {
						writers++
					}
				}
				if control := s.Leg == domain.LegControl; control && writers > 0 || !control && writers != 1 {
					t.Errorf("%s, table %q: %s has %d writers", name, table, s, writers)
				}
			}
		}
	}
}
