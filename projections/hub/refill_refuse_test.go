package hub_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// refuses demands that a plan is refused at Open, and that nothing is written.
func (r *refill) refuses(want ...string) {
	r.t.Helper()
	ends := func() string { return fmt.Sprint(kafkaconn.Offsets(r.ctx, r.cl, r.topic())) }
	before := ends()
	var refusal *projections.Refusal
	leg, err := r.process().Open(r.ctx)
	if err == nil {
		leg.Close()
	}
	if !errors.As(err, &refusal) || !contains(err, append(want, "replay into a shadow topic instead")...) {
		r.t.Errorf("opened with %v, want: %q", err, want)
	}
	if after := ends(); after != before {
		r.t.Errorf("ends at %s, did at %s", after, before)
	}
}

// TestRefillRefused: a topic that cannot be put right is left as it is.
func TestRefillRefused(t *testing.T) {
	span := func(r *refill, p int32) *domain.Span {
		for i := range r.of.Plan.Rows.Hub {
			if r.of.Plan.Rows.Hub[i].Partition == p {
				return &r.of.Plan.Rows.Hub[i].Span
			}
		}
		t.Fatalf("partition %d lacks nothing", p)
		return nil
	}
	for name, c := range map[string]struct {
		spoil func(r *refill)
		want  string
	}{
		"made anew": {func(r *refill) {
			_, err := kadm.NewClient(r.cl).DeleteTopics(r.ctx, r.topic())
			must(t, err)
			r.makeHubTopic(nil)
		}, "it was made anew"},
		"gone": {func(r *refill) {
			_, err := kadm.NewClient(r.cl).DeleteTopics(r.ctx, r.topic())
			must(t, err)
		}, "no such topic"},
		"time of the broker": {func(r *refill) {
			value := "LogAppendTime"
			_, err := kadm.NewClient(r.cl).AlterTopicConfigs(r.ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "message.timestamp.type", Value: &value}}, r.topic())
			must(t, err)
		}, "message.timestamp.type is LogAppendTime"},
		"lost more since":     {func(r *refill) { r.cut(map[int32]int64{0: 5}) }, "it lost its end once more"},
		"a shorter journal":   {func(r *refill) { span(r, 0).Next++ }, "the lane has no rows of hub partition 0 up to"},
		"a partition twice":   {func(r *refill) { r.of.Plan.Rows.Hub = append(r.of.Plan.Rows.Hub, r.of.Plan.Rows.Hub[0]) }, "hub partition 0 is named twice"},
		"no such partition":   {func(r *refill) { r.of.Plan.Rows.Hub[0].Partition = 4 }, "there are none"},
		"no offsets":          {func(r *refill) { *span(r, 2) = domain.Span{First: 4, Next: 4} }, "there are none"},
		"of another journal":  {func(r *refill) { r.newJournal(r.j.Pipeline()) }, "is of journal"},
		"no progress records": {func(r *refill) { r.cut(nil); must(t, hub.Forget(r.ctx, r.world.cfg, domain.JournalID{})) }, "has no progress record"},
	} {
		t.Run(name, func(t *testing.T) {
			r := lost(t)
			c.spoil(r)
			r.refuses(c.want)
		})
	}
}

// TestRefillGivenTwice: a topic that lost its end and was written on has offsets that the journal
// gives twice; which rows are there nobody can say.
func TestRefillGivenTwice(t *testing.T) {
	r := lossy(t)
	r.feedUnseen()
	r.cut(map[int32]int64{0: 10})
	r.planFill()
	r.refuses("was given twice")
}

// feedUnseen journals a commit whose rows stand where others stood.
func (r *refill) feedUnseen() {
	r.t.Helper()
	w, err := r.j.Takeover(r.ctx, r.stream(), r.started(), 1)
	must(r.t, err)
	tail, err := r.j.Tail(r.ctx, r.stream())
	must(r.t, err)
	last := tail.Event.(*domain.Opened)
	commit, err := r.j.Get(r.ctx, r.stream(), last.Trail.Commit)
	must(r.t, err)
	c := *commit.Event.(*domain.HubCommitted)
	begun, err := w.Append(r.ctx, &domain.HubBegun{Owned: w.Owned(), Trail: w.Trail(), Config: 1, First: c.Cursor, Last: c.Cursor, Time: c.Time})
	must(r.t, err)
	c.Owned, c.Trail, c.Begun = w.Owned(), w.Trail(), begun
	c.Runs = []domain.HubRun{c.Runs[0]}
	c.Runs[0].Run, c.Runs[0].Partition, c.Runs[0].Offset = 77, 0, 12
	c.Rows = c.Runs[0].N
	_, err = w.Append(r.ctx, &c)
	must(r.t, err)
}

// TestRefillPlans: what no plan that fills a live topic in may say is refused before anything is
// connected; and no topic is made for one.
func TestRefillPlans(t *testing.T) {
	hubSpan := []domain.HubSpan{{Span: domain.Span{First: 1, Next: 2}}}
	for want, change := range map[string]func(*hub.Config){
		"never into a topic that has":       func(c *hub.Config) { c.Replay.Plan.Target.Name = "other" },
		"by the offsets that its":           func(c *hub.Config) { c.Replay.Plan.Rows.Hub = nil },
		"that its partitions lack, and by":  func(c *hub.Config) { c.Replay.Plan.Rows.Ingest = []domain.SeqSpan{{First: 1, Last: 2}} },
		"has no hub leg":                    func(c *hub.Config) { c.Pipeline.Direct = true },
		"partitions lack, and by nothing e": func(c *hub.Config) { c.Replay.Plan.Rows.Cities = []domain.CitySpan{{Source: "a"}} },
	} {
		c := hub.Config{
			Pipeline:      domain.PipelineConfig{Timezone: "UTC", Format: domain.FlinkFormat(), HubTopic: "live", HubPartitions: 1, Shards: 1},
			ProgressTopic: "live-p", Replay: &projections.Replay{Plan: &domain.Plan{
				Pipeline: "p", Rows: domain.Selection{Hub: hubSpan}, Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing, Name: "live"},
			}, Pace: projections.NewPace(domain.PlanLimits{})},
		}
		j, err := journal.Open(t.Context(), "p", journal.Options{Store: journal.NewMemory()})
		must(t, err)
		var refusal *projections.Refusal
		if err := hub.MakeShadowTopic(t.Context(), c); !errors.As(err, &refusal) || !contains(err, "no topic is made for it") {
			t.Errorf("a topic was made: %v", err)
		}
		change(&c)
		if _, err = hub.New(c, j, 1, 1, projections.Incidents{}, nil, nil); !errors.As(err, &refusal) || !contains(err, want) {
			t.Errorf("%v, want: %s", err, want)
		}
	}
}
