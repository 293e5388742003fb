package pipeline_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

func bridge(sources ...config.Source) *config.Pipeline {
	return &config.Pipeline{
		Name: "bridge", Timezone: "Asia/Shanghai", Shards: 2, Hub: config.Hub{Topic: "ODS", Format: config.DefaultPipeline().Hub.Format},
		Doris: &config.Doris{Database: "ods", Table: "t"}, Sources: sources,
	}
}

func source(id, city string) config.Source { return config.Source{ID: id, City: city, Topic: "QL"} }

func TestDesiredFirstAndGrown(t *testing.T) {
	first, err := pipeline.Desired(bridge(source("a", "1"), source("b", "2")), nil, 8)
	if err != nil {
		t.Fatal(err)
	}
	want := &domain.PipelineConfig{
		Timezone: "Asia/Shanghai", Format: domain.FlinkFormat(), HubTopic: "ODS", HubPartitions: 8, Shards: 2, Table: "ods.t",
		Sources: []domain.SourceConfig{{ID: "a", City: "1", Topic: "QL", Base: 0}, {ID: "b", City: "2", Topic: "QL", Base: 4}},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Fatalf("first start (-want +got):\n%s", diff)
	}
	// The broker has more partitions by now: H stays. b ends, c is added, a keeps its base.
	grown, err := pipeline.Desired(bridge(source("a", "1"), source("c", "3")), first, 99)
	if err != nil {
		t.Fatal(err)
	}
	if grown.HubPartitions != 8 || grown.Sources[0].Base != 0 || !grown.Sources[1].Ended || grown.Sources[2].ID != "c" {
		t.Errorf("grown: %+v", grown)
	}
	if b := grown.Sources[2].Base; b == 0 || b == 4 {
		t.Errorf("c shares base %d with a source that is there", b)
	}
}

func TestDesiredRefuses(t *testing.T) {
	several := source("all", "5")
	several.Topic, several.Topics = "", []string{"QL"}
	now, err := pipeline.Desired(bridge(source("a", "1"), source("gone", "9"), several), nil, 8)
	if err != nil {
		t.Fatal(err)
	}
	now.Sources[1].Ended = true
	for _, c := range []struct {
		name   string
		change func(*config.Pipeline)
		want   string
	}{
		{"timezone", func(p *config.Pipeline) { p.Timezone = "UTC" }, "timezone is Asia/Shanghai for this pipeline's life and UTC in the file"},
		{"hub topic", func(p *config.Pipeline) { p.Hub.Topic = "X" }, "hub.topic is ODS"},
		{"shards", func(p *config.Pipeline) { p.Shards = 3 }, "shards is 2 for this pipeline's life and 3 in the file"},
		{"table", func(p *config.Pipeline) { p.Doris.Table = "u" }, "is ods.t for this pipeline's life and ods.u"},
		{"no table", func(p *config.Pipeline) { p.Doris = nil }, "is ods.t for this pipeline's life"},
		{"city", func(p *config.Pipeline) { p.Sources[0].City = "2" }, "source a is city 1 topic QL for ever"},
		{"topic", func(p *config.Pipeline) { p.Sources[0].Topic = "Z" }, "source a is city 1 topic QL for ever"},
		{"comes back as another", func(p *config.Pipeline) { p.Sources = append(p.Sources, source("gone", "8")) }, "source gone is city 9 topic QL for ever"},
		{"record format", func(p *config.Pipeline) { p.Sources[0].Charset = "GBK" }, "source a is read as {Kind: Charset: Binary:false"},
		{"hub format", func(p *config.Pipeline) { p.Hub.Format.Key = config.FormatPass }, "hub.format is"},
		{"direct", func(p *config.Pipeline) { p.Sources, p.ReadHub = nil, &config.ReadHub{} }, "read_hub is false for this pipeline's life and true in the file"},
		{"one becomes several", func(p *config.Pipeline) {
			p.Sources[0].Topic, p.Sources[0].Topics = "", []string{"QL", "QL2"}
		}, "source a is the one topic QL for ever"},
		{"several become one", func(p *config.Pipeline) { p.Sources[1] = source("all", "5") }, "source all is an entry with several topics for ever (all/QL is one)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := bridge(source("a", "1"), several)
			c.change(p)
			_, err := pipeline.Desired(p, now, 8)
			var refused *pipeline.ConfigError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if refused.ExitCode() != 2 {
				t.Errorf("exit code %d", refused.ExitCode())
			}
		})
	}
	p := bridge(source("a", "1"))
	p.Shards = 9
	if _, err := pipeline.Desired(p, nil, 8); err == nil || !strings.Contains(err.Error(), "at most one shard a partition") {
		t.Errorf("more shards than partitions: %v", err)
	}
}
