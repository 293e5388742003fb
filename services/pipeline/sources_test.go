package pipeline_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func desired(t *testing.T, p *config.Pipeline, now *domain.PipelineConfig) *domain.PipelineConfig {
	t.Helper()
	c, err := pipeline.Desired(p, now, 8)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inForce are the sources that have not ended, with their bases.
func inForce(c *domain.PipelineConfig) (out []string) {
	for _, s := range c.Sources {
		if !s.Ended {
			out = append(out, fmt.Sprintf("%s@%d", s.ID, s.Base))
		}
	}
	return out
}

// A source that ended and is in the file again is the one that it was, with its base: it
// goes on where it was.
func TestSourceComesBack(t *testing.T) {
	both := bridge(source("a", "1"), source("b", "2"))
	first := desired(t, both, nil)
	without := desired(t, bridge(source("a", "1")), first)
	if !without.Sources[1].Ended || without.Sources[0].Ended {
		t.Fatalf("removed: %+v", without.Sources)
	}
	again := desired(t, both, without)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("back (-was +is):\n%s", diff)
	}
	if len(without.Sources) != 2 || !without.Sources[1].Ended {
		t.Error("the configuration before it was changed as well")
	}
}

// Each topic of a list is a source of its own, and one that leaves the list ends.
func TestListOfTopics(t *testing.T) {
	s := source("a", "1")
	s.Topic, s.Topics = "", []string{"QL", "JC"}
	first := desired(t, bridge(s), nil)
	want := []domain.SourceConfig{
		{ID: "a/QL", City: "1", Topic: "QL", Group: "a", Base: 0}, {ID: "a/JC", City: "1", Topic: "JC", Group: "a", Base: 4},
	}
	if diff := cmp.Diff(want, first.Sources); diff != "" {
		t.Error(diff)
	}
	s.Topics = []string{"JC", "XX"}
	if got := inForce(desired(t, bridge(s), first)); !slices.Equal(got, []string{"a/JC@4", "a/XX@2"}) {
		t.Errorf("another list: %q", got)
	}
}

// The topics of a pattern are found by asking, and stay whether they are found again or not.
// One that comes when others are there is late; so is one that a look did not find.
func TestPattern(t *testing.T) {
	s := source("a", "1")
	s.Topic, s.TopicPattern = "", "QL.*|JC"
	file := bridge(s)
	now := desired(t, file, nil)
	if len(now.Sources) != 0 {
		t.Fatalf("before anybody was asked: %+v", now.Sources)
	}
	find := func(now *domain.PipelineConfig, late bool, topics ...string) *domain.PipelineConfig {
		c, err := pipeline.Discovered(file, &s, now, topics, late)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := find(now, true, "QL1"); !c.Sources[0].Late {
		t.Error("a look that found nothing was before it")
	}
	first := find(now, false, "JC", "QL1")
	if got := inForce(first); !slices.Equal(got, []string{"a/JC@0", "a/QL1@4"}) || first.Sources[0].Late || first.Sources[1].Late {
		t.Fatalf("first: %+v", first.Sources)
	}
	if c := find(first, false, "QL1"); c != nil {
		t.Errorf("one of them vanished: %+v", c.Sources)
	}
	more := find(first, false, "JC", "QL1", "QL2")
	if got := inForce(more); !slices.Equal(got, []string{"a/JC@0", "a/QL1@4", "a/QL2@2"}) || !more.Sources[2].Late || more.Sources[0].Late {
		t.Fatalf("more: %+v", more.Sources)
	}
	if diff := cmp.Diff(more, desired(t, file, more)); diff != "" {
		t.Errorf("read again:\n%s", diff)
	}
	s.TopicPattern = "QL"
	if got := inForce(desired(t, bridge(s), more)); got != nil {
		t.Errorf("a pattern matches whole names, and %q are there", got)
	}
	s.TopicPattern = "QL."
	if got := inForce(desired(t, bridge(s), more)); !slices.Equal(got, []string{"a/QL1@4", "a/QL2@2"}) {
		t.Errorf("a narrower pattern: %q", got)
	}
}

// A pipeline that reads the hub itself has one source, whose partitions are the hub's.
func TestDirect(t *testing.T) {
	p := bridge()
	p.ReadHub = &config.ReadHub{}
	c := desired(t, p, nil)
	want := []domain.SourceConfig{{ID: "hub", Topic: "ODS"}}
	if diff := cmp.Diff(want, c.Sources); diff != "" || !c.Direct || c.HubPartitions != 8 {
		t.Errorf("%+v\n%s", c, diff)
	}
	if diff := cmp.Diff(c, desired(t, p, c)); diff != "" {
		t.Errorf("read again:\n%s", diff)
	}
}

// A process that takes a pipeline which reads the hub itself claims no hub leg, and reads the
// topic at the hub's address.
func TestDirectIsOpened(t *testing.T) {
	c := file(t, hubWith(t, "ODS"))
	p := &c.Pipelines[0]
	p.Sources, p.ReadHub = nil, &config.ReadHub{Reading: config.DefaultReading()}
	opened, _, stop := start(t, c)
	o := opened[0]
	list, seq, _ := o.Sources()
	if len(list) != 1 || list[0].ID != "hub" || list[0].Topic != "ODS" || !slices.Equal(list[0].Kafka.Brokers, p.Hub.Brokers) || seq != o.ConfigSeq {
		t.Errorf("reads %+v", list)
	}
	o.Control.State(func(s *domain.ControlState) {
		for _, claim := range s.Started[o.Incarnation].Claims {
			if claim.Leg == domain.LegHub {
				t.Errorf("claims %+v", claim)
			}
		}
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
}
