package pipeline

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
)

// Format is the one hub format of this release: Flink's JSON, byte for byte.
const Format = "flink-json"

// ConfigError says that hefu.yaml contradicts what is fixed for the pipeline's life,
// or what stands in the way of a first start. The process ends with exit code 2.
type ConfigError struct {
	Pipeline string
	Reason   string
}

// Error is the pipeline and the reason.
func (e *ConfigError) Error() string { return "pipeline " + e.Pipeline + ": " + e.Reason }

// ExitCode is 2: the operator has to change something first.
func (e *ConfigError) ExitCode() int { return 2 }

// Desired is the journaled configuration that hefu.yaml asks for, given the one in
// force (nil before the first): time zone, format, hub, shards and table are fixed for
// a pipeline's life, sources are only added or ended. hubPartitions is what the broker
// says now; it counts at the first start only. Errors: *ConfigError.
func Desired(c *config.Pipeline, now *domain.PipelineConfig, hubPartitions int32) (*domain.PipelineConfig, error) {
	want := &domain.PipelineConfig{
		Timezone: c.Timezone, Format: Format, HubTopic: c.Hub.Topic, HubPartitions: hubPartitions, Shards: c.Shards,
	}
	if c.Doris != nil {
		want.Table = c.Doris.Database + "." + c.Doris.Table
	}
	if now != nil {
		want.HubPartitions = now.HubPartitions
		if err := fixed(c.Name, now, want); err != nil {
			return nil, err
		}
		want.Sources = append(want.Sources, now.Sources...)
	}
	if int32(want.Shards) > want.HubPartitions {
		return nil, &ConfigError{c.Name, fmt.Sprintf("shards is %d and the hub topic %s has %d partitions: at most one shard a partition",
			want.Shards, want.HubTopic, want.HubPartitions)}
	}
	return want, sources(c, want)
}

func fixed(pipeline string, now, want *domain.PipelineConfig) error {
	var diff []string
	for _, f := range []struct {
		key       string
		now, want any
	}{
		{"timezone", now.Timezone, want.Timezone},
		{"hub.topic", now.HubTopic, want.HubTopic},
		{"shards", now.Shards, want.Shards},
		{"doris.database and doris.table", now.Table, want.Table},
	} {
		if f.now != f.want {
			diff = append(diff, fmt.Sprintf("%s is %v for this pipeline's life and %v in the file", f.key, f.now, f.want))
		}
	}
	if len(diff) == 0 {
		return nil
	}
	return &ConfigError{pipeline, strings.Join(diff, "; ") + "; make a new pipeline and replay into it"}
}

// sources adds what is new, ends what is gone, and refuses what changed.
func sources(c *config.Pipeline, want *domain.PipelineConfig) error {
	inFile := map[domain.SourceID]bool{}
	for _, s := range c.Sources {
		id := domain.SourceID(s.ID)
		inFile[id] = true
		have, known := want.Source(id)
		switch {
		case known && have.Ended:
			return &ConfigError{c.Name, fmt.Sprintf("source %s was ended before; a source that comes back is a new source with an id of its own", s.ID)}
		case known && (have.City != domain.City(s.City) || have.Topic != s.Topic):
			return &ConfigError{c.Name, fmt.Sprintf("source %s is city %s topic %s for ever, the file says city %s topic %s; a new code or topic is a new source",
				s.ID, have.City, have.Topic, s.City, s.Topic)}
		case known:
			continue
		}
		taken := make([]int32, 0, len(want.Sources))
		for _, old := range want.Sources {
			taken = append(taken, old.Base)
		}
		want.Sources = append(want.Sources, domain.SourceConfig{
			ID: id, City: domain.City(s.City), Topic: s.Topic, Base: domain.NextBase(taken, want.HubPartitions),
		})
	}
	for i := range want.Sources {
		want.Sources[i].Ended = want.Sources[i].Ended || !inFile[want.Sources[i].ID]
	}
	return nil
}

// configured is the event for a configuration, nil when it is the one in force.
func configured(want *domain.PipelineConfig, now *domain.PipelineConfigured) *domain.PipelineConfigured {
	digest := journal.ConfigDigest(want)
	if now != nil && now.Digest == digest {
		return nil
	}
	return &domain.PipelineConfigured{Digest: digest, Config: *want}
}
